"""One row of a table, every field in full."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import HorizontalGroup, VerticalGroup
from textual.content import Content
from textual.widgets import Static

from inspector.parts import Table
from inspector.render.cells import cell_text
from inspector.tui.screens.dialog import Dialog
from inspector.tui.widgets.cells import visible, width_of


def fields(table: Table, number: int) -> Iterator[tuple[str, str]]:
    """Name and text of what a row holds; fields without anything are left out."""
    for column, value in zip(table.columns, table.rows[number], strict=True):
        text = visible(cell_text(value, column))
        if text:
            yield visible(column.name), text


def as_text(named: Iterable[tuple[str, str]]) -> str:
    """Fields as lines that can be pasted."""
    return "\n".join(f"{name}: {text}" for name, text in named)


class RowScreen(Dialog[int]):
    """Shows the row `at` of those that `numbers` names; returns where among them it was left."""

    DEFAULT_CSS = """
    RowScreen > VerticalGroup { width: 100; }
    RowScreen .row--name { width: auto; max-width: 40%; color: $text-muted; margin-right: 2; }
    RowScreen .row--text { width: 1fr; }
    """
    HELP = "One row of a table, every field in full; n and p go to the rows around it."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "row(1)", "Next row", id="row.next", tooltip="The row below", show=False),
        Binding("p", "row(-1)", "Row before", id="row.before", tooltip="The row above", show=False),
        Binding("j", "scroll(1)", "Down", id="row.down", tooltip="Scroll down", show=False),
        Binding("k", "scroll(-1)", "Up", id="row.up", tooltip="Scroll up", show=False),
        Binding("y", "copy", "Copy", id="row.copy", tooltip="Copy the row", show=False),
        Binding("enter,q", "leave", "Close", id="row.close", tooltip="Back to the table", show=False),
    ]

    def __init__(self, table: Table, numbers: Sequence[int], at: int) -> None:
        more = "n next · p before · " if len(numbers) > 1 else ""
        super().__init__("", f"{more}y copy · esc close")
        self._table = table
        self._numbers = numbers
        self._at = at

    def compose(self) -> ComposeResult:
        place = f"row {self._at + 1:,} of {len(self._numbers):,}" if len(self._numbers) > 1 else ""
        self._heading = " · ".join(filter(None, (visible(self._table.title), place)))
        yield from super().compose()

    def body(self) -> ComposeResult:
        width = max((width_of(name) for name, _ in self._fields), default=0)
        for name, text in self._fields:
            named = Static(Content(name), classes="row--name")
            named.styles.width = width
            yield HorizontalGroup(named, Static(Content(text), classes="row--text"))

    @property
    def _fields(self) -> list[tuple[str, str]]:
        return list(fields(self._table, self._numbers[self._at]))

    async def action_row(self, by: int) -> None:
        at = max(0, min(self._at + by, len(self._numbers) - 1))
        if at != self._at:
            self._at = at
            await self.recompose()
            self.query_one(VerticalGroup).scroll_home(animate=False)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(as_text(self._fields))
        self.notify("Copied the row.", markup=False)

    def action_leave(self) -> None:
        self.dismiss(self._at)
