"""What the measurements share: variants that take turns in one process, medians of ratios, peaks of memory, a table."""

from __future__ import annotations

import gc
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from inspector import Column, Table, render
from inspector.parts import Cell
from inspector.recording.clock import Clock

ON_CPU = Clock(torch.device("cpu"))

Variant = Callable[[], AbstractContextManager[Any]]
"""Makes a context in which a forward is measured."""


@dataclass(slots=True)
class Times:
    """Seconds of every round: of the run itself, and of entering and leaving the context around it."""

    run: list[float] = field(default_factory=list)
    enter: list[float] = field(default_factory=list)
    leave: list[float] = field(default_factory=list)


def in_turn(
    variants: Mapping[str, Variant],
    run: Callable[[], Any],
    rounds: int,
    between: Callable[[], Any] = lambda: None,
    clock: Clock = ON_CPU,
) -> dict[str, Times]:
    """Time `run` under every variant in every round, in an order that turns, so that a slow moment hits each of them.

    `between` puts back what a run has changed. `clock` is the one of the device that runs. The first round warms up and
    does not count.
    """
    gc.collect()
    gc.freeze()  # looking through all of transformers before every run would take longer than the runs
    found: dict[str, Times] = defaultdict(Times)
    names = list(variants)
    for round_ in range(rounds + 1):
        for name in names[round_ % len(names) :] + names[: round_ % len(names)]:
            seconds = _timed(variants[name], run, clock)
            between()
            if round_:
                for kept, second in zip((found[name].enter, found[name].run, found[name].leave), seconds, strict=True):
                    kept.append(second)
    return found


def _timed(variant: Variant, run: Callable[[], Any], clock: Clock) -> tuple[float, float, float]:
    """Seconds of entering, of the run, of leaving."""
    gc.collect()
    context = variant()
    clock.synchronize()
    marks = [time.perf_counter()]
    with context:
        marks.append(time.perf_counter())
        start = clock.mark()
        run()
        end = clock.mark()
        clock.synchronize()
        marks.append(time.perf_counter())
    marks.append(time.perf_counter())
    return marks[1] - marks[0], clock.seconds(start, end), marks[3] - marks[2]


def ratio(times: Times, bare: Times) -> float:
    """The median over the rounds of a variant's time, as a multiple of the bare run's in the same round."""
    return statistics.median(one / other for one, other in zip(times.run, bare.run, strict=True))


def added(times: Times, bare: Times) -> float:
    """The median over the rounds of the seconds that a variant adds."""
    return statistics.median(one - other for one, other in zip(times.run, bare.run, strict=True))


def peak_memory(work: Callable[[], Any]) -> int | None:
    """Bytes by which this process would grow at most while it does `work`; measured in a copy of it. Linux alone."""
    reset = Path("/proc/self/clear_refs")
    if not reset.exists():
        return None
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            gc.collect()
            before = _status("VmRSS")
            reset.write_text("5")
            work()
            os.write(writing, str(_status("VmHWM") - before).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="ascii") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return int(answer)


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(name)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]], note: str = "") -> Table:
    """A table whose first column is words and whose others are numbers. A name may end in its unit: `peak bytes`."""
    units = {"bytes": "bytes", "seconds": "seconds", "calls": "count"}
    made = [Column(columns[0])]
    made += [Column(name, "right", units.get(name.rpartition(" ")[2], "")) for name in columns[1:]]  # type: ignore[arg-type]
    return Table(title, tuple(made), list(rows), note)


def put(part: Table) -> None:
    """Print a table."""
    for line in render.text([part], render.Paper.of(sys.stdout)):
        print(line)
