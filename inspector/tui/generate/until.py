"""Until when to run: a condition as it is typed, or one of those that are listed."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from inspector.tui.screens.form import Form, field
from inspector.tui.widgets.cells import fit

FORMS = (
    ("entropy>2.5", "the model is unsure: its distribution, in nats"),
    ("probability<0.1", "a token is taken that was unlikely"),
    ("rank>1", "a greedy choice would have been another"),
    ("token: Paris", "this token is taken; token:123 names it by its id"),
    ("text:the end", "the text has come to hold these words"),
    ("10", "so many more steps are made"),
)
"""Conditions to begin with, and what each waits for."""


class UntilScreen(Form[str]):
    """Returns a condition that can be parsed. `criteria` are the stopping criteria of the generation by name."""

    DEFAULT_CSS = """
    UntilScreen > VerticalGroup { width: 76; }
    """
    HELP = """Until when to run: type a condition, or go down and choose a form of one, whose words you then change."""

    def __init__(self, value: str = "", criteria: Sequence[str] = ()) -> None:
        super().__init__("Run until …", "enter run · tab list · esc back")
        self._value = value
        stops = ((f"stop:{name}", "this stopping criterion asks a row to stop") for name in criteria)
        self._forms = [*FORMS, *stops]

    def body(self) -> ComposeResult:
        yield field("condition", "entropy>2.5", self._value)
        yield self.state
        yield OptionList(*(Option(_line(*form)) for form in self._forms), compact=True)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Put the form into the line, where its words can be changed."""
        event.stop()
        line = self.query_one(Input)
        line.value = self._forms[event.option_index][0]
        line.focus()

    def read(self) -> str:
        from inspector.generation.until import parse

        condition = self.text("condition")
        parse(condition)
        return condition


def _line(form: str, words: str) -> Content:
    return Content.assemble((fit(form, 20), "bold"), (words, "$text-muted"))
