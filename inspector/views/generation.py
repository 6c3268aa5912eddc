"""What the views of a generation ask of a trace alike: which branch, which step, which row."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.analysis.wording import visible
from inspector.errors import InputError, near
from inspector.parts import Column, Table
from inspector.trace.steps import GenerationRecord, Step
from inspector.views.asking import whole

OPTIONS = {
    "branch": "The branch, by name; by default the one that was looked at last",
    "row": "The row of the batch (in beam search the beam), from 0",
}


NOTHING = (
    "This trace holds no generation but forwards alone. `inspector generate MODEL … -o DIR` saves one, and "
    "`inspector view … DIR` shows it."
)


def empty(title: str, note: str = NOTHING) -> Table:
    """What a view shows of a trace that holds nothing for it."""
    return Table(title, (Column("step"),), [], note)


def steps_of(record: GenerationRecord, branch: str) -> tuple[str, Sequence[Step]]:
    """The name of a branch and its steps from the first on. Raises `InputError`."""
    name = branch or record.current
    if name not in record.branches:
        there_are = ", ".join(record.branches)
        raise InputError(f"There is no branch {name!r}; there are {there_are}.{near(name, record.branches)}")
    return name, record.steps(name)


def row_of(steps: Sequence[Step], row: str) -> int:
    """The row that is asked for, by default the first. Raises `InputError`."""
    return whole(row, "row", len(steps[0].rows) if steps else 0, "rows") if row else 0


def token_text(text: str) -> str:
    """A token as a reader sees it, its spaces included."""
    return visible(text, spaces=True)
