"""`inspector open`, and bare `inspector`: the terminal program."""

from __future__ import annotations

import sys
from typing import Any

import click

from inspector.cli.options import INPUTS, KEPT, MODEL, has_inputs, options, options_of, request_of
from inspector.errors import InputError


@click.command()
@click.argument("target")
@options(INPUTS, KEPT, MODEL)
@click.pass_context
def command(ctx: click.Context, /, target: str, **given: Any) -> None:
    """Open TARGET in the terminal program: a model, with what it is to be asked, or a saved trace."""
    ctx.exit(run(target, given))


def run(target: str | None, given: dict[str, Any] | None = None, *, tour: bool = False) -> int:
    """Run the terminal program and return its exit code. Raises `InputError` where there is no terminal."""
    for name, stream in (("stdout", sys.stdout), ("stdin", sys.stdin)):
        if not stream.isatty():
            raise InputError(
                f"The screen needs a terminal, and {name} is none. `inspector trace` and `inspector view` print the "
                "same to a file or a pipe."
            )
    from inspector.tui.app import InspectorApp

    if given is None:
        app = InspectorApp(target, tour=tour)
    else:
        app = InspectorApp(
            target,
            request=request_of(given) if has_inputs(given) else None,
            options=options_of(given),
            values=given["values"] or ("*",),
            budget=given["budget"],
        )
    app.run()
    return app.return_code or 0
