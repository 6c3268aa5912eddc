"""Which token to take: one of those at the top, or any other by its text or its id."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Checkbox, Input, OptionList
from textual.widgets.option_list import Option

from inspector.errors import InputError
from inspector.trace.stages import Candidate
from inspector.tui.screens.form import Form, field
from inspector.tui.widgets.cells import fit, visible
from inspector.tui.widgets.check_box import CheckBox
from inspector.tui.widgets.generation.pipeline import percent

TEXT_WIDTH = 30


@dataclass(frozen=True, slots=True)
class Forced:
    """A token, by its id; in place of the one that is looked at, or for the step after it."""

    token: int
    in_place: bool


class ForceScreen(Form[Forced]):
    """Returns the token. `candidates` are those at the top of the step that is looked at, which `place` names; it is
    empty before the first step. `find` gives the id of a token that is typed, as its text or its id.
    """

    DEFAULT_CSS = """
    ForceScreen > VerticalGroup { width: 64; }
    ForceScreen CheckBox { margin-top: 1; }
    """
    HELP = """The token to take, whatever the scores say.

Type its text, with the space that it begins with, or # and its id; or go down to one of the list. A text that is
several tokens is refused, with how it splits. In place of the token that is looked at, it begins a branch there; else
it becomes the next one."""

    def __init__(
        self,
        candidates: Sequence[Candidate],
        place: str,
        find: Callable[[int | str], int],
        *,
        title: str = "Force a token",
        key: str = "enter take",
    ) -> None:
        super().__init__(title, f"{key}{' · tab list' if candidates else ''} · f1 help · esc back")
        self._candidates = candidates
        self._place = place
        self._find = find

    def body(self) -> ComposeResult:
        yield field("token", "text of one token, or #id")
        yield self.state
        if self._candidates:
            yield OptionList(*(Option(_line(candidate)) for candidate in self._candidates), compact=True)
        if self._place:
            yield CheckBox(Content(f"in place of {self._place}, in a branch"), True)

    def on_input_changed(self, event: Input.Changed) -> None:
        try:
            self.say(f"token {self._typed()}" if event.value else "")
        except InputError as error:
            self.say(str(error))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._forced(self._candidates[event.option_index].id))

    def read(self) -> Forced:
        if not self.text("token"):
            raise ValueError("Type the text of a token, or go down to one of the list.")
        return self._forced(self._typed())

    def _typed(self) -> int:
        """The token that was typed. Raises `InputError` for a text that is none, or several."""
        text = self.text("token")
        return self._find(int(text[1:]) if text.startswith("#") and text[1:].isdecimal() else text)

    def _forced(self, token: int) -> Forced:
        return Forced(token, any(box.value for box in self.query(Checkbox)))


def _line(candidate: Candidate) -> Content:
    text = fit(visible(candidate.text, spaces=True), TEXT_WIDTH)
    return Content.assemble(text, (f" {candidate.id:>8}", "$text-muted"), f" {percent(candidate.probability):>9}")
