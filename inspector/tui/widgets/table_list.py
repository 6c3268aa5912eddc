"""A `parts.Table` on the screen: rows are read as they scroll into view, whether there are ten or a million."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Size

from inspector.parts import Cell, Column, Table
from inspector.render.cells import GAP, cell_text, line_width, pad, shrunk
from inspector.tui.screens.row import RowScreen, as_text, fields
from inspector.tui.widgets.cells import fit, visible, width_of
from inspector.tui.widgets.virtual_list import VirtualList

SAMPLE = 300
"""Rows that are looked at for the widths: so many from the start, and so many spread over the rest."""

LEAST = 8
"""Cells that a column of text keeps: on the screen one looks at the whole row for more."""

WIDEST = 60
"""Cells of a column, at most, where the columns do not fit side by side even when the longest texts are cut."""

SLICE = 0.005
"""Seconds of filtering between two looks at the keyboard."""


class TableList(VirtualList):
    """Lines under column names. The longest texts give way until the columns fit side by side; where that does not
    help, nothing is cut and the list scrolls sideways. Enter shows a row with every field in full.
    """

    DEFAULT_CSS = """
    TableList {
        height: 1fr;
        width: 1fr;
        overflow-x: auto;
        scrollbar-size-horizontal: 1;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "sideways(-1)", "Left", show=False, id="table.left", tooltip="Columns on the left"),
        Binding("right,l", "sideways(1)", "Right", show=False, id="table.right", tooltip="Columns on the right"),
        Binding("enter", "open", "Whole row", id="table.open", tooltip="The row under the cursor, every field in full"),
    ]
    headed = True

    def __init__(self, table: Table, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.table = table
        self._natural = widths(table)
        self._fitted = -1, self._natural
        self._numbers: Sequence[int] = range(len(table.rows))

    def on_mount(self) -> None:
        self.set_rows(len(self._numbers))

    def filter(self, text: str) -> None:
        """Show the rows that hold every word of `text`; all for none. Rows are looked through without a pause felt."""
        terms = text.lower().split()
        self._numbers = [] if terms else range(len(self.table.rows))
        self.set_rows(len(self._numbers), 0)
        self.run_worker(self._search(terms), group="filter", exclusive=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """All lines, also while few of them are shown."""
        return self.headed + len(self.table.rows)

    def line_width(self) -> int:
        return line_width(self._widths)

    @property
    def _widths(self) -> list[int]:
        """What there is room for beside a scrollbar: a table whose rows are filtered stands still."""
        return self._shared(self.content_size.width - 1)

    def _shared(self, room: int) -> list[int]:
        """The widths of the columns in so many cells."""
        if self._fitted[0] != room:
            fitted = self._natural if room <= 0 else shrunk(self._natural, self.table.columns, room, LEAST)
            if line_width(fitted) > room:
                fitted = [min(width, WIDEST) for width in self._natural]
            self._fitted = room, fitted
        return self._fitted[1]

    def head(self, width: int) -> str:
        return self._join([column.name for column in self.table.columns])

    def draw(self, row: int, width: int) -> Iterator[Segment]:
        cells = self.table.rows[self._numbers[row]]
        yield Segment(fit(self._join(_texts(cells, self.table.columns)), width))

    def hint(self, row: int) -> str | None:
        """The fields that are cut on the line."""
        texts = _texts(self.table.rows[self._numbers[row]], self.table.columns)
        fields = zip(self.table.columns, texts, self._widths, strict=True)
        cut = [f"{column.name}: {text}" for column, text, width in fields if width_of(text) > width]
        return "\n".join(cut) or None

    def row_text(self) -> str:
        """The row under the cursor, a field a line; empty where there is none."""
        return as_text(fields(self.table, self._numbers[self.cursor])) if self.row_count else ""

    def opened(self) -> None:
        self.app.push_screen(RowScreen(self.table, self._numbers, self.cursor), self._returned)

    def _returned(self, row: int | None) -> None:
        """Stand on the row that was looked at last."""
        self.cursor = self.cursor if row is None else row

    def action_sideways(self, by: int) -> None:
        """Scroll to the next column, or to the one before."""
        columns = self._widths
        edges = [sum(columns[:number]) + len(GAP) * number for number in range(len(columns))]
        ahead = [edge for edge in edges if edge > self.scroll_x] if by > 0 else edges
        behind = [edge for edge in edges if edge < self.scroll_x]
        self.scroll_to(x=min(ahead, default=0) if by > 0 else max(behind, default=0), animate=False)

    async def _search(self, terms: list[str]) -> None:
        found: list[int] = []
        started = time.perf_counter()
        for number, cells in enumerate(self.table.rows if terms else ()):
            line = "\n".join(_texts(cells, self.table.columns)).lower()
            if all(term in line for term in terms):
                found.append(number)
            if time.perf_counter() - started > SLICE:
                self._numbers = list(found)
                self.extend_rows(len(found))
                await asyncio.sleep(0)
                started = time.perf_counter()
        if terms:
            self._numbers = found
            self.set_rows(len(found))

    def _join(self, texts: Sequence[str]) -> str:
        fields = zip(texts, self._widths, self.table.columns, strict=True)
        return GAP.join(pad(text, width, column.align) for text, width, column in fields)


def widths(table: Table) -> list[int]:
    """A width for each column that its name and its fields fit in full, as far as a sample of the rows tells."""
    rows = table.rows
    spread = (rows[place] for place in range(SAMPLE, len(rows), max(1, len(rows) // SAMPLE)))
    found = [width_of(visible(column.name)) for column in table.columns]
    for cells in chain(islice(rows, SAMPLE), spread):
        found = [max(width, width_of(text)) for width, text in zip(found, _texts(cells, table.columns), strict=True)]
    return found


def _texts(cells: Sequence[Cell], columns: Sequence[Column]) -> list[str]:
    return [visible(cell_text(value, column)) for value, column in zip(cells, columns, strict=True)]
