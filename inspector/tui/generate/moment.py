"""What the tab shows of a generation: its record as it stood when the last thing asked of it was done.

Nothing here waits: while a generation works in its thread, the screen reads this, and the steps, which only ever grow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inspector.trace.lazy import Lazy
from inspector.trace.steps import GenerationRecord, Step

if TYPE_CHECKING:
    from inspector.generation.generation import Generation

BEAMS = ("beam_search", "beam_sample")
"""transformers' names of the modes that keep several beams."""


@dataclass(frozen=True, slots=True)
class Moment:
    """`steps` are those of `branch` from the first on; of a live generation they grow while it runs. `at` is the step
    to look at, -1 where there is none. `changes` wait for the next step, in words. `reason` is why the branch ended.
    """

    record: GenerationRecord
    branch: str
    steps: Sequence[Step]
    at: int
    changes: tuple[str, ...] = ()
    reason: str | None = None
    notices: tuple[str, ...] = ()

    @property
    def is_beam_search(self) -> bool:
        return self.record.mode in BEAMS

    @property
    def rows(self) -> int:
        """Rows of the batch, or live beams."""
        return len(self.steps[0].rows) if self.steps else 1


class Along(Lazy[Step]):
    """The first `start` steps of one run and all of another, each read where it is looked at: a file may hold many."""

    def __init__(self, shared: Sequence[Step], start: int, own: Sequence[Step]) -> None:
        self._shared = shared
        self._start = start
        self._own = own

    def __len__(self) -> int:
        return self._start + len(self._own)

    def made(self, index: int) -> Step:
        place = range(len(self))[index]
        return self._shared[place] if place < self._start else self._own[place - self._start]


def steps_along(record: GenerationRecord, name: str) -> Sequence[Step]:
    """Every step along a branch from the start."""
    branch = record.branches[name]
    if branch.parent is None:
        return branch.steps
    return Along(steps_along(record, branch.parent), branch.start, branch.steps)


def moment_of(generation: Generation) -> Moment:
    """Where a generation stands. Called where nothing else is asked of it."""
    tree, record = generation.tree, generation.record()
    return Moment(
        record,
        tree.current.name,
        tree.current.steps,
        tree.cursor - 1,
        generation.changes,
        generation.reason,
        tuple(generation.notices),
    )


def recorded(record: GenerationRecord, branch: str | None = None) -> Moment:
    """The end of a branch of a record that was saved."""
    name = branch or record.current
    steps, kept = steps_along(record, name), record.branches[name]
    return Moment(record, name, steps, len(steps) - 1, reason=kept.reason, notices=tuple(kept.notices))
