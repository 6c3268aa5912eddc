"""What a user asks with, and what a family makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspector.errors import InputError
from inspector.trace import Media

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

Message = Mapping[str, Any]
"""A message as transformers' chat templates take it: `{"role": …, "content": text or a list of parts}`."""


@dataclass(frozen=True, slots=True)
class Request:
    """A question, as it was given: several `prompts` or several conversations in `messages` are a batch.

    `images` are files or pictures, `videos` files, directories of frames or lists of pictures. For one prompt all of
    them belong to it; for a batch they are dealt out one a row, or in the order of the placeholders where the prompts
    write them. Of a video, `fps` frames a second are taken, or a number of `frames`. `raw` leaves the chat template
    out.
    """

    prompts: tuple[str, ...] = ()
    images: tuple[str | Path | Image, ...] = ()
    messages: tuple[Sequence[Message], ...] = ()
    system: str | None = None
    raw: bool = False
    videos: tuple[str | Path | Sequence[Image], ...] = ()
    fps: float | None = None
    frames: int | None = None


@dataclass(slots=True)
class Inputs:
    """What the forward is called with, on the CPU: `tensors` are its keyword arguments.

    `texts` holds, a row each, the text that was tokenised, placeholders expanded. `facts` go into the trace (see
    `Trace.facts`).
    """

    tensors: dict[str, Tensor]
    texts: list[str] = field(default_factory=list)
    media: list[Media] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


def make_request(
    prompt: str | Sequence[str] | None,
    images: Any,
    messages: Any,
    system: str | None,
    raw: bool,
    videos: Any = (),
    fps: float | None = None,
    frames: int | None = None,
) -> Request:
    """The arguments of `Session.trace` as a request: single things become tuples of one. Raises `InputError`."""
    if not (prompt is None or (isinstance(prompt, Sequence) and all(isinstance(text, str) for text in prompt))):
        raise InputError(f"A prompt is a text, or several are a list of texts; there is {prompt!r}.")
    images = () if images is None else images
    one_image = isinstance(images, (str, Path)) or not isinstance(images, Sequence)
    one_conversation = bool(messages) and isinstance(messages[0], Mapping)
    return Request(
        prompts=() if prompt is None else (prompt,) if isinstance(prompt, str) else tuple(prompt),
        images=(images,) if one_image else tuple(images),
        messages=() if not messages else (messages,) if one_conversation else tuple(messages),
        system=system,
        raw=raw,
        videos=(videos,) if _is_one_video(videos) else tuple(videos),
        fps=fps,
        frames=frames,
    )


def _is_one_video(videos: Any) -> bool:
    """Whether it is a file, or the frames of one video."""
    if isinstance(videos, (str, Path)) or not isinstance(videos, Sequence):
        return True
    return bool(videos) and all(hasattr(frame, "convert") for frame in videos)
