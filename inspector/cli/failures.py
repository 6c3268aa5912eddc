"""How the program ends when something went wrong: a clear message, an exit code, and what is kept for a look later."""

from __future__ import annotations

import sys
import time
import traceback
from pathlib import Path

from inspector.analysis.wording import summary, value_text, visible
from inspector.cli.invocation import Invocation
from inspector.errors import ForwardError, TraceError
from inspector.trace import Failure, TensorInfo, Trace

UNEXPECTED = 70
"""sysexits.h: an internal error of the program."""


def say(message: str) -> None:
    """A message to the user; each line safe to print."""
    for line in message.splitlines():
        print(visible(line), file=sys.stderr)


def forward_failed(error: ForwardError, invocation: Invocation) -> None:
    """Where the model raised and with which shapes; the trace up to there is kept."""
    say(f"Error: {error}")
    if error.trace.failure is not None:
        say(place(error.trace.failure))
    try:
        kept = keep(error.trace, invocation)
    except TraceError as problem:
        say(f"The trace up to there could not be kept. {problem}")
        return
    say(f"The {len(error.trace.calls):,} calls up to there are kept in {kept}")
    say(f"Look at them with: inspector open {kept}")


def place(failure: Failure) -> str:
    """The line that raised and the tensors that met there."""
    lines = [f"  {failure.line} | {failure.code}"] if failure.code else []
    width = max(map(len, failure.ports), default=0)
    for port, value in failure.ports.items():
        if value is not None:
            seen = summary(value) if isinstance(value, TensorInfo) and value.stats else value_text(value)
            lines.append(f"  {port:<{width}}  {seen}")
    return "\n".join(lines)


def keep(trace: Trace, invocation: Invocation) -> Path:
    """Save a trace where the user said, else under a name of its own in the user's state directory."""
    if invocation.output is not None:
        return trace.save(invocation.output, replace=invocation.replace)
    return trace.save(_state("post-mortem", ""))


def unexpected(error: BaseException, invocation: Invocation) -> int:
    """A defect of the program: one line, and the traceback in a file or, with --debug, right here."""
    details = "".join(traceback.format_exception(error))
    say(f"Error: unexpected {type(error).__name__}: {error}".splitlines()[0])
    if invocation.debug:
        sys.stderr.write(details)
        return UNEXPECTED
    try:
        file = _state("errors", ".txt")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(details, encoding="utf-8")
        say(f"This is a defect of Inspector. The traceback is in {file}; --debug shows it.")
    except OSError:
        say("This is a defect of Inspector. `inspector --debug …` shows the traceback.")
    return UNEXPECTED


def _state(kind: str, suffix: str) -> Path:
    """A new name under the user's state directory."""
    from inspector.models.history import state_directory

    folder = state_directory() / kind
    stem = time.strftime("%Y-%m-%d-%H%M%S")
    names = (f"{stem}{'' if number == 1 else f'-{number}'}{suffix}" for number in range(1, 1000))
    return next(folder / name for name in names if not (folder / name).exists())
