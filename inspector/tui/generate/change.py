"""Other settings: for the steps to come, or to see at once what they would have made of a recorded step."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from textual.app import ComposeResult
from textual.containers import ItemGrid
from textual.content import Content

from inspector.tui.generate import typed
from inspector.tui.generate.fields import OptionFields, taken_seed
from inspector.tui.generate.moves import Changes
from inspector.tui.screens.form import KEYS, FieldLine, Form, field
from inspector.tui.widgets.check_box import CheckBox

FOR_A_STEP = (
    *("temperature", "top_k", "top_p", "min_p", "typical_p", "repetition_penalty"),
    *("no_repeat_ngram_size", "min_new_tokens"),
)
"""Options that the scores of a single step can be looked at with."""

FROM_HERE = (*FOR_A_STEP[:-1], "max_new_tokens", "seed")
"""Options that may change between two steps."""


class ChangeScreen(Form[Changes]):
    """Returns what is to be otherwise. `processors` are the names of those in force, `off` of those switched off."""

    DEFAULT_CSS = """
    ChangeScreen #processors-on { height: auto; max-height: 5; overflow-y: auto; margin-top: 1; grid-gutter: 0 2; }
    ChangeScreen #state { margin-top: 1; }
    """
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
        take: Callable[[Changes], Awaitable[object]] | None = None,
    ) -> None:
        super().__init__(title, f"enter or ctrl+r take · {KEYS}", words=words, take=take)
        self._names = names
        self._known = known
        self._processors = {**dict.fromkeys(processors, True), **dict.fromkeys(off, False)}
        self._offers = offers

    def body(self) -> ComposeResult:
        yield OptionFields(self._names, self._known, "top_h=0.4 suppress_tokens=[5]")
        with ItemGrid(id="processors-on", min_column_width=26):
            for name, on in self._processors.items():
                yield _Switch(name, on=on)
        yield FieldLine("add", field("add", ", ".join(self._offers) or "no plugin offers a processor"))
        yield self.state

    def read(self) -> Changes:
        options = self.query_one(OptionFields).read()
        seed = taken_seed(options)
        switched = [box for box in self.query(_Switch) if box.value != self._processors[box.processor]]
        changes = Changes(
            options,
            seed,
            off=tuple(box.processor for box in switched if not box.value),
            on=tuple(box.processor for box in switched if box.value),
            add=tuple(typed.processors(self.text("add"))),
        )
        if not changes:
            raise ValueError("Nothing is to be otherwise so far: fill in a field, or untick a processor.")
        return changes


class _Switch(CheckBox):
    """A processor that takes part or is left out."""

    def __init__(self, name: str, *, on: bool) -> None:
        super().__init__(Content(name), on)
        self.processor = name
