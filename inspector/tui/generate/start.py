"""How to begin a generation: the options of `generate`, a seed, processors of plugins, a draft model."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from textual.app import ComposeResult
from textual.widgets import Checkbox

from inspector.tui.generate import typed
from inspector.tui.generate.driver import Start
from inspector.tui.generate.fields import OptionFields, taken_seed
from inspector.tui.screens.form import KEYS, FieldLine, Form, field
from inspector.tui.widgets.check_box import CheckBox

NAMES = (
    *("temperature", "top_k", "top_p", "min_p", "typical_p", "repetition_penalty"),
    *("no_repeat_ngram_size", "num_beams", "max_new_tokens", "seed"),
)


class StartScreen(Form[Start]):
    """Returns how to begin. `known` are the model's own options, `offers` names of processors that plugins offer."""

    DEFAULT_CSS = """
    StartScreen #state { margin-top: 1; }
    """
    HELP = """How to generate from what the model was asked.

The fields are options of transformers' generate, by its own names; an empty one leaves the model's own value. Any other
option stands under "other options" as name=value: stop_strings=["."] prompt_lookup_num_tokens=3 num_return_sequences=2.

Processors are logits processors that plugins offer, by name, with parameters: favour token=66, another. A draft model
makes it assisted decoding. With the calls of every step recorded, F goes to the forward of any step without running it
again; that costs time and memory."""

    def __init__(
        self,
        question: str,
        known: Mapping[str, Any],
        offers: Sequence[str],
        *,
        again: bool = False,
        take: Callable[[Start], Awaitable[object]] | None = None,
    ) -> None:
        before = "The generation that is there is let go; S saves it before. " if again else ""
        super().__init__("Generate", f"enter or ctrl+r start · {KEYS}", words=before + question, take=take)
        self._known = known
        self._offers = offers

    def body(self) -> ComposeResult:
        yield OptionFields(NAMES, self._known, 'num_return_sequences=2 stop_strings=["."] …')
        yield FieldLine("processors", field("processors", ", ".join(self._offers) or "none are offered by plugins"))
        yield FieldLine("draft model", field("draft", "a reference or directory; none"))
        yield CheckBox("Record the model's calls of every step", id="calls")
        yield self.state

    def read(self) -> Start:
        options = self.query_one(OptionFields).read()
        seed = taken_seed(options)
        processors = tuple(typed.processors(self.text("processors")))
        return Start(options, seed, processors, self.text("draft").strip(), self.query_one("#calls", Checkbox).value)
