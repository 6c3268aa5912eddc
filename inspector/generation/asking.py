"""What can be asked of the recorded steps of a generation; the model does not run for it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from inspector.analysis.checks import counted
from inspector.errors import GenerationError, InputError
from inspector.generation.measure import standing
from inspector.generation.pending import Pending
from inspector.generation.pipeline import Scores
from inspector.generation.processors import Entry, name_of
from inspector.generation.what_if import input_ids_at, measured, reapply
from inspector.trace.stages import Stages, Standing
from inspector.trace.steps import Step

if TYPE_CHECKING:
    from transformers import LogitsProcessor

    from inspector.generation.stepping import Stepping

Place = Step | int | None
"""A step, its index along the current branch (from the end when negative), or None for the one at the cursor."""


class Asking:
    """Questions about steps of the branch that is looked at. They raise `InputError` for a step or a processor that is
    not there, and `GenerationError` where the logits of a step were not kept.
    """

    _stepping: Stepping
    _lock: threading.RLock

    @property
    def steps(self) -> Sequence[Step]:
        """Every step along the current branch, also beyond the cursor."""
        return self._stepping.tree.current.steps

    def token_of(self, token: int | str) -> int:
        """The id of a token that is given by its id or its text. A text that is several tokens is refused, showing how
        it splits, and so is an id beyond the vocabulary.
        """
        return self._stepping.token_of(token)

    def what_if(
        self,
        step: Place = None,
        *,
        row: int = 0,
        off: Sequence[str] = (),
        add: Sequence[LogitsProcessor] = (),
        **options: Any,
    ) -> Stages:
        """What the processors would have made of a step's logits with other options, without some processors (`off`) or
        with more (`add`).
        """
        pending = Pending().with_options(options) if options else Pending()
        for name in off:
            pending = pending.switched(name, on=False)
        for processor in add:
            pending = pending.with_processor(Entry(name_of(processor), processor))
        recorded = self._recorded(step)
        noted = self._reapplied(recorded, pending)
        return measured(noted, recorded, self._stepping.maker.top, self._stepping.texts, row)

    def standing(self, token: int | str, step: Place = None, row: int = 0) -> dict[str, Standing]:
        """Score, probability and rank of any token through the pipeline of a step, by processor."""
        token = self.token_of(token)
        recorded = self._recorded(step)
        noted = self._reapplied(recorded, Pending())
        names = recorded.rows[row].processors.names
        return {name: standing(item.scores[row], token) for name, item in zip(names, noted, strict=True)}

    def logits(self, step: Place = None) -> Tensor:
        """The raw logits of a step, [rows, vocabulary] in the model's dtype; memory-mapped, not to be changed."""
        recorded = self._recorded(step)
        if recorded.logits is None:
            raise GenerationError(f"The raw logits of step {recorded.index} were not kept.")
        return self._stepping.store[recorded.logits]

    def _reapplied(self, step: Step, pending: Pending) -> list[Scores]:
        with self._lock:
            entries = self._stepping.entries_at(step, pending)
            input_ids = input_ids_at(self._stepping.tree.current, step.index)
            return reapply(entries, step, input_ids, self._stepping.store)

    def _recorded(self, step: Place) -> Step:
        if isinstance(step, Step):
            return step
        if step is None:
            step = self._stepping.tree.cursor - 1
            if step < 0:
                raise InputError("There is no step at the cursor; make one, or name one.")
        if not -len(self.steps) <= step < len(self.steps):
            name = self._stepping.tree.current.name
            raise InputError(f"{name} has {counted(len(self.steps), 'step')}; there is no step {step}.")
        return self.steps[step]
