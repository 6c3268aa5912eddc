"""What the screens ask of the library. Every method blocks, and is called in a job's thread; torch is imported here."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from inspector.errors import ForwardError
from inspector.models.inputs import Request
from inspector.trace import Trace, is_trace
from inspector.tui import native, terminal
from inspector.tui.jobs import Job

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inspector.models import Options
    from inspector.parts import Tab, View
    from inspector.plugins import Plugins
    from inspector.session import Session
    from inspector.tui.entries import Entry


@dataclass(frozen=True, slots=True)
class Question:
    """A request, and what to keep of its forward: `stats` of every tensor, the values at ports that match `values`.

    Beyond `budget` bytes kept values go to disk; None is the library's own limit.
    """

    request: Request = field(default_factory=Request)
    stats: bool = True
    values: tuple[str, ...] = ("*",)
    budget: int | None = None

    @property
    def complete(self) -> bool:
        """Whether there is anything to run a forward on."""
        request = self.request
        return bool(request.prompts or request.messages or request.images or request.videos)


@dataclass(frozen=True, slots=True)
class Run:
    """A trace on the screen, and where it came from: a question to a session loaded with `options`, or a directory.

    `made` is Python that arrives at the trace, where that took more than the question.
    """

    trace: Trace
    session: Session | None = None
    question: Question | None = None
    options: Options | None = None
    directory: Path | None = None
    made: tuple[str, ...] = ()


class Library:
    """The library as the program was started: with these model options, and the plugins that are installed."""

    def __init__(self, options: Options | None = None) -> None:
        self.options = options

    @cached_property
    def plugins(self) -> Plugins:
        from inspector.plugins import Plugins

        return Plugins.installed()

    @cached_property
    def tabs(self) -> Sequence[Tab]:
        """The tabs that plugins add."""
        return self.plugins.screens

    @cached_property
    def views(self) -> dict[str, View]:
        """Every view by name, the built-in ones first."""
        from inspector.views import all_views

        return all_views(self.plugins)

    def entries(self, place: Path) -> list[Entry]:
        """What can be opened from `place`."""
        from inspector.tui.catalog import entries

        return entries(self.plugins.presets, place)

    def facts(self, reference: str) -> list[tuple[str, str]]:
        """What is known of an entry without loading it. Raises `InspectorError`."""
        from inspector.tui.catalog import facts

        return facts(reference, self.plugins.presets)

    def example(self, reference: str) -> Request | None:
        """What a bundled checkpoint is asked at first, None for any other model. Raises `InspectorError`."""
        if not reference.startswith("demo:"):
            return None
        from inspector.models import example, find

        return example(find(reference, self.plugins.presets))

    def load(self, reference: str, job: Job[Session]) -> Session:
        """Load a model. Raises `UnknownReference`, `ModelError`, `Cancelled`."""
        job.report("importing torch and transformers")
        native.load_torch_library()
        from inspector.models import remember
        from inspector.session import load

        options = {} if self.options is None else asdict(self.options)
        with terminal.tidy():
            session = load(reference, plugins=self.plugins, progress=job.report, **options)
        remember(reference)
        self.tabs  # noqa: B018 - asked for here, where it may take its time, and kept
        return session

    def ask(self, session: Session, question: Question, job: Job[Run]) -> Run:
        """Run one forward. Raises `InputError`, `Cancelled`. A forward that fails is a run whose trace says so."""
        job.report("encoding the inputs")
        with terminal.tidy():
            trace = _trace(session, question, job)
        return Run(trace, session, question, self.options)

    def open(self, directory: Path, job: Job[Run]) -> Run:
        """Open a saved trace. Raises `TraceError`."""
        from inspector.models import remember

        job.report("reading the trace")
        trace = Trace.open(directory)
        remember(str(directory))
        self.tabs  # noqa: B018 - as above
        return Run(trace, directory=directory)

    def warm(self, trace: Trace, job: Job[None]) -> None:
        """Work out what takes a moment (views, who consumed what, which calls a module had) before it is asked for."""
        for look_up in (
            lambda: trace.occurrences(""),
            lambda: self.views,
            lambda: trace.went_to(0, ""),
            lambda: trace.children(None),
        ):
            job.report("looking around")
            look_up()


def saved_trace(target: str) -> Path | None:
    """The directory, if `target` is a saved trace."""
    directory = Path(target).expanduser()
    return directory if is_trace(directory) else None


def _trace(session: Session, question: Question, job: Job[Run]) -> Trace:
    """The trace of one forward; of one that failed, what there is up to the failure."""
    inputs = session.encode(question.request)
    job.report("forward")
    try:
        return session.trace(
            inputs=inputs,
            stats=question.stats,
            values=question.values,
            budget=question.budget,
            on_call=job.count,
            cancel=job.cancelled,
        )
    except ForwardError as error:
        return error.trace
