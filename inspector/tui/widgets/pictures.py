"""What a heatmap asks for and what it gets: one window of a plane as cells. Read in a thread."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from inspector.analysis.tensors import Reduction
from inspector.tui.widgets.palette import Scale
from inspector.tui.widgets.planes import Cells, Plane, colour_scale
from inspector.tui.widgets.viewport import Window

WIDEST = 8
"""A cell of a small plane is stretched to at most so many characters."""

SEARCHED = 2**16
"""Elements under one cell among which the one that it shows is looked for, unless a plane says `searched` itself."""


@dataclass(frozen=True, slots=True)
class Look:
    """A question: which part of which plane, how cells sum up what they cover, and whether as numbers."""

    plane: Plane
    window: Window
    how: Reduction
    numbers: bool
    centred: bool


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """The answer. `values` are the cells unrounded where numbers were asked for, else empty.

    `found` is the element that the cell under the cursor shows, with its index; None where it is a mean of several.
    """

    look: Look
    cells: Cells
    values: Sequence[Sequence[Any]]
    scale: Scale
    found: tuple[int, int, Any] | None

    @property
    def window(self) -> Window:
        return self.look.window

    @property
    def at(self) -> tuple[int, int]:
        """Row and column, among `cells`, of the one under the cursor."""
        rows, columns = self.window.rows, self.window.columns
        return rows.here - rows.first, columns.here - columns.first

    @property
    def value(self) -> float:
        """What the cell under the cursor shows."""
        row, column = self.at
        return self.cells[row][column]

    @property
    def stretch(self) -> tuple[int, int]:
        """Height and width of a cell, so that a small plane fills the room."""
        rows, columns = self.window.rows, self.window.columns
        return min(max(1, rows.room // rows.cells), WIDEST), min(max(1, columns.room // columns.cells), WIDEST)


def read(look: Look, before: Picture | None) -> Picture:
    """Answer a question; what the answer `before` still says right is taken over."""
    window, plane = look.window, look.plane
    same = before is not None and before.look.plane is plane
    cells: Cells
    if before is not None and same and before.look.how == look.how and before.window.edges() == window.edges():
        cells = before.cells
    else:
        cells = plane.cells(*window.edges(), look.how)
    if before is not None and same and before.look.centred == look.centred:
        scale = before.scale
    else:
        scale = colour_scale(plane.sample(), centred=look.centred)
    values = plane.values(window.rows.elements, window.columns.elements) if look.numbers else []
    return Picture(look, cells, values, scale, _found(look))


def _found(look: Look) -> tuple[int, int, Any] | None:
    """The element under the cursor, among those of its cell the one that the cell shows."""
    rows, columns = look.window.rows.covered, look.window.columns.covered
    count = len(rows) * len(columns)
    if count > getattr(look.plane, "searched", SEARCHED) or (count > 1 and look.how == "mean"):
        return None
    block = look.plane.values(rows, columns)
    elements = [(row, column, block[r][c]) for r, row in enumerate(rows) for c, column in enumerate(columns)]
    return max(elements, key=lambda element: _rank(element[2], look.how))


def _rank(value: Any, how: Reduction) -> tuple[int, float]:
    """How much a cell prefers to show a value: nan first, then an infinity, then as it reduces."""
    size = abs(value)
    if not math.isfinite(size):
        return (2 if math.isnan(size) else 1), 0.0
    if how == "extreme" or isinstance(value, complex):
        return 0, size
    return 0, value if how == "max" else -value
