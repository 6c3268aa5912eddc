"""From a reference to a trace on the screen, step by step: load, ask, run, show.

Each function is a coroutine in which every step that takes time is a job, so that what follows what can be read from
top to bottom. They run as workers of the program; a step that fails becomes a message.
"""

from __future__ import annotations

import traceback
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from inspector.errors import Cancelled, InputError, InspectorError
from inspector.tui.jobs import Job
from inspector.tui.runs import Question, Run, saved_trace
from inspector.tui.screens.launcher import LauncherScreen
from inspector.tui.screens.message import MessageScreen
from inspector.tui.screens.opening import OpeningScreen
from inspector.tui.screens.progress import ProgressScreen
from inspector.tui.tour.stops import TARGET

if TYPE_CHECKING:
    from inspector.session import Session
    from inspector.trace import Trace
    from inspector.tui.app import InspectorApp

T = TypeVar("T")


async def open_target(app: InspectorApp, target: str, question: Question | None = None) -> None:
    """Open a saved trace; or load a model, let the user ask where there is no `question`, and run.

    Leads back to where one was when that fails or the user changes their mind.
    """
    try:
        directory = saved_trace(target)
        if directory is not None:
            run: Run | None = await finish(app, app.job(f"Opening {target}", partial(app.library.open, directory)))
        else:
            run = await _load_and_run(app, target, question)
    except Exception as error:  # whatever it is, it becomes a message and the program goes on
        await show_error(app, error, f"{target} could not be opened")
        run = None
    if run is not None:
        app.show(run)
    elif isinstance(app.screen, OpeningScreen):
        app.action_launcher()


async def tour(app: InspectorApp) -> None:
    """Open the bundled model and lead on from there."""
    await app.action_leave_tour()
    app.action_launcher()
    app.begin_tour()
    await open_target(app, TARGET)


async def ask_again(app: InspectorApp, run: Run) -> None:
    """Ask the model of a run something else. That of a saved trace is loaded first."""
    if run.session is None or run.question is None:
        await open_target(app, run.trace.model.reference)
        return
    session = run.session
    try:
        again = await _run(app, session, await _edit(app, session.reference, run.question))
    except Exception as error:  # as above
        await show_error(app, error, "The forward could not be run")
    else:
        if again is not None:
            app.show(again)


async def _load_and_run(app: InspectorApp, target: str, question: Question | None) -> Run | None:
    loading = app.job(f"Loading {target}", partial(app.library.load, target))
    if question is None:
        own = await app.job("Looking at a model", lambda job: app.library.example(target)).result()
        question = None if own is None else replace(app.question, request=own)
    if question is None:
        question = await _edit(app, target, None, loading)
    if question is None and not loading.failed:
        loading.cancel()
        return None
    return await _run(app, await finish(app, loading), question)


async def _edit(
    app: InspectorApp, reference: str, question: Question | None, loading: Job[Session] | None = None
) -> Question | None:
    """Let the user ask, beginning with `question`, or with what was asked last. None when they go back, or when loading
    the model has failed meanwhile.
    """
    from inspector.tui.screens.ask import AskScreen, keep, suggestion  # not before the first paint

    question = suggestion(app.settings, app.question) if question is None else question
    asked = await app.push_screen_wait(AskScreen(reference, question, loading))
    if asked is not None:
        keep(app.settings, asked)
    return asked


async def _run(app: InspectorApp, session: Session, question: Question | None) -> Run | None:
    """Run the forward. Inputs that do not fit, and a forward that was stopped, lead back to the question."""
    while question is not None:
        try:
            job = app.job(f"Running {session.reference}", partial(app.library.ask, session, question))
            return await finish(app, job)
        except InputError as error:
            await show_error(app, error, "These inputs do not fit")
        except Cancelled:
            app.notify("Stopped.", markup=False)
        question = await _edit(app, session.reference, question)
    return None


async def finish(app: InspectorApp, job: Job[T]) -> T:
    """The result of a job, with its progress on the screen until then. Raises what the job raised."""
    if not job.done:
        await app.push_screen_wait(ProgressScreen(job))
    return await job.result()


async def save(app: InspectorApp, trace: Trace, directory: Path) -> None:
    """Write a trace, whole or not at all, and say where it lies."""
    try:
        written = await finish(app, app.job("Saving the trace", lambda job: trace.save(directory)))
    except Exception as error:  # as above
        await show_error(app, error, "The trace was not saved")
    else:
        app.notify(f"Saved {written}", markup=False)


async def show_error(app: InspectorApp, error: Exception, title: str) -> None:
    """An error as a message: our own in their own words, any other with its kind, and its traceback on a key."""
    if isinstance(error, Cancelled):
        app.notify("Stopped.", markup=False)
        return
    details = "".join(traceback.format_exception(error))
    if isinstance(error, InspectorError):
        details = "" if error.__cause__ is None else details
        text = str(error)
    else:
        text = f"{type(error).__name__}: {error}\n\nInspector did not expect this. The details show where it arose."
    await app.push_screen_wait(MessageScreen(title, text, details))


async def list_entries(app: InspectorApp, launcher: LauncherScreen) -> None:
    """Fill the launcher with what can be opened here."""
    try:
        found = await app.job("Looking for models", lambda job: app.library.entries(Path.cwd())).result()
    except Exception as error:  # the launcher opens whatever lies on the disk; what was typed can still be opened
        found = []
        await show_error(app, error, "The list of models is not complete")
    launcher.show(found)


async def find_facts(app: InspectorApp, reference: str) -> None:
    """Show in the launcher what is known of an entry without loading it."""
    try:
        facts = await app.job("Looking at a model", lambda job: app.library.facts(reference)).result()
    except Exception as error:  # a damaged checkpoint is listed as well, with what is wrong with it
        facts = [("problem", str(error))]
    if isinstance(app.screen, LauncherScreen):
        app.screen.show_facts(reference, facts)
