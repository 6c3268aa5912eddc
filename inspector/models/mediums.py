"""The kinds of media that a prompt may hold: pictures and videos, how each is named, opened and refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from inspector.models.images import Picture, open_pictures
from inspector.models.sampling import Sampling
from inspector.models.videos import Video, open_videos

Kind = Literal["image", "video"]
Item = Picture | Video

KEYS: Mapping[Kind, tuple[str, ...]] = {
    "image": ("image", "path", "url", "image_url"),
    "video": ("video", "path", "url", "video_url"),
}
"""Where a part of a message may name its picture or video, in the spellings that chat formats use."""


@dataclass(frozen=True, slots=True)
class Medium:
    """One kind. `words` stand for an item in a prompt, the usual one first; there are none where items cannot be
    encoded, which `refusal` then explains. `open` raises `InputError` for what is no such item.
    """

    kind: Kind
    words: tuple[str, ...]
    refusal: str
    open: Callable[[Sequence[Any]], Sequence[Item]]

    @property
    def word(self) -> str:
        return self.words[0] if self.words else ""

    @property
    def plural(self) -> str:
        """What the command line calls several of them."""
        return f"{self.kind}s"

    @property
    def things(self) -> str:
        """What several of them are in a sentence."""
        return "pictures" if self.kind == "image" else "videos"

    def count(self, text: str) -> int:
        """How many items a text has placeholders for."""
        return next((count for word in self.words if (count := text.count(word))), 0)

    def is_part(self, part: Mapping[str, Any]) -> bool:
        """Whether a part of a message is such an item."""
        return part.get("type") in (self.kind, f"{self.kind}_url") or ("type" not in part and self.kind in part)


def images(words: Sequence[str], refusal: str) -> Medium:
    """Pictures."""
    return Medium("image", tuple(words), refusal, open_pictures)


def videos(words: Sequence[str], refusal: str, sampling: Sampling) -> Medium:
    """Videos, of which the frames are taken that `sampling` says."""
    return Medium("video", tuple(words), refusal, lambda given: open_videos(given, sampling))
