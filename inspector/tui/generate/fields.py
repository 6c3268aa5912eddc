"""The fields of the dialogs that take options of `generate`, under transformers' own names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from textual.app import ComposeResult
from textual.containers import Grid, VerticalGroup
from textual.content import Content
from textual.widgets import Checkbox, Input

from inspector.tui.generate import typed
from inspector.tui.screens.form import FieldLine, field
from inspector.tui.widgets.check_box import CheckBox

SAMPLING = ("temperature", "top_k", "top_p", "min_p", "typical_p")
"""Options that act on sampling alone: typing one ticks the box for it."""

HINTS = {
    "temperature": "1",
    "repetition_penalty": "1",
    "num_beams": "1",
    "max_new_tokens": "20",
    "seed": "drawn",
}
"""What stands in an empty field where the model itself says nothing; elsewhere that is off."""

NEUTRAL = {"temperature": 1, "top_k": 0, "top_p": 1, "typical_p": 1, "repetition_penalty": 1, "no_repeat_ngram_size": 0}
"""The values with which an option does nothing."""


class OptionFields(VerticalGroup):
    """A box for `do_sample`, a field for each of `names`, and one for all other options.

    `known` are the values that hold now: they stand in the empty fields.
    """

    DEFAULT_CSS = """
    OptionFields > Grid { grid-size: 2; grid-gutter: 0 3; grid-rows: 1; height: auto; }
    OptionFields > Grid Input { max-width: 24; }
    """

    def __init__(self, names: Sequence[str], known: Mapping[str, Any], others: str) -> None:
        super().__init__()
        self._names = names
        self._known = known
        self._others = others

    def compose(self) -> ComposeResult:
        yield CheckBox(Content("do_sample: draw tokens by chance"), bool(self._known.get("do_sample")), id="do_sample")
        with Grid():
            for name in self._names:
                yield FieldLine(name, field(name, self._hint(name)))
        yield FieldLine("other options", field("others", self._others))

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id in SAMPLING and event.value.strip():
            self.query_one("#do_sample", Checkbox).value = True

    def read(self) -> dict[str, Any]:
        """The options that were set, the seed among them. Raises `ValueError`."""
        given: dict[str, Any] = {}
        for name in self._names:
            text = self.query_one(f"#{name}", Input).value.strip()
            if text:
                given[name] = typed.number(name, text)
        sampling = self.query_one("#do_sample", Checkbox).value
        if sampling != bool(self._known.get("do_sample")):
            given["do_sample"] = sampling
        return given | typed.options(self.query_one("#others", Input).value)

    def _hint(self, name: str) -> str:
        known = self._known.get(name)
        return HINTS.get(name, "off") if known in (None, NEUTRAL.get(name)) else f"{known} now"


def taken_seed(options: dict[str, Any]) -> int | None:
    """Take the seed out of options that were read. Raises `ValueError`."""
    seed = options.pop("seed", None)
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        raise ValueError(f"seed is {seed!r}; a whole number was expected.")
    return seed
