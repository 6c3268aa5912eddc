"""Which part of a plane a heatmap shows, and how finely. Integers only, no drawing.

An axis is cut into cells. At zoom 0 all of it fits into the room on the screen, in cells of near equal length; from
zoom 1 on a cell is a power of two of elements, half as many with each step, down to one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of `size` elements, of which `room` cells are on the screen.

    `cursor` is an element, `first` the first cell on the screen. `exact` asks for a cell an element, whatever the zoom.
    `step` is how many elements a cell covers, 0 where that differs; `levels` is the zoom at which it is one.
    """

    size: int
    room: int = 1
    zoom: int = 0
    exact: bool = False
    first: int = 0
    cursor: int = 0
    cells: int = field(init=False)
    step: int = field(init=False)
    levels: int = field(init=False)

    def __post_init__(self) -> None:
        room = max(self.room, 1)
        levels = (-(-self.size // room) - 1).bit_length() if self.size > room else 0
        step = 1 if self.exact or self.zoom >= levels else 2 ** (levels - self.zoom) if self.zoom else 0
        cells = -(-self.size // step) if step else room
        for name, value in (("levels", levels), ("step", step), ("cells", max(1, cells))):
            object.__setattr__(self, name, value)

    @property
    def finest(self) -> bool:
        """Whether a cell is an element."""
        return self.step == 1

    @property
    def here(self) -> int:
        """The cell under the cursor."""
        if self.step:
            return self.cursor // self.step
        return ((self.cursor + 1) * self.cells - 1) // self.size

    @property
    def shown(self) -> range:
        """The cells on the screen."""
        return range(self.first, min(self.first + max(self.room, 1), self.cells))

    @property
    def elements(self) -> range:
        """The elements on the screen."""
        return range(self.edge(self.shown.start), self.edge(self.shown.stop))

    @property
    def covered(self) -> range:
        """The elements of the cell under the cursor."""
        return range(self.edge(self.here), self.edge(self.here + 1))

    def edge(self, cell: int) -> int:
        """The first element of a cell."""
        return min(cell * self.step, self.size) if self.step else self.size * cell // self.cells

    def edges(self) -> list[int]:
        """Where the shown cells begin, and where the last one ends."""
        return [self.edge(cell) for cell in range(self.shown.start, self.shown.stop + 1)]

    def moved(self, by: int) -> Axis:
        """The cursor `by` cells further, and in sight."""
        return self.at(self.edge(max(0, min(self.here + by, self.cells - 1))))

    def at(self, element: int) -> Axis:
        """The cursor on an element, and in sight."""
        there = replace(self, cursor=max(0, min(element, self.size - 1)))
        return there._scrolled(min(max(self.first, there.here - self.room + 1), there.here))

    def zoomed(self, by: int) -> Axis:
        """Finer or coarser, with the cursor where it is on the screen. Never finer than a cell an element."""
        other = replace(self, zoom=max(0, min(self.zoom + by, self.levels)))
        return other._scrolled(other.here - (self.here - self.first))

    def fitted(self, room: int, *, exact: bool) -> Axis:
        """The same place in a room of another size."""
        return replace(self, room=max(1, room), exact=exact).at(self.cursor)

    def _scrolled(self, first: int) -> Axis:
        return replace(self, first=max(0, min(first, self.cells - self.room)))


@dataclass(frozen=True, slots=True)
class Window:
    """Two axes, and where one looks at them."""

    rows: Axis
    columns: Axis

    @classmethod
    def over(cls, rows: int, columns: int) -> Window:
        return cls(Axis(rows), Axis(columns))

    @property
    def size(self) -> tuple[int, int]:
        return self.rows.size, self.columns.size

    @property
    def cursor(self) -> tuple[int, int]:
        """Row and column of the element under the cursor."""
        return self.rows.cursor, self.columns.cursor

    @property
    def finest(self) -> bool:
        return self.rows.finest and self.columns.finest

    def edges(self) -> tuple[list[int], list[int]]:
        return self.rows.edges(), self.columns.edges()

    def moved(self, down: int, across: int) -> Window:
        return Window(self.rows.moved(down), self.columns.moved(across))

    def paged(self, down: int, across: int) -> Window:
        return self.moved(down * self.rows.room, across * self.columns.room)

    def at(self, row: int, column: int) -> Window:
        return Window(self.rows.at(row), self.columns.at(column))

    def zoomed(self, by: int) -> Window:
        return Window(self.rows.zoomed(by), self.columns.zoomed(by))

    def whole(self) -> Window:
        """Everything, as finely as it fits."""
        return Window(self.rows.zoomed(-self.rows.zoom), self.columns.zoomed(-self.columns.zoom))

    def fitted(self, height: int, width: int, *, exact: bool = False) -> Window:
        return Window(self.rows.fitted(height, exact=exact), self.columns.fitted(width, exact=exact))
