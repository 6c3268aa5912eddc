"""Other settings: for the steps to come, or to see at once what they would have made of a recorded step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import ItemGrid
from textual.content import Content
from textual.widgets import Input, Static

from inspector.tui.generate import typed
from inspector.tui.generate.fields import Line, OptionFields, field, taken_seed
from inspector.tui.generate.moves import Changes
from inspector.tui.screens.dialog import Dialog
from inspector.tui.widgets.check_box import CheckBox

FOR_A_STEP = (
    *("temperature", "top_k", "top_p", "min_p", "typical_p", "repetition_penalty"),
    *("no_repeat_ngram_size", "min_new_tokens"),
)
"""Options that the scores of a single step can be looked at with."""

FROM_HERE = (*FOR_A_STEP[:-1], "max_new_tokens", "seed")
"""Options that may change between two steps."""


class ChangeScreen(Dialog[Changes]):
    """Returns what is to be otherwise. `processors` are the names of those in force, `off` of those switched off."""

    DEFAULT_CSS = """
    ChangeScreen #processors-on { height: auto; max-height: 5; overflow-y: auto; margin-top: 1; grid-gutter: 0 2; }
    ChangeScreen CheckBox { background: $background; }
    ChangeScreen #state { color: $text-muted; height: auto; margin-top: 1; }
    ChangeScreen #state.-error { color: $text-error; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "take", "Take", id="change.take", tooltip="Use these settings"),
        Binding("f1", "app.help", "Help", id="change.help", tooltip="Explain these fields", show=False),
        Binding("down", "app.focus_next", "Next field", id="change.next", tooltip="Next field", show=False),
        Binding("up", "app.focus_previous", "Previous field", id="change.previous", tooltip="Previous one", show=False),
    ]
    HELP = """Settings that are to be otherwise; an empty field leaves what holds now. The names are transformers' own.

A processor whose box is not ticked is left out, which shows what it does. Add takes processors that plugins offer, by
name, with parameters: favour token=66."""

    def __init__(
        self,
        title: str,
        words: str,
        names: Sequence[str],
        known: Mapping[str, Any],
        processors: Sequence[str],
        off: Sequence[str] = (),
        offers: Sequence[str] = (),
    ) -> None:
        super().__init__(title, "enter or ctrl+r take · tab next field · f1 help · esc back")
        self._words = words
        self._names = names
        self._known = known
        self._processors = {**dict.fromkeys(processors, True), **dict.fromkeys(off, False)}
        self._offers = offers

    def body(self) -> ComposeResult:
        yield OptionFields(self._names, self._known, "top_h=0.4 suppress_tokens=[5]")
        with ItemGrid(id="processors-on", min_column_width=26):
            for name, on in self._processors.items():
                yield _Switch(name, on=on)
        yield Line("add", field("add", ", ".join(self._offers) or "no plugin offers a processor"))
        yield Static(Content(self._words), id="state")

    def on_mount(self) -> None:
        self.query_one("#temperature").focus()

    def on_input_submitted(self) -> None:
        self.action_take()

    def action_take(self) -> None:
        """Return what stands in the fields, or say what is wrong with it."""
        try:
            changes = self._read()
        except ValueError as error:
            self._say(str(error))
            return
        if changes:
            self.dismiss(changes)
        else:
            self._say("Nothing is to be otherwise so far: fill in a field, or untick a processor.")

    def _read(self) -> Changes:
        options = self.query_one(OptionFields).read()
        seed = taken_seed(options)
        switched = [box for box in self.query(_Switch) if box.value != self._processors[box.processor]]
        return Changes(
            options,
            seed,
            off=tuple(box.processor for box in switched if not box.value),
            on=tuple(box.processor for box in switched if box.value),
            add=tuple(typed.processors(self.query_one("#add", Input).value)),
        )

    def _say(self, text: str) -> None:
        state = self.query_one("#state", Static)
        state.add_class("-error")
        state.update(Content(text))


class _Switch(CheckBox):
    """A processor that takes part or is left out."""

    def __init__(self, name: str, *, on: bool) -> None:
        super().__init__(Content(name), on)
        self.processor = name
