"""How soon the program is there: the import of the library, and the first paint of the screen, before torch is there.

A paint is seen from outside, in a pseudo-terminal, and counts from the start of the process.

    python -m tests.benchmarks.startup [--rounds N]
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from inspector import Table
from tests.benchmarks.harness import put, table
from tests.benchmarks.terminal import Stopwatch
from tests.hygiene.tree import ROOT
from tests.traces import small_trace


def import_seconds(module: str) -> float:
    """What importing a module takes, by Python's own accounting, in a fresh process."""
    command = [sys.executable, "-X", "importtime", "-c", f"import {module}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    (line,) = re.findall(rf"^import time: +\d+ \| +(\d+) \| {module}$", done.stderr, re.MULTILINE)
    return int(line) / 1e6


def paint_seconds(arguments: Sequence[str], text: str) -> tuple[float, bool]:
    """When `text` stands on the screen after the program was started, and whether torch had been imported by then."""
    with (
        TemporaryDirectory() as home,
        Stopwatch("-m", "inspector", *arguments, home=Path(home)) as terminal,
    ):
        return terminal.until(text), "libtorch" in Path(f"/proc/{terminal.pid}/maps").read_text()


def measure(rounds: int) -> Table:
    with TemporaryDirectory() as folder:
        trace = str(small_trace().save(Path(folder) / "trace"))
        first = [paint_seconds([], "see a forward pass") for _ in range(rounds)]
        listed = [paint_seconds([], "preset:")[0] for _ in range(rounds)]
        opened = [paint_seconds(["open", trace], "Forward")[0] for _ in range(rounds)]
    torch = [loaded for _, loaded in first]
    rows = [
        ("import inspector", *spread(lambda: import_seconds("inspector"), rounds), 0.1),
        ("import inspector.tui.app", *spread(lambda: import_seconds("inspector.tui.app"), rounds), None),
        ("import torch, to compare", *spread(lambda: import_seconds("torch"), rounds), None),
        ("first paint", *middle([seconds for seconds, _ in first]), 0.5),
        ("launcher filled", *middle(listed), None),
        ("saved trace on the screen", *middle(opened), None),
    ]
    note = f"{rounds} rounds. Torch was imported before the first paint in {sum(torch)} of them."
    return table("Start-up", ("", "median seconds", "fastest seconds", "asked seconds"), rows, note)


def spread(one: Callable[[], float], rounds: int) -> tuple[float, float]:
    return middle([one() for _ in range(rounds)])


def middle(seconds: list[float]) -> tuple[float, float]:
    return statistics.median(seconds), min(seconds)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=7)
    put(measure(options.parse_args().rounds))


if __name__ == "__main__":
    main()
