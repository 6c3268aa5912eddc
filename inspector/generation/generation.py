"""A generation that is stepped: what Python users hold, and what a screen drives from a worker thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from inspector.errors import GenerationError
from inspector.generation.asking import Asking, Place
from inspector.generation.changing import Changing
from inspector.generation.looking import Looking
from inspector.generation.pending import Pending
from inspector.generation.stepping import Stepping
from inspector.generation.until import parse
from inspector.recording import Wanted
from inspector.trace.steps import GenerationRecord, Step

if TYPE_CHECKING:
    from pathlib import Path

    from inspector.generation.offers import NamedLogitsProcessor
    from inspector.trace import Trace

Condition = Callable[["Generation", Step], bool]
"""Whether to stop after a step: one of `inspector.until`, or a function of the generation and the step."""


class Traces(Protocol):
    """Makes traces of a generation; what it takes to do so is the session's affair."""

    def trace(self, stepping: Stepping) -> Trace: ...
    def again(self, stepping: Stepping, wanted: Wanted, on_step: Callable[[Step], None] | None) -> Trace: ...
    def forward(self, stepping: Stepping, step: Step, *, stats: bool, values: Sequence[str]) -> Trace: ...


class Generation(Changing, Looking, Asking):
    """Nothing runs ahead of the caller: a step is made when `step`, `run` or an iteration asks for one.

    `tree` holds the branches, `tree.cursor` says how many steps of the current one are in force; after `back`, stepping
    begins a branch there. Methods may be called from any thread, one at a time; `pause` and `cancel` at any
    time. Random numbers are this generation's own, from `seed`.
    """

    def __init__(self, stepping: Stepping, offers: Mapping[str, NamedLogitsProcessor], traces: Traces) -> None:
        super().__init__(stepping, offers)
        self._traces = traces
        self._pausing = threading.Event()

    def __repr__(self) -> str:
        state = self.reason or ("not begun" if not self.steps else "going on")
        return f"<Generation: {len(self.steps)} steps in {self.tree.current.name}, {state}>"

    @property
    def seed(self) -> int:
        """What the random numbers began with; `torch.manual_seed` of it gives plain `generate` the same."""
        return self._stepping.resuming.seed

    @property
    def finished(self) -> bool:
        """Whether there is nothing more to do at the cursor."""
        return self.tree.at_tip and self.tree.current.ended and not self._pending

    @property
    def notices(self) -> list[str]:
        """Sentences that the reader must see."""
        return [*self._stepping.notices, *self.tree.current.notices]

    # Going on

    def step(self) -> Step | None:
        """Make one more step after the cursor and return it; None where the loop had nothing more to do. In assisted
        decoding one step of the loop may bring several tokens: all are appended, the last is returned.

        Raises `GenerationError` when there is nothing to go on with, or when a processor fails; `ForwardError` when the
        model does; `Cancelled`. The steps so far are kept, and after a repair or a change it goes on.
        """
        with self._lock:
            made = self._advance()
            return made[-1] if made else None

    def __iter__(self) -> Iterator[Step]:
        """Every further step up to the end, each made when it is asked for."""
        while not self.finished:
            with self._lock:
                made = self._advance()
            yield from made

    def run(
        self,
        until: Condition | str | None = None,
        *,
        steps: int | None = None,
        on_step: Callable[[Step], None] | None = None,
    ) -> Step | None:
        """Go on to the end, until a condition holds, for a number of steps, or until `pause` is called.

        A condition may be written as a user types it: `"entropy>2.5"`, `"token:Paris"` (see `until.FORMS`). `on_step`
        is called with each new step; the last one is returned. Raises as `step` does, `InputError` for no condition.
        """
        condition = parse(until) if isinstance(until, str) else until
        self._pausing.clear()
        with self._stepping.for_a_run(self._lock):
            return self._run(condition, steps, on_step)

    def _run(
        self, condition: Condition | None, steps: int | None, on_step: Callable[[Step], None] | None
    ) -> Step | None:
        last, count = None, 0
        while not (self.finished or self._pausing.is_set() or (steps is not None and count >= steps)):
            with self._lock:
                made = self._advance()
            for last in made:
                if on_step is not None:
                    on_step(last)
            count += len(made)
            if condition is not None and any(condition(self, step) for step in made):
                break
        return last

    def pause(self) -> None:
        """Let a `run` in another thread return after the step that it is at."""
        self._pausing.set()

    def cancel(self) -> None:
        """Stop a step that is being made in another thread; it raises `Cancelled` there. One can go on afterwards."""
        self._pausing.set()
        self._stepping.cancelling.set()

    def close(self) -> None:
        """End every loop with its thread. The record stays, also for what-if; going on would begin new loops."""
        with self._lock:
            self._stepping.close()

    def __enter__(self) -> Generation:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Keeping

    def record(self) -> GenerationRecord:
        """Everything as plain records."""
        return self._stepping.record()

    def trace(self) -> Trace:
        """The trace of this generation: its record, the raw logits, and the calls where they were recorded."""
        with self._lock:
            return self._traces.trace(self._stepping)

    def trace_again(
        self,
        *,
        stats: bool = False,
        values: str | Sequence[str] = (),
        budget: int | None = None,
        on_step: Callable[[Step], None] | None = None,
    ) -> Trace:
        """The trace of the current branch, its steps run again for their calls to be recorded in any detail.

        What this generation holds stays as it is. `on_step` is called after each step, and may raise to end it. Raises
        `GenerationError` for a beam search or assisted decoding that was changed on the way, and before the first step.
        """
        if not self.steps:
            raise GenerationError("There is no step to run again yet; step() or run() makes some.")
        globs = (values,) if isinstance(values, str) else tuple(values)
        with self._lock:
            return self._traces.again(self._stepping, Wanted(stats=stats, values=globs, budget=budget), on_step)

    def trace_step(self, step: Place = None, *, stats: bool = False, values: str | Sequence[str] = ()) -> Trace:
        """The forward that made a step's logits, run again on the cropped cache to be recorded in any detail."""
        globs = (values,) if isinstance(values, str) else tuple(values)
        return self._traces.forward(self._stepping, self._recorded(step), stats=stats, values=globs)

    def save(self, directory: str | Path, *, replace: bool = False) -> Path:
        """Save the trace, all branches and raw logits included. Raises `TraceError`."""
        return self.trace().save(directory, replace=replace)

    def _advance(self) -> list[Step]:
        with self._stepping.alone():
            self._stepping.make_ready(self._pending)
            self._pending = Pending()
            return self._stepping.pull()
