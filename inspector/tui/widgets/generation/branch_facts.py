"""What a line says of a branch: how it begins where it parts, and how probable it is. No drawing.

A record that was read from a file builds a step when it is looked at; what needs all of them takes them in slices.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice

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


def summed(record: GenerationRecord, name: str, row: int, seconds: float) -> Iterator[float | None]:
    """The log-probability of a branch, as `views.branches` has it: yields None each time that so many seconds are over,
    and at last the sum; None for a branch without steps.
    """
    total, count = 0.0, 0
    end = time.perf_counter() + seconds
    for step in along(record, name):
        if any(line.beams for line in step.rows):
            total, count = log_probability([step], row) or 0.0, 1
        else:
            total, count = total + (log_probability([step], row) or 0.0), count + 1
        if time.perf_counter() > end:
            yield None
            end = time.perf_counter() + seconds
    yield total if count else None


def along(record: GenerationRecord, name: str) -> Iterator[Step]:
    """Every step along a branch from the start, one at a time."""
    branch = record.branches[name]
    if branch.parent is not None:
        yield from islice(along(record, branch.parent), branch.start)
    yield from branch.steps
