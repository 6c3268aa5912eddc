"""The picture that a region lies on: as the model saw it where its pixels were kept, else from its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inspector.analysis.ledger import entries
from inspector.analysis.overlay import picture_of
from inspector.analysis.placement import placements
from inspector.analysis.regions import Region
from inspector.analysis.tower import tower_of
from inspector.trace import Trace
from inspector.views.vision_pictures import rebuilt

if TYPE_CHECKING:
    from PIL.Image import Image

KEPT = (":input.pixel_values*",)
"""What is kept of a run for it."""


def backdrop(trace: Trace, region: Region) -> Image | None:
    """The picture, or the frame of a video; None where neither pixels nor file are at hand."""
    from PIL import Image

    for rows in placements(trace):
        for entry in entries(trace, rows):
            frame = None if entry.span is None else entry.span.frame
            if (entry.kind, entry.number) != (region.kind, region.number) or frame not in (None, region.frame):
                continue
            tower = tower_of(trace, entry.placement.forward, entry.kind)
            frames = rebuilt(trace, entry, tower)
            if frames is None:
                continue
            temporal = tower.layout.temporal if tower is not None else 1
            at = 0 if region.frame is None or frame is not None else region.frame * temporal
            return Image.fromarray(frames[min(at, len(frames) - 1)].contiguous().numpy())
    return picture_of(trace, region)
