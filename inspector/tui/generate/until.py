"""Until when to run: a condition as it is typed, or one of those that are listed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from inspector.errors import InputError
from inspector.tui.screens.dialog import Dialog
from inspector.tui.widgets.cells import fit

FORMS = (
    ("entropy>2.5", "the model is unsure: its own distribution, in nats"),
    ("probability<0.1", "a token is taken that was unlikely"),
    ("rank>1", "a greedy choice would have been another"),
    ("token: Paris", "this token is taken; token:123 names it by its id"),
    ("text:the end", "the text has come to hold these words"),
    ("10", "so many more steps are made"),
)
"""Conditions to begin with, and what each waits for."""


class UntilScreen(Dialog[str]):
    """Returns a condition that can be parsed. `criteria` are the stopping criteria of the generation by name."""

    DEFAULT_CSS = """
    UntilScreen > VerticalGroup { width: 76; }
    UntilScreen Input { background: $surface; padding: 0 1; }
    UntilScreen Input:focus { background: $panel; }
    UntilScreen OptionList { background: $background; height: auto; max-height: 10; margin-top: 1; }
    UntilScreen #state { height: auto; color: $text-error; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.focus_next", "Next field", id="until.next", tooltip="To the list", show=False),
        Binding("up", "app.focus_previous", "Previous field", id="until.previous", tooltip="To the line", show=False),
    ]

    def __init__(self, value: str = "", criteria: Sequence[str] = ()) -> None:
        super().__init__("Run until …", "enter run · tab list · esc back")
        self._value = value
        stops = ((f"stop:{name}", "this stopping criterion asks a row to stop") for name in criteria)
        self._forms = [*FORMS, *stops]

    def body(self) -> ComposeResult:
        yield Input(self._value, placeholder="entropy>2.5", compact=True)
        yield Static(Content(""), id="state")
        yield OptionList(*(Option(_line(*form)) for form in self._forms), compact=True)

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Put the form into the line, where its words can be changed."""
        event.stop()
        line = self.query_one(Input)
        line.value = self._forms[event.option_index][0]
        line.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        from inspector.generation.until import parse

        try:
            parse(event.value)
        except InputError as error:
            self.query_one("#state", Static).update(Content(str(error)))
        else:
            self.dismiss(event.value)


def _line(form: str, words: str) -> Content:
    return Content.assemble((fit(form, 20), "bold"), (words, "$text-muted"))
