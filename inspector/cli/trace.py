"""`inspector trace`: run one forward and print its calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from inspector.cli.invocation import Invocation
from inspector.cli.narration import Narration
from inspector.cli.options import INPUTS, KEPT, MODEL, STATS, formats, options
from inspector.cli.output import put, put_text, trace_json, trace_jsonl
from inspector.cli.running import load, question, runner
from inspector.errors import ForwardError
from inspector.trace import Trace


@click.command()
@click.argument("model")
@options(INPUTS, (STATS, *KEPT))
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="Save the trace as a directory.")
@click.option("--force", is_flag=True, help="Replace a trace that is there already.")
@formats("text", "json", "jsonl", "csv")
@options(MODEL)
@click.pass_obj
def command(invocation: Invocation, /, model: str, output: Path | None, force: bool, form: str, **given: Any) -> None:
    """Run one forward of MODEL and print every call with its shapes.

    MODEL is preset:NAME, demo:NAME, a checkpoint directory, or owner/name of the Hugging Face hub. When the forward
    fails, the calls up to there are printed and kept, and the exit code is 3.
    """
    from inspector.trace.store import check_free

    request = question(model, given)
    if output is not None:
        check_free(output, replace=force)
        invocation.keep_in(output, replace=force)
    narration = Narration()
    session = load(model, given, narration)
    try:
        trace = runner(session, request, given, narration)(given["values"])
    except ForwardError as error:
        narration.notices(error.trace.notices)
        write(error.trace, form)
        raise
    narration.notices(trace.notices)
    if output is not None:
        trace.save(output, replace=force)
    write(trace, form)
    if output is not None:
        narration.notices([f"saved in {output}; `inspector open {output}` shows it."])


def write(trace: Trace, form: str) -> None:
    """The whole trace on stdout."""
    from inspector import render
    from inspector.views import calls, summary

    if form == "json":
        put(trace_json(trace))
    elif form == "jsonl":
        put(trace_jsonl(trace))
    elif form == "csv":
        put(render.csv(calls.table(trace)))
    else:
        put_text([calls.tree(trace), summary.summary(trace)])
