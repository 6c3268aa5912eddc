"""A picture, or a frame of a video, among the tokens of a row: its grid of merged tokens and of patches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from inspector.trace import Trace

if TYPE_CHECKING:
    from inspector.analysis.conversation import Conversation, Standing
    from inspector.analysis.placement import Placement
    from inspector.analysis.positions import Span
    from inspector.analysis.regions import Region
    from inspector.views.vision_map import Map

LARGEST = 1200
"""Pixels of the longer side of what is kept of a picture: more than a terminal shows."""

Place = tuple[int, int]


@dataclass(frozen=True)
class GridLook:
    """One frame of a picture's span. `found` maps its patches, None without a vision tower that takes grids."""

    trace: Trace
    talk: Conversation
    placement: Placement
    span: Span
    frame: int
    title: str
    found: Map | None

    @property
    def rows(self) -> int:
        """Rows of merged tokens."""
        assert self.span.grid is not None
        return self.span.grid.rows

    @property
    def columns(self) -> int:
        assert self.span.grid is not None
        return self.span.grid.columns

    @property
    def shape(self) -> str:
        return f"{self.rows}×{self.columns} merged tokens"

    def place(self, row: int, column: int) -> int | None:
        """The place of a merged token among those of its forward; None where the ids hold too few placeholders."""
        token = self.span.start + (self.frame * self.rows + row) * self.columns + column
        return token - self.placement.begin if token < self.span.stop else None

    def token(self, row: int, column: int) -> int | None:
        """The index of a merged token in its row."""
        place = self.place(row, column)
        return None if place is None else self.talk.index_of(self.placement, place)

    def wrong(self, row: int, column: int) -> bool:
        """Whether a merged token stands elsewhere than it should."""
        place, differing = self.place(row, column), self.placement.differing
        return place is not None and place < len(differing) and bool(differing[place])

    def holds(self, standing: Standing) -> Place | None:
        """Row and column of a token in this frame; None where it stands elsewhere."""
        spot = standing.spot
        if spot is None or spot.span is not self.span or spot.frame != self.frame:
            return None
        return spot.row, spot.column

    @cached_property
    def labels(self) -> list[list[str]]:
        """Each merged token's index; a mark where it stands elsewhere than it should, or is missing."""
        return [
            [
                "≠" if (index := self.token(row, column)) is None or self.wrong(row, column) else str(index)
                for column in range(self.columns)
            ]
            for row in range(self.rows)
        ]

    @cached_property
    def image(self) -> Any:
        """The picture u8 [height, width, 3] as the model saw it, or from its file; None where neither is at hand."""
        from inspector.analysis.regions import Region

        assert self.span.grid is not None
        frame = None if self.span.kind == "image" else self.frame if self.span.frame is None else self.span.frame
        region = Region(self.span.kind, self.span.grid.number, self.rows, self.columns, (), frame)
        return image_of(self.trace, region)

    @cached_property
    def tower(self) -> TowerLook | None:
        """Its patches in the vision tower."""
        return None if self.found is None else TowerLook.of(self, self.found)


