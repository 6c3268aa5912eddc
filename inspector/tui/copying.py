"""What `y` offers to copy: a path, a summary, and Python that arrives at the same tensor."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from inspector.analysis.wording import summary, value_text
from inspector.trace import Call, TensorInfo
from inspector.tui.runs import Run
from inspector.tui.screens.menu import Choice

if TYPE_CHECKING:
    from inspector.models import Options


Pointed = tuple[str, Any]
"""An element of a tensor: its index, as `[0, 3, 5]`, and its value."""


@runtime_checkable
class Copied(Protocol):
    """A tab that something can be copied of: the choices, the likeliest first."""

    def copies(self) -> list[Choice]: ...


def choices(run: Run, index: int, port: str | None, pointed: Pointed | None = None) -> list[Choice]:
    """The choices for a call, the chosen port of it and the element under the cursor, the likeliest first."""
    call = run.trace.calls[index]
    found = [Choice("path", call.path)] if call.path else []
    ports = call.ports()
    if port is not None and port in ports:
        value = ports[port]
        words = summary(value) if isinstance(value, TensorInfo) else value_text(value)
        found += [Choice("port", f"{call.path}:{port}"), Choice("summary", f"{call.path}:{port} {words}")]
    if pointed is not None:
        found.append(Choice("value", f"{pointed[1]!r}"))
    return [*found, Choice("Python", snippet(run, call, port, pointed)), Choice("class", call.class_name)]


def snippet(run: Run, call: Call, port: str | None, pointed: Pointed | None = None) -> str:
    """A program that traces, or opens the trace, and takes the tensor at `port` of the call, and an element of it."""
    lines = [
        "import inspector",
        "",
        *source(run, call.path or "*"),
        f"call = trace.call({call.path!r}{_occurrence(run, call)})",
    ]
    value = None if port is None else call.ports().get(port)
    if isinstance(value, TensorInfo) and not run.trace.model.shape_only:
        lines.append(f"tensor = trace.value(call, {port!r})")
        lines += [] if pointed is None else [f"value = tensor{pointed[0]}"]
    return "\n".join(lines) + "\n"


def source(run: Run, values: str = "*") -> list[str]:
    """Lines that arrive at the trace of a run, with the values that match a glob where it has any."""
    if run.directory is not None:
        return [open_line(run.directory)]
    if run.made:
        return list(run.made)
    kept = [] if run.question is None or run.trace.model.shape_only else [f"values={values!r}"]
    return [load_line(run), f"trace = session.trace({', '.join([*question(run), *kept])})"]


def open_line(directory: Path) -> str:
    """The line that opens a saved trace."""
    return f"trace = inspector.Trace.open({str(directory)!r})"


def load_line(run: Run) -> str:
    """The line that loads the model of a run as it was loaded."""
    given = [f"{name}={value!r}" for name, value in changed(run.options).items()]
    arguments = [repr(run.trace.model.reference), *given]
    return f"session = inspector.load({', '.join(arguments)})"


def question(run: Run) -> list[str]:
    """What was asked, as arguments."""
    if run.question is None:
        return []
    request = run.question.request
    prompts = request.prompts
    written = [repr(prompts[0] if len(prompts) == 1 else list(prompts))] if prompts else []
    for name, items in (("images", request.images), ("videos", request.videos)):
        written += [f"{name}={[str(item) if isinstance(item, Path) else item for item in items]!r}"] if items else []
    written += [f"{name}={value!r}" for name in ("fps", "frames") if (value := getattr(request, name)) is not None]
    if request.messages:
        written.append(f"messages={[list(messages) for messages in request.messages]!r}")
    written += [f"system={request.system!r}"] if request.system else []
    written += ["raw=True"] if request.raw else []
    return written


def changed(options: Options | None) -> dict[str, Any]:
    """The options that differ from their defaults, by the names that `inspector.load` has for them."""
    if options is None:
        return {}
    given = {field.name: (getattr(options, field.name), field.default) for field in fields(options)}
    return {
        name: str(value) if isinstance(value, Path) else value
        for name, (value, usual) in given.items()
        if value != usual
    }


def _occurrence(run: Run, call: Call) -> str:
    number = run.trace.occurrences(call.path).index(call.index)
    return f", {number}" if number else ""
