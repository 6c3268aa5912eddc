"""What was chosen in a step, what it would take to stop, and what it cost: a line for each fact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.segment import Segment
from textual.reactive import reactive

from inspector.trace.steps import Step
from inspector.tui.widgets.cells import fit, visible
from inspector.tui.widgets.generation.facts import Fact, facts
from inspector.tui.widgets.virtual_list import VirtualList
from inspector.views.beams import texts_of

NAME = 14
"""Cells of the names, more for longer ones up to half of the widget."""


class StepFacts(VirtualList):
    """The facts of one row of a step. `texts` knows tokens that stand in no table."""

    DEFAULT_CSS = """
    StepFacts { height: 1fr; width: 1fr; }
    """

    step: reactive[Step | None] = reactive(None, init=False)
    row: reactive[int] = reactive(0, init=False)
    texts: reactive[Mapping[int, str]] = reactive({}, init=False)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._facts: Sequence[Fact] = ()
        self._names = NAME

    def watch_step(self) -> None:
        self._read()

    def watch_row(self) -> None:
        self._read()

    def watch_texts(self) -> None:
        self._read()

    def draw(self, row: int, width: int) -> Iterator[Segment]:
        fact = self._facts[row]
        name = min(self._names, width // 2)
        yield Segment(fit(visible(fact.name), name) + " ", self.ink("quiet" if fact.name.startswith(" ") else "second"))
        yield Segment(fit(visible(fact.text), max(width - name - 1, 0)), self.ink(fact.ink))

    def hint(self, row: int) -> str | None:
        fact = self._facts[row]
        return f"{fact.name.strip()}: {visible(fact.text)}"

    def _read(self) -> None:
        step = self.step
        if step is None or self.row >= len(step.rows):
            self._facts = ()
        else:
            needed = step.draft is not None or step.rows[self.row].beams
            known = {**texts_of([step]), **self.texts} if needed else {}
            self._facts = facts(step, self.row, known)
        self._names = max([NAME, *(len(fact.name) for fact in self._facts)])
        self.set_rows(len(self._facts))
