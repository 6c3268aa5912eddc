"""How to begin a generation: the options of `generate`, a seed, processors of plugins, a draft model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Checkbox, Input, Static

from inspector.tui.generate import typed
from inspector.tui.generate.driver import Start
from inspector.tui.generate.fields import Line, OptionFields, field, taken_seed
from inspector.tui.screens.dialog import Dialog
from inspector.tui.widgets.check_box import CheckBox

NAMES = (
    *("temperature", "top_k", "top_p", "min_p", "typical_p", "repetition_penalty"),
    *("no_repeat_ngram_size", "num_beams", "max_new_tokens", "seed"),
)


class StartScreen(Dialog[Start]):
    """Returns how to begin. `known` are the model's own options, `offers` names of processors that plugins offer."""

    DEFAULT_CSS = """
    StartScreen CheckBox { background: $background; }
    StartScreen #state { color: $text-muted; height: auto; margin-top: 1; }
    StartScreen #state.-error { color: $text-error; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "start", "Start", id="start.run", tooltip="Begin with these options"),
        Binding("f1", "app.help", "Help", id="start.help", tooltip="Explain these fields", show=False),
        Binding("down", "app.focus_next", "Next field", id="start.next", tooltip="Next field", show=False),
        Binding("up", "app.focus_previous", "Previous field", id="start.previous", tooltip="Previous one", show=False),
    ]
    HELP = """How to generate from what the model was asked.

The fields are options of transformers' generate, by its own names; an empty one leaves the model's own value. Any other
option stands under "other options" as name=value: stop_strings=["."] prompt_lookup_num_tokens=3 num_return_sequences=2.

Processors are logits processors that plugins offer, by name, with parameters: favour token=66, another. A draft model
makes it assisted decoding. With the calls of every step recorded, F goes to the forward of any step without running it
again; that costs time and memory."""

    def __init__(self, question: str, known: Mapping[str, Any], offers: Sequence[str], *, again: bool = False) -> None:
        super().__init__("Generate", "enter or ctrl+r start · tab next field · f1 help · esc back")
        self._question = question
        self._known = known
        self._offers = offers
        self._again = again

    def body(self) -> ComposeResult:
        yield OptionFields(NAMES, self._known, 'num_return_sequences=2 stop_strings=["."] …')
        yield Line("processors", field("processors", ", ".join(self._offers) or "none are offered by plugins"))
        yield Line("draft model", field("draft", "a reference or directory; none"))
        yield CheckBox("Record the model's calls of every step", id="calls")
        yield Static(Content(self._words()), id="state")

    def on_mount(self) -> None:
        self.query_one("#temperature").focus()

    def on_input_submitted(self) -> None:
        self.action_start()

    def action_start(self) -> None:
        """Return what stands in the fields, or say what is wrong with it."""
        try:
            options = self.query_one(OptionFields).read()
            seed = taken_seed(options)
            processors = tuple(typed.processors(self.query_one("#processors", Input).value))
        except ValueError as error:
            state = self.query_one("#state", Static)
            state.add_class("-error")
            state.update(Content(str(error)))
            return
        draft = self.query_one("#draft", Input).value.strip()
        self.dismiss(Start(options, seed, processors, draft, self.query_one("#calls", Checkbox).value))

    def _words(self) -> str:
        again = "The generation that is there is let go; S saves it before. " if self._again else ""
        return f"{again}{self._question}"
