"""A map of probabilities laid over a picture: dark where nobody looks, through red to yellow where most look."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

    from inspector.analysis.regions import Region
    from inspector.trace import Trace

LONGEST = 336
"""Pixels of the longer side of what is drawn."""

HEAT = ((0.0, (0, 0, 60)), (0.25, (120, 20, 110)), (0.5, (220, 60, 40)), (0.75, (250, 150, 20)), (1.0, (255, 250, 150)))
"""Colours by share of the largest probability."""


def overlaid(heat: Sequence[Sequence[float]], backdrop: Image, most: float | None = None) -> tuple[int, int, bytes]:
    """Width, height and RGB bytes of a picture under a map of it, [rows][columns]. `most` is the hottest number, None
    for the largest of the map: of several pictures the hottest may lie on another.

    The picture is stretched to the proportions of the map, as its processor did. What is not a number counts as 0.
    """
    import numpy as np
    from PIL import Image

    values = np.nan_to_num(np.asarray(heat, dtype=np.float32), posinf=0, neginf=0)
    scaled = np.clip(values / max(float(values.max(initial=0)) if most is None else most, 1e-12), 0, 1)
    width, height = size_of(scaled.shape[0], scaled.shape[1])
    stretched = Image.fromarray((scaled * 255).astype(np.uint8)).resize((width, height), Image.Resampling.BILINEAR)
    share = np.asarray(stretched, dtype=np.float32) / 255
    stops = np.array([stop for stop, _ in HEAT])
    colours = np.stack([np.interp(share, stops, [colour[channel] for _, colour in HEAT]) for channel in range(3)], -1)
    under = np.asarray(backdrop.convert("RGB").resize((width, height)), dtype=np.float32)
    alpha = 0.25 + 0.55 * np.sqrt(share)[..., None]
    return width, height, (under * (1 - alpha) + colours * alpha).astype(np.uint8).tobytes()


def size_of(rows: int, columns: int) -> tuple[int, int]:
    """Width and height in the proportions of a map, the longer side `LONGEST`."""
    longer = max(rows, columns)
    return max(1, LONGEST * columns // longer), max(1, LONGEST * rows // longer)


def picture_of(trace: Trace, region: Region) -> Image | None:
    """The picture that a region lies on, from its file; None for a video, and where the file is gone or another one."""
    from PIL import Image, ImageOps

    given = [item for item in trace.media if item.kind == region.kind]
    if region.kind != "image" or region.number >= len(given):
        return None
    media = given[region.number]
    try:
        with Image.open(Path(media.source).expanduser()) as opened:
            upright = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, ValueError, SyntaxError):  # what Pillow raises for what is no picture, or damaged
        return None
    return upright if upright.size == (media.width, media.height) else None
