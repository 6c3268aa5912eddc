"""A short list to choose from: each line a name and what it stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from inspector.tui.screens.dialog import Dialog
from inspector.tui.widgets.cells import fit, visible

NAME_WIDTH = 14
TEXT_WIDTH = 54


@dataclass(frozen=True, slots=True)
class Choice:
    """A line of a menu; `text` is what is chosen with it."""

    name: str
    text: str


class MenuScreen(Dialog[Choice]):
    """Returns the choice that was made."""

    DEFAULT_CSS = """
    MenuScreen > VerticalGroup { padding: 0 1; }
    MenuScreen OptionList { background: $background; height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "move('down')", "Down", id="menu.down", tooltip="Next choice", show=False),
        Binding("k", "move('up')", "Up", id="menu.up", tooltip="Previous choice", show=False),
    ]

    def __init__(self, title: str, choices: Sequence[Choice]) -> None:
        super().__init__(title, "enter choose · esc close")
        self._choices = choices

    def body(self) -> ComposeResult:
        yield OptionList(*(Option(_line(choice)) for choice in self._choices), compact=True)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._choices[event.option_index])

    def action_move(self, way: str) -> None:
        menu = self.query_one(OptionList)
        menu.action_cursor_down() if way == "down" else menu.action_cursor_up()


def _line(choice: Choice) -> Content:
    first, *more = choice.text.split("\n")
    text = fit(visible(first), TEXT_WIDTH) + ("…" if more else "")
    return Content.assemble((fit(choice.name, NAME_WIDTH), "bold"), (text, "$text-muted"))
