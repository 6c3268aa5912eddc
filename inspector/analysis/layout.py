"""How a kind of model lays pictures out: patches, merged tokens, windows, positions. A family tells, views read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from inspector.analysis.positions import Grid
from inspector.analysis.windows import Size


def frames_named(frame: int, temporal: int, frames: int = 0) -> str:
    """The frames that a frame of patches, from 0, stands for: `frame 3`, `frames 5–6` where a patch spans two of them.

    With `frames` of patches in all: `frames 5–6 of 8`.
    """
    first, last = frame * temporal + 1, (frame + 1) * temporal
    of = f" of {frames * temporal}" if frames else ""
    return f"frame {first}{of}" if first == last else f"frames {first}–{last}{of}"


@dataclass(frozen=True, slots=True)
class Layout:
    """What a family says of its pictures; every number is 0, and every tuple None, where there is nothing to say.

    `patch` is the side of a patch in pixels, `temporal` how many frames it spans, `merge` how many patches a side
    become one token. `window` is the side of a vision window in pixels, `full_blocks` the vision blocks that attend to
    whole frames all the same, `published_full_blocks` those of the published checkpoints of this depth.
    `tokens_per_second` scales the temporal positions of videos. A family whose pictures take no grid says how many
    `tokens` each of them takes, whether its vision tower puts a `class_token` before the patches, and by `select` which
    of its features go on ("default" leaves the class token out, "full" keeps it).
    """

    patch: int = 0
    temporal: int = 1
    merge: int = 1
    window: int = 0
    full_blocks: tuple[int, ...] | None = None
    published_full_blocks: tuple[int, ...] | None = None
    tokens_per_second: float = 0.0
    tokens: int = 0
    image_size: int = 0
    class_token: bool = False
    select: str = ""

    @property
    def window_side(self) -> int:
        """The side of a full window in merged tokens; 0 without windows."""
        return self.window // self.merge // self.patch if self.window and self.patch else 0

    def to_json(self) -> dict[str, Any]:
        return {name: list(item) if isinstance(item, tuple) else item for name, item in asdict(self).items()}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Layout:
        """What `to_json` wrote, by this version or another: names that are not known here are passed over."""
        known = {field.name for field in fields(Layout)}
        named = ((name, item) for name, item in data.items() if name in known)
        given: dict[str, Any] = {name: tuple(item) if isinstance(item, list) else item for name, item in named}
        return Layout(**given)

    def grids(self, sizes: Sequence[Size], kind: str, seconds: Sequence[float] = ()) -> list[Grid]:
        """Pictures or videos as grids of merged tokens. `seconds` are those that a temporal patch of each video covers;
        they count where the family spaces frames by time, and are 1 where they are not given.
        """
        found = []
        for number, (frames, rows, columns) in enumerate(sizes):
            interval = 1.0
            if kind == "video" and self.tokens_per_second:
                interval = self.tokens_per_second * (seconds[number] if number < len(seconds) else 1.0)
            found.append(Grid(number, frames, rows // self.merge, columns // self.merge, interval))
        return found


PLACEHOLDERS = {
    "image": ("image_token_id", "image_token_index"),
    "video": ("video_token_id", "video_token_index"),
}
"""Where configurations say which id stands for a picture's features."""


def placeholder_ids(config: Mapping[str, Any]) -> dict[int, str]:
    """The ids that stand for features of pictures and videos, with their kind."""
    parts = [config, config.get("text_config")]
    return {
        part[name]: kind
        for kind, names in PLACEHOLDERS.items()
        for part in parts
        if isinstance(part, Mapping)
        for name in names
        if isinstance(part.get(name), int)
    }


def layout_of(config: Mapping[str, Any]) -> Layout:
    """The layout that a configuration tells in the words that most models of transformers share."""
    vision = config.get("vision_config")
    if not isinstance(vision, Mapping):
        return Layout()
    patch = _number(vision, "patch_size", "spatial_patch_size")
    if not _number(vision, "spatial_merge_size"):
        return _without_grid(config, vision, patch)
    return Layout(
        patch=patch,
        temporal=_number(vision, "temporal_patch_size") or 1,
        merge=_number(vision, "spatial_merge_size"),
        window=_number(vision, "window_size") if "fullatt_block_indexes" in vision else 0,
        full_blocks=tuple(vision["fullatt_block_indexes"]) if vision.get("fullatt_block_indexes") is not None else None,
        tokens_per_second=float(vision.get("tokens_per_second") or 0.0),
    )


def _without_grid(config: Mapping[str, Any], vision: Mapping[str, Any], patch: int) -> Layout:
    """Pictures of one size, each of as many tokens."""
    return Layout(
        patch=patch,
        tokens=_number(config, "mm_tokens_per_image", "image_seq_length", "image_seq_len"),
        image_size=_number(vision, "image_size"),
        class_token="clip" in str(vision.get("model_type")),
        select=str(config.get("vision_feature_select_strategy") or ""),
    )


def _number(config: Mapping[str, Any], *names: str) -> int:
    """The first of some settings that is a whole number, or a pair of equal ones; 0 without any."""
    for name in names:
        value = config.get(name)
        if isinstance(value, (list, tuple)) and value and all(item == value[0] for item in value):
            value = value[0]
        if isinstance(value, int):
            return value
    return 0
