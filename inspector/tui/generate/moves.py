"""What the keys of the tab ask of a generation. Each function blocks, and is called in a job's thread.

`at` is the step that is looked at, -1 where there is none. Every function leaves the generation's cursor at the step to
look at next, and raises as the methods of `Generation` do; changes that could not be made are forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from inspector.errors import InspectorError
from inspector.tui.widgets.generation.pipeline import Asked

if TYPE_CHECKING:
    from transformers import LogitsProcessor

    from inspector.generation.generation import Condition, Generation
    from inspector.trace import Trace
    from inspector.trace.stages import Stages
    from inspector.trace.steps import Step


@dataclass(frozen=True, slots=True)
class Changes:
    """What a user wants otherwise: options by transformers' names, a seed, processors that are left out or taken in
    again, and those that plugins offer, with their parameters.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    off: Sequence[str] = ()
    on: Sequence[str] = ()
    add: Sequence[tuple[str, Mapping[str, Any]]] = ()

    @property
    def words(self) -> str:
        """These changes in a line."""
        said = [f"{name} = {value}" for name, value in self.options.items()]
        said += [f"no {name}" for name in self.off] + [f"{name} again" for name in self.on]
        said += [f"with {name}" for name, _ in self.add]
        return ", ".join(said if self.seed is None else [*said, f"seed = {self.seed}"])

    def __bool__(self) -> bool:
        return bool(self.options or self.off or self.on or self.add) or self.seed is not None


def step(generation: Generation, at: int) -> None:
    """Make the step after `at`; where that is not the last one, this begins a branch."""
    _stand_after(generation, at)
    generation.step()


def run(
    generation: Generation, at: int, until: Condition | None, told: Callable[[], None], stop: Callable[[], bool]
) -> bool:
    """Go on from `at` to the end, or until a condition holds: on steps that are recorded already, then on new ones.

    `told` is called after each step, and may raise to end it; `stop` is asked after each. Returns whether the condition
    was met.
    """
    met = False

    def ends(generation: Generation, step: Step) -> bool:
        nonlocal met
        met = until is not None and until(generation, step)
        return met or stop()

    if generation.changes:
        _stand_after(generation, at)
    else:
        for made in list(generation.steps[at + 1 :]) if until is not None else ():
            if ends(generation, made):
                _stand_after(generation, made.index)
                return met
        _stand_after(generation, len(generation.steps) - 1)
    if not generation.finished:
        generation.run(ends, on_step=lambda step: told())
    return met


def force(generation: Generation, at: int, token: int | str, row: int | None) -> None:
    """Take a token in place of that of step `at`, in a branch of its own; with -1, as the first one."""
    with _nothing_left(generation):
        _stand_after(generation, max(at - 1, -1))
        generation.force(token, row)
        generation.step()


def force_next(generation: Generation, at: int, token: int | str, row: int | None) -> None:
    """Take a token as the step after `at`."""
    with _nothing_left(generation):
        _stand_after(generation, at)
        generation.force(token, row)
        generation.step()


def change(generation: Generation, at: int, changes: Changes) -> None:
    """Say what is to change for the step after `at`, which is made when it is asked for; all of it, or nothing."""
    cursor = generation.tree.cursor
    try:
        with generation.together():
            _change(generation, at, changes)
    except InspectorError:
        generation.go(cursor)
        raise


def _change(generation: Generation, at: int, changes: Changes) -> None:
    _stand_after(generation, at)
    added = generation.added
    for name in changes.off:
        generation.remove(name) if name in added else generation.switch(name, on=False)
    for name in changes.on:
        generation.switch(name, on=True)
    for name, parameters in changes.add:
        generation.add(name, **parameters)
    if changes.options or changes.seed is not None:
        generation.set(seed=changes.seed, **changes.options)


def adopt(generation: Generation, at: int, changes: Changes) -> None:
    """Make step `at` anew with changes, in a branch of its own."""
    change(generation, at - 1, changes)
    with _nothing_left(generation):
        generation.step()


def what_if(generation: Generation, at: int, row: int, changes: Changes) -> Stages:
    """What the processors would have made of the logits of step `at`."""
    add = [_made(generation, name, parameters) for name, parameters in changes.add]
    return generation.what_if(at, row=row, off=changes.off, add=add, **changes.options)


def asked(generation: Generation, token: int, at: int, row: int) -> Asked:
    """Where any token stood in step `at`, after each processor."""
    return Asked(generation.text_of(token), generation.standing(token, at, row))


def branch(generation: Generation, at: int, name: str) -> None:
    """Begin a branch after step `at`."""
    generation.branch(at, name)


def look(generation: Generation, name: str) -> None:
    """Look at the end of a branch."""
    generation.look(name)


def rename(generation: Generation, at: int, name: str) -> None:
    """Give the branch that is looked at another name."""
    _stand_after(generation, at)
    generation.tree.rename(generation.tree.current.name, name)


def forget(generation: Generation, at: int) -> None:
    """Drop the changes that wait for the next step."""
    _stand_after(generation, at)
    generation.forget_changes()


def forward_of(generation: Generation, at: int, *, calls: bool) -> tuple[Trace, int]:
    """A trace that holds the forward of step `at`, and the number of its first call there.

    Where the calls of every step were recorded it is the generation's own, else the forward is run again.
    """
    step = generation.steps[at]
    if calls:
        trace = generation.trace()
        first = next((call.index for call in trace.calls if call.step == step.forward), 0)
        return trace, first
    return generation.trace_step(step, stats=True, values="*"), 0


def _made(generation: Generation, name: str, parameters: Mapping[str, Any]) -> LogitsProcessor:
    from inspector.generation.changing import offered

    return offered(generation.offers, name, parameters)


def _stand_after(generation: Generation, at: int) -> None:
    if generation.tree.cursor != at + 1:
        generation.go(at + 1)


@contextmanager
def _nothing_left(generation: Generation) -> Iterator[None]:
    """Where changes turn out not to go, forget them, for the next step would fail for them again, and stand where one
    stood.
    """
    branch, cursor = generation.tree.current, generation.tree.cursor
    try:
        yield
    except InspectorError:
        generation.forget_changes()
        if generation.tree.current is branch:
            generation.go(cursor)
        raise
