"""What the tab shows of a generation: its record as it stood when the last thing asked of it was done.

Nothing here waits: while a generation works in its thread, the screen reads this, and the steps, which only ever grow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from inspector.trace.steps import GenerationRecord, Step, StepRow

if TYPE_CHECKING:
    from inspector.generation.generation import Generation
    from inspector.trace.stages import Stages

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
    steps, kept = record.steps(name), record.branches[name]
    return Moment(record, name, steps, len(steps) - 1, reason=kept.reason, notices=tuple(kept.notices))


def with_stages(step: Step, row: int, stages: Stages) -> Step:
    """A step as other processors would have left it: what a what-if shows. The chosen token stays the recorded one."""
    rows: list[StepRow] = list(step.rows)
    rows[row] = replace(rows[row], processors=stages)
    return replace(step, rows=tuple(rows))