@dataclass(frozen=True)
class TowerLook:
    """The patches of one frame in the vision tower: windows, and the row and column by which each really turned.

    `before` are the patches of the tower before the frame's first; `turned` is None where it was not recorded.
    """

    grid: GridLook
    found: Map
    before: int
    turned: Any

    @staticmethod
    def of(grid: GridLook, found: Map) -> TowerLook:
        from inspector.analysis.tower import positions

        sizes = found.tower.sizes[: found.entry.number]
        area = found.size[1] * found.size[2]
        before = sum(frames * rows * columns for frames, rows, columns in sizes)
        turned, expected = positions(grid.trace, found.tower)
        whole = turned if turned is not None and turned.shape[0] == len(expected) else None
        return TowerLook(grid, found, before + (found.first_frame + grid.frame) * area, whole)

    @property
    def rows(self) -> int:
        return self.found.size[1]

    @property
    def columns(self) -> int:
        return self.found.size[2]

    @property
    def merge(self) -> int:
        """Patches along a merged token's side."""
        return self.found.merge

    @property
    def shape(self) -> str:
        windows = f", windows of {self.side}×{self.side}" if self.side else ""
        return f"{self.rows}×{self.columns} patches{windows}"

    @property
    def side(self) -> int:
        """Patches along a full window's side; 0 without windows."""
        return self.found.tower.layout.window_side * self.found.merge

    def patch(self, row: int, column: int) -> int:
        """A patch by its place, counted in the picture in the order of `pixel_values`."""
        from inspector.analysis.windows import patch_at

        return patch_at(self.found.size, self.found.merge, self.grid.frame, row, column)

    def turns_by(self, row: int, column: int) -> Place | None:
        """The row and column by which a patch was turned."""
        if self.turned is None:
            return None
        area = self.rows * self.columns
        at = self.turned[self.before + self.patch(row, column) - self.grid.frame * area]
        return int(at[0]), int(at[1])

    @cached_property
    def labels(self) -> list[list[str]]:
        """The number of each window in its first patch; a mark where a patch turned by another place than its own."""
        lines = [[""] * self.columns for _ in range(self.rows)]
        if self.side:
            starts = [
                (row, column) for row in range(0, self.rows, self.side) for column in range(0, self.columns, self.side)
            ]
            first = self.grid.frame * len(starts) + self._windows_before
            for number, (row, column) in enumerate(starts):
                lines[row][column] = str(first + number)
        for row in range(self.rows if self.turned is not None else 0):
            for column in range(self.columns):
                if self.turns_by(row, column) != (row, column):
                    lines[row][column] = "≠"
        return lines

    @property
    def _windows_before(self) -> int:
        from inspector.analysis.windows import windows

        tower = self.found.tower
        own = windows(tower.sizes, tower.layout.merge, tower.layout.window_side)
        first = next((at for at, item in enumerate(own) if item.picture == self.found.entry.number), 0)
        return first + self.found.first_frame * sum(
            item.picture == self.found.entry.number and item.frame == 0 for item in own
        )

    @property
    def image(self) -> Any:
        return self.grid.image

    def words(self, row: int, column: int) -> str:
        """What is known of a patch, in a sentence or two."""
        from inspector.views.vision_map import table

        shown = table(self.found, [self.patch(row, column)])
        cells = dict(zip((name.name for name in shown.columns), shown.rows[0], strict=True))
        turned = self.turns_by(row, column)
        by = "was not recorded" if turned is None else f"row {turned[0]}, column {turned[1]}"
        mark = "" if turned in (None, (row, column)) else f" ≠ row {row}, column {column}"
        window = ""
        if cells["window"] is not None:
            window = f" Window {cells['window']}; its token stands at {cells['place in window order']} in window order."
        pixels = f", pixels {cells['pixels after resizing']} after resizing"
        return f"Patch {cells['patch']} at row {row}, column {column}{pixels}. Turned by: {by}{mark}.{window}"


def image_of(trace: Trace, region: Region) -> Any:
    """The picture of a region u8 [height, width, 3], no larger than a terminal shows; None where none is at hand."""
    import numpy as np

    from inspector.views.backdrop import backdrop

    picture = backdrop(trace, region)
    if picture is None:
        return None
    picture.thumbnail((LARGEST, LARGEST))
    return np.asarray(picture.convert("RGB"))


def grids(trace: Trace, talk: Conversation) -> Iterator[GridLook]:
    """Every frame of every picture with a grid among the tokens of a row."""
    from inspector.analysis.conversation import Spot
    from inspector.analysis.forwards import layout
    from inspector.analysis.layout import frames_named
    from inspector.views.place_words import map_of
    from inspector.views.position_words import picture_name

    for placement in talk.placements:
        for span in placement.spans:
            if span.grid is None:
                continue
            found = map_of(trace, placement, Spot(span, 0, 0, 0))
            frames = span.grid.frames if span.frame is None else 1
            for frame in range(frames):
                number = frame if span.frame is None else span.frame
                several = span.grid.frames > 1
                of = f", {frames_named(number, layout(trace).temporal, span.grid.frames)}" if several else ""
                yield GridLook(trace, talk, placement, span, frame, f"{picture_name(trace, span)}{of}", found)
