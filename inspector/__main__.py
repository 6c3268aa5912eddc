"""The program `inspector`: runs a command and turns however it ends into an exit code."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence

import click

from inspector.cli.commands import commands
from inspector.cli.invocation import Invocation
from inspector.cli.output import BROKEN_PIPE, hang_up
from inspector.errors import Cancelled, ForwardError, InspectorError

INTERRUPTED = 130


def main(args: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code: 0 done, 1 done with findings, 2 the request or a file was wrong,
    3 the model's forward failed, 70 a defect of Inspector, 130 interrupted, 141 the reader of stdout has gone.
    """
    with contextlib.suppress(AttributeError):
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    invocation = Invocation()
    code = _run(args, invocation)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        hang_up()
        return BROKEN_PIPE
    return code


def _run(args: Sequence[str] | None, invocation: Invocation) -> int:
    try:
        result = commands.main(args, prog_name="inspector", standalone_mode=False, obj=invocation)
        return result if isinstance(result, int) else 0
    except (click.Abort, KeyboardInterrupt, Cancelled):
        return INTERRUPTED
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    except Exception as error:
        return _failed(error, invocation)


def _failed(error: Exception, invocation: Invocation) -> int:
    from inspector.cli import failures

    if isinstance(error, click.ClickException):
        error.show()
        return InspectorError.exit_code
    if isinstance(error, ForwardError):
        failures.forward_failed(error, invocation)
        return error.exit_code
    if isinstance(error, InspectorError):
        failures.say(f"Error: {error}")
        return error.exit_code
    return failures.unexpected(error, invocation)


if __name__ == "__main__":
    sys.exit(main())
