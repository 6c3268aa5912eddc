"""Drives a generation for the tab: everything that may take time is a job, one after the other, beside the keyboard.

The screen reads `moment`, which is replaced whole whenever something was done. Pausing and stopping take no lock.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar, cast

from textual.message_pump import MessagePump

from inspector.errors import GenerationError, InputError
from inspector.tui import terminal
from inspector.tui.generate import moves
from inspector.tui.generate.moment import Moment, moment_of
from inspector.tui.jobs import Job
from inspector.tui.opening import finish

if TYPE_CHECKING:
    from inspector.generation.generation import Condition, Generation
    from inspector.trace import Trace
    from inspector.tui.app import InspectorApp
    from inspector.tui.runs import Library, Question, Run

T = TypeVar("T")


GIVEN = 0.03
"""Seconds in which a key is painted, if no model's Python takes half of them."""


@dataclass(frozen=True, slots=True)
class Start:
    """How to begin: options of `generate` by name, a seed, processors of plugins with their parameters, the reference
    of a draft model, and whether to record the model's calls of every step.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    processors: Sequence[tuple[str, Mapping[str, Any]]] = ()
    draft: str = ""
    calls: bool = False


class Driver:
    """`screen`, of the program, is told by messages how the job that is under way advances (see `Job.watch`)."""

    def __init__(self, screen: MessagePump) -> None:
        self.generation: Generation | None = None
        self.moment: Moment | None = None
        self.started = Start()
        self.doing = ""
        self.running = False
        self._screen = screen
        self._turn = asyncio.Lock()
        self._pausing = threading.Event()
        self._job: Job[Any] | None = None
        self._since = (0.0, 0)
        self._closed = False
        self._giving_way = 0.0

    @property
    def _app(self) -> InspectorApp:
        return cast("InspectorApp", self._screen.app)

    @property
    def live(self) -> bool:
        """Whether there is a generation that can go on."""
        return self.generation is not None

    @property
    def offers(self) -> list[str]:
        """Processors that plugins offer, by name."""
        return [] if self.generation is None else list(self.generation.offers)

    @property
    def speed(self) -> float | None:
        """Steps a second of the run that is under way."""
        began, count = self._since
        passed = monotonic() - began
        if not self.running or self.moment is None or passed < 0.5:
            return None
        return (len(self.moment.steps) - count) / passed

    async def begin(self, run: Run, start: Start) -> None:
        """Begin a generation of what a run was asked, in place of the one that there is. Raises `InspectorError`."""
        library = self._app.library
        generation = await self._job_of("preparing", lambda job: prepared(library, run, start, job))
        if self._closed:
            generation.close()
            return
        self.let_go()
        self.generation, self.started = generation, start
        self.moment = await self._job_of("preparing", lambda job: moment_of(generation))

    async def do(self, doing: str, work: Callable[[Generation], T]) -> T:
        """Let the generation do something when it is its turn; a run that is under way is paused for it.

        Raises what `work` raises; `moment` tells where the generation stands then, too.
        """
        self.pause()
        generation = self._there()
        return await self._job_of(doing, lambda job: self._kept(generation, lambda: work(generation)))

    async def ask(self, doing: str, work: Callable[[Generation], T], *, modal: bool = False) -> T:
        """Ask something of the generation that leaves it as it is; what is `modal` holds the keyboard until it is done.

        Raises what `work` raises.
        """
        self.pause()
        generation = self._there()
        return await self._job_of(doing, lambda job: work(generation), modal=modal)

    async def run_again(self, question: Question, doing: str) -> Trace:
        """The trace of the branch that is looked at, its steps run again to record the model's calls; it holds the
        keyboard until it is done, and can be stopped. Raises what `Generation.trace_again` does.
        """
        self.pause()
        generation = self._there()
        steps = len(generation.steps)

        def work(job: Job[Trace]) -> Trace:
            return generation.trace_again(
                stats=question.stats,
                values=question.values,
                budget=question.budget,
                on_step=lambda step: job.report(f"step {step.index + 1} of {steps}", (step.index + 1) / steps),
            )

        return await self._job_of(doing, work, modal=True)

    async def run(self, at: int, until: Condition | None) -> bool:
        """Go on from step `at` until a condition holds, to the end, or until `pause`. Raises as `do`."""
        self.pause()
        self._pausing = pausing = threading.Event()
        generation = self._there()

        def work(job: Job[bool]) -> bool:
            self.running, self._since = True, (monotonic(), len(generation.steps))
            try:
                return self._kept(
                    generation,
                    lambda: moves.run(generation, at, until, lambda: self._stepped(generation, job), pausing.is_set),
                )
            finally:
                self.running = False

        return await self._job_of("running", work)

    def pause(self) -> None:
        """Let a run end after the step that it is at."""
        self._pausing.set()

    def give_way(self) -> None:
        """The reader has moved: let the screen paint before a run goes on to its next step."""
        self._giving_way = monotonic() + GIVEN

    def cancel(self) -> None:
        """Stop the step that is being made. The steps so far are kept."""
        self._pausing.set()
        if self.generation is not None:
            self.generation.cancel()

    def let_go(self) -> None:
        """End the generation: stop what it does, and end its thread once it stands still."""
        self.cancel()
        generation, self.generation = self.generation, None
        if self._job is not None:
            self._job.cancel()
        if generation is not None:
            self._app.job("Ending a generation", lambda job: generation.close())

    def close(self) -> None:
        """End everything: the screen is left."""
        self._closed = True
        self.let_go()

    def _there(self) -> Generation:
        if self.generation is None:
            raise GenerationError("There is no generation that could go on. N begins one.")
        return self.generation

    async def _job_of(self, doing: str, work: Callable[[Job[T]], T], *, modal: bool = False) -> T:
        """Run work in its turn."""
        async with self._turn:
            self._job = job = self._app.job(doing, work)
            self.doing = doing
            job.watch(self._screen)
            try:
                return await (finish(self._app, job) if modal else job.result())
            except asyncio.CancelledError:  # nobody waits for it any more
                job.cancel()
                raise
            finally:
                self.doing, self._job = "", None

    def _kept(self, generation: Generation, work: Callable[[], T]) -> T:
        """Do work, and keep where the generation stands afterwards, however it ended."""
        try:
            return work()
        finally:
            if generation is self.generation:
                self.moment = moment_of(generation)

    def _stepped(self, generation: Generation, job: Job[Any]) -> None:
        """A run made a step; its first one may have begun a branch."""
        job.report("running")
        if monotonic() < self._giving_way:
            time.sleep(GIVEN)
        if self.moment is None or self.moment.branch != generation.tree.current.name:
            self.moment = moment_of(generation)


def prepared(library: Library, run: Run, start: Start, job: Job[Any]) -> Generation:
    """A generation of the run's own question that stands before its first step. Raises `InspectorError`."""
    if run.session is None or run.question is None:
        raise InputError("This trace was saved: r loads its model and asks it, and then it can generate.")
    job.report("encoding the inputs")
    options = dict(start.options)
    if start.draft:
        options["assistant_model"] = library.load(start.draft, job)
    question = run.question
    with terminal.tidy():
        generation = run.session.generate(
            inputs=run.session.encode(question.request),
            seed=start.seed,
            calls=start.calls,
            stats=start.calls and question.stats,
            values=question.values if start.calls else (),
            budget=question.budget,
            **options,
        )
    for name, parameters in start.processors:
        generation.add(name, **parameters)
    return generation
