"""What prints a view outside the screen: a command, and Python."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from inspector.parts import View
from inspector.tui.copying import changed, source
from inspector.tui.runs import Run
from inspector.tui.screens.menu import Choice

PLACEHOLDER = "TRACE"
"""Stands for a trace that only the user can name: it has not been saved, and no command makes it."""

FLAGS = {"attention": "attn"}
"""Options of `inspector.load` that have another name on the command line."""


def view_copies(run: Run, view: View, options: Mapping[str, str]) -> list[Choice]:
    """The command and the Python that make a view as it is shown."""
    return [Choice("command", command(run, view, options)), Choice("Python", python(run, view, options))]


def command(run: Run, view: View, options: Mapping[str, str]) -> str:
    """The command line that prints a view of a run."""
    given = [f"--{name}" if name in view.flags else f"--{name}={value}" for name, value in options.items()]
    return shlex.join(["inspector", "view", view.name, *target(run), *given])


def python(run: Run, view: View, options: Mapping[str, str]) -> str:
    """A program that makes the parts of a view."""
    from inspector.views import BUILT_IN

    own = view.name in BUILT_IN
    given = "".join(f", {name}={value!r}" for name, value in options.items())
    lines = [
        "import inspector",
        *([] if own else ["from inspector.plugins import Plugins"]),
        f"from inspector.views import {'BUILT_IN' if own else 'all_views'}",
        "",
        *source(run),
        f"parts = {'BUILT_IN' if own else 'all_views(Plugins.installed())'}[{view.name!r}](trace{given})",
    ]
    return "\n".join(lines) + "\n"


def target(run: Run) -> list[str]:
    """TARGET of a command that looks at a run: a saved trace, or a model with what it was asked."""
    if run.directory is not None:
        return [str(run.directory)]
    request = None if run.question is None else run.question.request
    if request is None or run.made or request.messages or not all(map(_is_file, (*request.images, *request.videos))):
        return [PLACEHOLDER]
    words = [run.trace.model.reference]
    for name, items in (("prompt", request.prompts), ("image", request.images), ("video", request.videos)):
        words += [f"--{name}={item}" for item in items]
    given = {name: getattr(request, name) for name in ("fps", "frames", "system", "raw")} | changed(run.options)
    return [*words, *_options(given)]


def _is_file(item: object) -> bool:
    return isinstance(item, str | Path)


def _options(given: Mapping[str, object]) -> Iterator[str]:
    for name, value in given.items():
        if value:
            flag = f"--{FLAGS.get(name, name).replace('_', '-')}"
            yield flag if value is True else f"{flag}={value}"
