"""Parts and traces on stdout, as the format says."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence

import click

from inspector import render
from inspector.errors import InputError
from inspector.parts import Curve, Heatmap, Part, Table, Tree
from inspector.trace import Trace

BROKEN_PIPE = 141
"""128 + SIGPIPE: what a program that the signal had ended would leave behind."""


def put(chunks: Iterable[str]) -> None:
    """Write to stdout. A reader that has gone ends the program quietly."""
    try:
        for chunk in chunks:
            sys.stdout.write(chunk)
        sys.stdout.flush()
    except BrokenPipeError:
        hang_up()
        raise click.exceptions.Exit(BROKEN_PIPE) from None


def hang_up() -> None:
    """Point stdout to nowhere, so that the interpreter does not complain about the pipe when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def put_text(parts: Sequence[Part]) -> None:
    put(f"{line}\n" for line in render.text(parts, render.Paper.of(sys.stdout)))


def put_view(name: str, parts: Sequence[Part], form: str, part: str | None = None) -> None:
    """A view's parts, or the one that `part` chooses by number or title."""
    chosen = parts if part is None else [choose(parts, part)]
    if form == "text":
        put_text(chosen)
    elif form == "json":
        put(render.as_json(name, chosen))
    elif form == "svg":
        put(render.svg(chosen))
    else:
        table = tabular(chosen)
        put(render.csv(table) if form == "csv" else render.jsonl(table))


def choose(parts: Sequence[Part], part: str) -> Part:
    """The part with that number, counted from 1, or whose title begins like that."""
    if part.isdecimal() and 1 <= int(part) <= len(parts):
        return parts[int(part) - 1]
    for found in parts:
        if found.title.casefold().startswith(part.casefold()):
            return found
    raise InputError(f"There is no part {part!r}; there are {_listed(parts)}.")


def tabular(parts: Sequence[Part]) -> render.Tabular:
    """The last part that is a table: views come to their details last. The others are named on stderr."""
    tables = [part for part in parts if isinstance(part, (Table, Tree, Heatmap, Curve))]
    if not tables:
        raise InputError(f"Nothing here is a table; there are {_listed(parts)}. Use --format text or json.")
    if len(tables) > 1:
        print(f"note: written is {tables[-1].title!r}; --part chooses among {_listed(parts)}.", file=sys.stderr)
    return tables[-1]


def trace_json(trace: Trace) -> Iterator[str]:
    """The contract `inspector.trace/1`."""
    yield render.encode(trace.to_json()) + "\n"


def trace_jsonl(trace: Trace) -> Iterator[str]:
    """First everything but the calls, with the model; then a call a line."""
    head = {**trace.to_json(), "calls": None}
    del head["calls"]
    yield render.encode(head) + "\n"
    for call in trace.calls:
        yield render.encode(call.to_json()) + "\n"


def _listed(parts: Sequence[Part]) -> str:
    return ", ".join(f"{number} {part.title!r}" for number, part in enumerate(parts, 1)) or "none"
