"""A long list to pick one line from, narrowed as one types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from inspector.tui.screens.dialog import Dialog
from inspector.tui.widgets.cells import fit, visible
from inspector.tui.widgets.virtual_list import VirtualList


class PickList(VirtualList):
    """Lines of text, those that hold every word of a filter."""

    DEFAULT_CSS = """
    PickList { background: $background; height: auto; max-height: 20; min-height: 1; }
    """

    def __init__(self, lines: Sequence[str], cursor: int) -> None:
        super().__init__()
        self._texts = lines
        self._start = cursor
        self.numbers: Sequence[int] = range(len(lines))

    def on_mount(self) -> None:
        self.set_rows(len(self.numbers), self._start)

    def filter(self, text: str) -> None:
        """List the lines that hold every word, with the cursor on the first that holds them as they were typed."""
        terms, typed = text.lower().split(), text.lower().strip()
        lines = enumerate(self._texts)
        self.numbers = [number for number, line in lines if all(term in line.lower() for term in terms)]
        found = (row for row, number in enumerate(self.numbers) if typed in self._texts[number].lower())
        self.set_rows(len(self.numbers), next(found, 0) if terms else self._start)

    def draw(self, row: int, width: int) -> Iterator[Segment]:
        yield Segment(fit(" " + visible(self._texts[self.numbers[row]]), width))

    def opened(self) -> None:
        self.screen.dismiss(self.numbers[self.cursor])


class PickScreen(Dialog[int]):
    """Returns the number of the line that was picked."""

    DEFAULT_CSS = """
    PickScreen > VerticalGroup { padding: 0 1; }
    PickScreen Input { background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, f"move('{action}')", tooltip, id=f"pick.{name}", tooltip=tooltip, show=False, priority=True)
        for key, action, name, tooltip in (
            ("down", "cursor(1)", "down", "Next line"),
            ("up", "cursor(-1)", "up", "Line before"),
            ("pagedown", "page(1)", "page_down", "One page down"),
            ("pageup", "page(-1)", "page_up", "One page up"),
            ("enter", "open", "pick", "Pick the line"),
        )
    ]

    def __init__(self, title: str, lines: Sequence[str], cursor: int = 0) -> None:
        super().__init__(title, "type to narrow · enter pick · esc close")
        self._lines, self._cursor = lines, cursor

    def body(self) -> ComposeResult:
        yield Input(placeholder="filter", compact=True)
        yield PickList(self._lines, self._cursor)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.query_one(PickList).filter(event.value)

    async def action_move(self, action: str) -> None:
        await self.query_one(PickList).run_action(action)
