"""From a target on the command line to a trace: a saved one is opened, a model is loaded and run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspector.cli.narration import Narration
from inspector.cli.options import MODEL_NAMES, has_inputs, request_of
from inspector.errors import InputError
from inspector.plugins import Plugins
from inspector.trace import Trace, is_trace

if TYPE_CHECKING:
    from inspector.models import Request
    from inspector.session import Session

Globs = Sequence[str]
Run = Callable[[Globs], Trace]


@cache
def installed() -> Plugins:
    """The plugins of this process, found once."""
    return Plugins.installed()


def saved(target: str, given: Mapping[str, Any]) -> Trace | None:
    """The saved trace that `target` is, None for a model. Raises `InputError` when a trace is asked a question."""
    directory = Path(target).expanduser()
    if not is_trace(directory):
        return None
    if has_inputs(given):
        raise InputError(f"{target} is a saved trace: it was asked already. --prompt and the like are for a model.")
    return Trace.open(directory)


def question(target: str, given: Mapping[str, Any]) -> Request:
    """What is asked of the model `target`; a bundled one has a question of its own where the user asks nothing.

    Raises what is wrong with either before anything is loaded.
    """
    from inspector.models import example, find

    own = example(find(target, installed().presets))
    return request_of(given) if own is None or has_inputs(given) else own


def load(target: str, given: Mapping[str, Any], narration: Narration) -> Session:
    """Load a model as the options say, telling how far it is."""
    import inspector.session

    try:
        return inspector.session.load(
            target, plugins=installed(), progress=narration.stage, **{name: given[name] for name in MODEL_NAMES}
        )
    finally:
        narration.done()


def runner(session: Session, request: Request, given: Mapping[str, Any], narration: Narration) -> Run:
    """A function that runs the forward once, keeping the values that match some globs; those that the user did not ask
    for himself may match nothing.
    """
    inputs = session.encode(request)

    def run(values: Globs) -> Trace:
        try:
            return session.trace(
                inputs=inputs,
                stats=given["stats"],
                values=values,
                optional=[glob for glob in values if glob not in given["values"]],
                budget=given["budget"],
                on_call=narration.calls,
            )
        finally:
            narration.done()

    return run


def modules_alone(session: Session) -> Trace:
    """A trace without a forward, for what can be said of a model that nobody asks anything."""
    from inspector.session import capture

    with capture(session.model) as trace:
        pass
    trace.model = session.info
    trace.notices[:] = session.notices
    return trace
