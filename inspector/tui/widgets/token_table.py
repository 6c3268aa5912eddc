"""The tokens of a row as a table: index, id, text, kind and the position under which the decoder saw them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.segment import Segment
from textual.message import Message

from inspector.tui.widgets.cells import fit
from inspector.tui.widgets.token_flow import describe
from inspector.tui.widgets.token_items import Item
from inspector.tui.widgets.virtual_list import VirtualList

ID, KIND = 6, 7
"""Cells of the columns of ids and kinds."""

INK = {"special": "second", "image": "accent", "video": "accent", "pad": "quiet"}


class TokenTable(VirtualList):
    """An item a line; with a filter, the items that match alone."""

    DEFAULT_CSS = """
    TokenTable { height: 1fr; width: 1fr; }
    """
    headed = True

    @dataclass
    class Moved(Message):
        """The cursor stands on an item."""

        number: int

    @dataclass
    class Opened(Message):
        """An item is to be unfolded, or folded."""

        number: int

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._items: Sequence[Item] = []
        self._rows: Sequence[int] = range(0)
        self._index = 5
        self._axes: tuple[int, ...] = (8,)

    @property
    def current(self) -> int | None:
        """The number of the item under the cursor."""
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    def show_items(self, items: Sequence[Item], rows: Sequence[int], cursor: int = 0) -> None:
        """Show those of `items` whose numbers are in `rows`, with the cursor on item `cursor` if it is among them."""
        self._items, self._rows = items, rows
        self._index = max([5, *(len(item.index) for item in items)])
        axes = zip(*(item.position for item in items if item.position), strict=False)
        widths = tuple(max(map(len, axis)) for axis in axes)
        self._axes = widths if len(widths) > 1 else (max([len("position"), *widths]),)
        self.set_rows(len(rows), self._row_of(cursor))

    def show_item(self, number: int) -> None:
        """Put the cursor on an item, if it is shown."""
        if number in self._rows:
            self.cursor = self._row_of(number)

    def draw(self, row: int, width: int) -> Iterator[Segment]:
        item = self._items[self._rows[row]]
        token = item.token
        ink, quiet = self.ink(INK.get(token.kind, "")), self.ink("quiet")
        number = str(token.id) if token.id >= 0 else ""
        yield Segment(f"{fit(item.index, self._index, right=True)} {number:>{ID}}  ", quiet)
        yield Segment(f"{fit(item.text.strip(' '), self._room(width))} {fit(token.kind, KIND)} ", ink)
        axes = zip(item.position or ("",) * len(self._axes), self._axes, strict=True)
        yield Segment(" ".join(fit(place, length, right=True) for place, length in axes), quiet)

    def head(self, width: int) -> str:
        index, number = fit("index", self._index, right=True), fit("id", ID, right=True)
        names = ("t", "h", "w") if len(self._axes) == 3 else ("position",)
        axes = " ".join(fit(name, length, right=True) for name, length in zip(names, self._axes, strict=False))
        return f"{index} {number}  {fit('text', self._room(width))} {fit('kind', KIND)} {axes}"

    def _room(self, width: int) -> int:
        """Cells that are left for the text."""
        taken = self._index + 1 + ID + 2 + 1 + KIND + 1 + sum(self._axes) + len(self._axes) - 1
        return max(width - taken, 4)

    def moved(self) -> None:
        if self.current is not None:
            self.post_message(self.Moved(self.current))

    def opened(self) -> None:
        if self.current is not None:
            self.post_message(self.Opened(self.current))

    def hint(self, row: int) -> str | None:
        return describe(self._items[self._rows[row]])

    def _row_of(self, number: int) -> int:
        rows = self._rows
        if isinstance(rows, range):
            return number
        return next((row for row, item in enumerate(rows) if item >= number), max(len(rows) - 1, 0))
