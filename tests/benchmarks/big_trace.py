"""A trace of 100,000 calls: saving, opening, walking, filtering.

The real program in a pseudo-terminal: a key press counts from the key to the first byte that comes back.

    python -m tests.benchmarks.big_trace [--calls N]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from inspector import Table, Trace
from tests.benchmarks.harness import put, table
from tests.benchmarks.terminal import Stopwatch
from tests.traces import big_trace

KEYS = {"a line down and up": "jk", "a page down and up": ("\x1b[6~", "\x1b[5~"), "to the end and back": "Gg"}
LAG = 0.05
"""Seconds between a key and its paint that nobody feels."""

Row = tuple[str, float, float | None, float | None]


def on_screen(directory: Path, calls: int, times: int) -> list[Row]:
    """From the start of the program on."""
    with Stopwatch("-m", "inspector", "open", str(directory), home=directory.parent) as terminal:
        rows: list[Row] = [("from the program's start to the first calls", terminal.until("▾Qwen2For"), None, None)]
        rows.append(("from the program's start to the whole list", terminal.until(f"{calls:,}"), None, None))
        rows.append(("the first keys, a line down each", *pressed(terminal, "j", times), LAG))
        terminal.settle(2.0)
        rows += [(name, *pressed(terminal, keys, times), LAG) for name, keys in KEYS.items()]
        terminal.press("/")
        terminal.settle()
        rows.append(("a letter of the filter", *pressed(terminal, "part_", 5), LAG))
        start = time.perf_counter()
        terminal.press("7")
        terminal.until(f"{matches(calls):,} of {calls:,}")
        rows.append(("from its last letter to the filtered list", time.perf_counter() - start, None, None))
        return rows


def matches(calls: int) -> int:
    return sum("part_7" in call.path for call in big_trace(calls).calls)


def pressed(terminal: Stopwatch, keys: Sequence[str], times: int) -> tuple[float, float]:
    """The median and the slowest of so many presses of some keys in turn."""
    seconds = []
    for key in islice(cycle(keys), times):
        seconds.append(terminal.press(key))
        terminal.settle()
    return middle(seconds)


def middle(seconds: list[float]) -> tuple[float, float]:
    return statistics.median(seconds), max(seconds)


def timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(calls: int, times: int = 25) -> Table:
    with TemporaryDirectory() as folder:
        trace, directory = big_trace(calls), Path(folder) / "trace"
        rows: list[Row] = [("save", timed(lambda: trace.save(directory)), None, None)]
        rows.append(("open", *middle([timed(lambda: Trace.open(directory)) for _ in range(3)]), 1.0))
        rows += on_screen(directory, calls, times)
        size = (directory / "trace.json").stat().st_size
    note = f"trace.json has {size / 2**20:.0f} MiB. A key press is the median of {times}, with the slowest beside it."
    return table(f"A trace of {calls:,} calls", ("", "median seconds", "slowest seconds", "asked seconds"), rows, note)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--calls", type=int, default=100_000)
    put(measure(options.parse_args().calls))


if __name__ == "__main__":
    main()
