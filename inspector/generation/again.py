"""The steps of a branch once more, in a generation of its own, so that the calls of the model can be recorded.

The forwards are those of the branch: the prompt, then its tokens one after the other on a cache that grows. Which token
comes next is not left to the processors: the branch's own are forced, whatever was changed on the way to them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from inspector.errors import GenerationError
from inspector.generation.branches import Branch
from inspector.generation.generation import Generation
from inspector.generation.resuming import FREE
from inspector.generation.settings import Settings
from inspector.generation.stepping import Stepping
from inspector.trace.steps import GenerationRecord, Step

ENDING = ("max_length", "max_time", "stop_strings")
"""Options that could end a branch before its last step is there again."""


def settings_for(stepping: Stepping) -> Settings:
    """What to ask for so that every step of the branch that is looked at can be made again."""
    asked, branch = stepping.resuming.initial, stepping.tree.current
    if stepping.mode not in FREE:
        if branch.parent is not None or branch.changes:
            raise GenerationError(
                f"A branch of {stepping.mode} that was changed on the way cannot be run again step by step; calls=True "
                "(--calls) records the calls from the beginning."
            )
        return asked
    options = {name: value for name, value in asked.options.items() if name not in ENDING}
    return replace(asked, options={**options, "max_new_tokens": len(branch.steps)})


def walk(generation: Generation, branch: Branch, free: bool, on_step: Callable[[Step], None] | None) -> Sequence[Step]:
    """Make the steps of a branch again in a generation that stands before its first.

    Raises `GenerationError` where another token comes of it.
    """
    while len(generation.steps) < len(branch.steps):
        if free:
            for row, kept in enumerate(branch.steps[len(generation.steps)].rows):
                if kept.chosen is not None:
                    generation.force(kept.chosen.id, row)
        made = generation.step()
        if made is None:
            break
        if on_step is not None:
            on_step(made)
    if [_tokens(step) for step in generation.steps] != [_tokens(step) for step in branch.steps]:
        raise GenerationError(
            f"The steps of {branch.name} did not come out the same when they were run again, so their calls are not "
            "known; calls=True (--calls) records them from the beginning."
        )
    return generation.steps


def _tokens(step: Step) -> list[int | None]:
    return [None if row.chosen is None else row.chosen.id for row in step.rows]


def renumbered(record: GenerationRecord, branch: Branch, forwards: Sequence[int]) -> GenerationRecord:
    """The record with one branch alone, whose steps name the forwards that were run for them again."""
    steps = [replace(step, forward=forward) for step, forward in zip(branch.steps, forwards, strict=True)]
    changes = [(change.at, change.words) for change in branch.changes]
    alone = replace(record.branches[branch.name], parent=None, start=0, steps=steps, changes=changes)
    return replace(record, branches={branch.name: alone}, current=branch.name)
