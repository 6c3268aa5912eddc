"""One line to type a filter into, for the list that was focused before it opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Label


class FilterBar(Horizontal):
    """Hidden until `open` is called. What is typed goes out at once; enter keeps the filter, escape takes it away."""

    DEFAULT_CSS = """
    FilterBar {
        height: 1;
        background: $panel;
        & > .filter--sign { width: 2; color: $text-accent; text-style: bold; }
        & > Input { width: 1fr; background: $panel; }
        & > .filter--count { width: auto; padding: 0 1; color: $text-muted; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "Clear filter", id="filter.clear", tooltip="Take the filter away and go back"),
        Binding("down", "keep", "To the list", show=False, id="filter.keep", tooltip="Keep the filter, go to the list"),
    ]

    @dataclass
    class Changed(Message):
        """The filter reads `text` now."""

        text: str

    @dataclass
    class Closed(Message):
        """The keyboard goes back to the list. `kept` says whether a filter still holds."""

        kept: bool

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.display = False
        self._came_from: Widget | None = None

    def compose(self) -> ComposeResult:
        yield Label("/", classes="filter--sign")
        yield Input(placeholder="filter", compact=True)
        yield Label("", classes="filter--count", markup=False)

    @property
    def text(self) -> str:
        """What the filter reads."""
        return self.query_one(Input).value

    def open(self) -> None:
        """Show the line and type into it."""
        if self.screen.focused is not None and self not in self.screen.focused.ancestors:
            self._came_from = self.screen.focused
        self.display = True
        self.screen.set_focus(self.query_one(Input))  # now: what is typed next belongs here

    def count(self, shown: int, total: int) -> None:
        """Say how many lines the filter leaves."""
        self.query_one(".filter--count", Label).update(f"{shown:,} of {total:,}" if self.text else f"{total:,}")

    def action_clear(self) -> None:
        self.query_one(Input).value = ""
        self._close()

    def action_keep(self) -> None:
        self._close()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self._close()

    def _close(self) -> None:
        kept = bool(self.text.strip())
        self.display = kept
        if self._came_from is not None and self._came_from.is_mounted:
            self.screen.set_focus(self._came_from)
        self.post_message(self.Closed(kept))
