"""What a line says of a branch: how it begins where it parts, and how probable it is. No drawing.

A record that was read from a file builds a step when it is looked at; what needs all of them takes them in slices.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator, Sequence

from inspector.analysis.wording import visible
from inspector.trace.steps import BranchRecord, GenerationRecord, Step
from inspector.tui.widgets.generation.strip_tokens import whole
from inspector.views.branches import log_probability

BEGINNING = 80
"""So many steps of a branch are looked at for its text."""


def own_text(branch: BranchRecord, row: int) -> str:
    """How a branch begins where it parts from its parent; in a beam search the text of its best beam."""
    rows = [step.rows[row] for step in branch.steps[:BEGINNING] if row < len(step.rows)]
    if any(taken.beams for taken in rows):
        text = next(iter(branch.texts[row:] or branch.texts[:1]), "")
    else:
        text = whole("".join(taken.chosen.text for taken in rows if taken.chosen is not None and not taken.ended))
    return ("…" if branch.start else "") + visible(text)


class Sums:
    """How probable branches are, as `views.branches` has it, after each of their steps.

    Each step is looked at once: of a branch that is shown again with more steps only the new ones are.
    """

    def __init__(self) -> None:
        self._own: dict[tuple[str, int], _Own] = {}

    def add(self, record: GenerationRecord, name: str, row: int, seconds: float) -> Iterator[None]:
        """Add up what is new of a branch, and of those that it parted from; yields when so many seconds are over."""
        branch, key = record.branches[name], (name, row)
        if branch.parent is not None:
            yield from self.add(record, branch.parent, row, seconds)
        own = self._own.get(key)
        if own is None or not own.begins(record, branch.steps):
            own = self._own[key] = _Own()
        own.record = record
        total = own.totals[-1] if own.totals else self._after(record, branch.parent, row, branch.start)
        end = time.perf_counter() + seconds
        for number in range(len(own.totals), len(branch.steps)):
            own.last = step = branch.steps[number]
            found = log_probability([step], row) or 0.0
            total = found if any(line.beams for line in step.rows) else total + found
            own.totals.append(total)
            if time.perf_counter() > end:
                yield None
                end = time.perf_counter() + seconds

    def total(self, record: GenerationRecord, name: str, row: int) -> float | None:
        """The log-probability of a branch that was added up; None for one without steps."""
        branch = record.branches[name]
        count = branch.start + len(branch.steps)
        return self._after(record, name, row, count) if count else None

    def _after(self, record: GenerationRecord, name: str | None, row: int, steps: int) -> float:
        """The log-probability of the first `steps` steps along a branch."""
        if name is None or not steps:
            return 0.0
        branch = record.branches[name]
        if steps <= branch.start:
            return self._after(record, branch.parent, row, steps)
        return self._own[name, row].totals[steps - branch.start - 1]


class _Own:
    """The log-probabilities after each step of a branch's own, with the record and the last step that they are of."""

    def __init__(self) -> None:
        self.totals = array("d")
        self.record: GenerationRecord | None = None
        self.last: Step | None = None

    def begins(self, record: GenerationRecord, steps: Sequence[Step]) -> bool:
        """Whether `steps` are those that were added up, and perhaps more. Those of a file are made anew each time."""
        count = len(self.totals)
        return record is self.record or (0 < count <= len(steps) and steps[count - 1] is self.last)
