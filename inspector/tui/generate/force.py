"""Which token to take: one of those at the top, or any other by its text or its id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Checkbox, Input, OptionList, Static
from textual.widgets.option_list import Option

from inspector.errors import InputError
from inspector.trace.stages import Candidate
from inspector.tui.screens.dialog import Dialog
from inspector.tui.widgets.cells import fit, visible
from inspector.tui.widgets.check_box import CheckBox

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TEXT_WIDTH = 30


@dataclass(frozen=True, slots=True)
class Forced:
    """A token, by its id; in place of the one that is looked at, or for the step after it."""

    token: int
    in_place: bool


class ForceScreen(Dialog[Forced]):
    """Returns the token. `candidates` are those at the top of the step that is looked at, which `place` names; it is
    empty before the first step.
    """

    DEFAULT_CSS = """
    ForceScreen > VerticalGroup { width: 64; }
    ForceScreen Input { background: $surface; padding: 0 1; }
    ForceScreen Input:focus { background: $panel; }
    ForceScreen OptionList { background: $background; height: auto; max-height: 10; margin: 1 0 0 0; }
    ForceScreen CheckBox { background: $background; margin-top: 1; }
    ForceScreen #state { height: auto; color: $text-muted; }
    ForceScreen #state.-error { color: $text-error; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "app.help", "Help", id="force.help", tooltip="Explain this", show=False),
        Binding("down", "app.focus_next", "Next field", id="force.next", tooltip="Next field", show=False),
        Binding("up", "app.focus_previous", "Previous field", id="force.previous", tooltip="Previous one", show=False),
    ]
    HELP = """The token to take, whatever the scores say.

Type its text, with the space that it begins with, or # and its id; or go down to one of the list. A text that is
several tokens is refused, with how it splits. In place of the token that is looked at, it begins a branch there; else
it becomes the next one."""

    def __init__(
        self,
        candidates: Sequence[Candidate],
        place: str,
        tokenizer: PreTrainedTokenizerBase | None,
        *,
        title: str = "Force a token",
        keys: str = "enter take · tab list · f1 help",
    ) -> None:
        super().__init__(title, f"{keys} · esc back")
        self._candidates = candidates
        self._place = place
        self._tokenizer = tokenizer

    def body(self) -> ComposeResult:
        yield Input(placeholder="text of one token, or #id", select_on_focus=False, compact=True)
        yield Static(Content(""), id="state")
        if self._candidates:
            yield OptionList(*(Option(_line(candidate)) for candidate in self._candidates), compact=True)
        if self._place:
            yield CheckBox(Content(f"in place of {self._place}, in a branch"), True)

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        if not event.value:
            self._say("")
            return
        try:
            self._say(f"token {self._token(event.value)}")
        except InputError as error:
            self._say(str(error))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if not event.value:
            self._say("Type the text of a token, or go down to one of the list.", error=True)
            return
        try:
            self._take(self._token(event.value))
        except InputError as error:
            self._say(str(error), error=True)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._take(self._candidates[event.option_index].id)

    def _take(self, token: int) -> None:
        self.dismiss(Forced(token, any(box.value for box in self.query(Checkbox))))

    def _token(self, text: str) -> int:
        """The token that was typed. Raises `InputError` for a text that is none, or several."""
        from inspector.generation.texts import one_token

        if text.startswith("#") and text[1:].isdecimal():
            return int(text[1:])
        return one_token(text, self._tokenizer)

    def _say(self, text: str, *, error: bool = False) -> None:
        state = self.query_one("#state", Static)
        state.set_class(error, "-error")
        state.update(Content(visible(text)))


def _line(candidate: Candidate) -> Content:
    text = fit(visible(candidate.text, spaces=True), TEXT_WIDTH)
    return Content.assemble(text, (f" {candidate.id:>8}", "$text-muted"), f" {candidate.probability:>9.2%}")
