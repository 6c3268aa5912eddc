"""How soon a key press is painted while a model runs in the same process.

The real program in a pseudo-terminal, with a forward that runs over and over in a thread: none, then a model of many
small calls, which holds Python's lock most of the time, then one of large products, which holds the processors. A press
counts from the key to the first byte that comes back.

    python -m tests.benchmarks.latency [--presses N]
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from inspector import Table
from tests.benchmarks.harness import put, table
from tests.benchmarks.terminal import Stopwatch

ASKED = 0.05
WORK = ("nothing", "many small calls", "large products")


def presses(work: str, count: int) -> list[float]:
    """Seconds of each of `count` key presses."""
    with (
        TemporaryDirectory() as home,
        Stopwatch("-m", "tests.benchmarks.latency", "--show", work, home=Path(home)) as terminal,
    ):
        terminal.until("Runs next")
        terminal.settle(1.0)
        found = []
        for number in range(count):
            found.append(terminal.press("j" if number % 40 < 20 else "k"))
            terminal.settle()
        return found


def measure(count: int, works: Sequence[str] = WORK) -> Table:
    rows = []
    for work in works:
        seconds = sorted(presses(work, count))
        rows.append((work, statistics.median(seconds), seconds[int(0.95 * (count - 1))], seconds[-1], ASKED))
    columns = ("what runs meanwhile", "median seconds", "95 % seconds", "slowest seconds", "asked seconds")
    return table(f"From a key press to its paint, {count} presses", columns, rows)


def show(work: str) -> None:
    """The program that is measured: the screen on a trace of 20,000 calls, and a job that runs forwards."""
    from inspector.tui.jobs import Job
    from inspector.tui.runs import Run
    from tests.traces import big_trace
    from tests.tui.apps import Quiet

    forward = None if work == "nothing" else forward_of(work)

    def run(job: Job[None]) -> None:
        while forward is not None and not job.cancelled.is_set():
            forward()

    class Busy(Quiet):
        def on_painted(self) -> None:
            self.show(Run(big_trace(20_000)))
            self.job("running", run)

    Busy().run()


def forward_of(work: str) -> Any:
    """A forward of a decoder with random weights, recorded as a user's would be."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    import inspector

    width, layers, length = (64, 24, 8) if work == "many small calls" else (1024, 6, 256)
    sizes = {"hidden_size": width, "intermediate_size": 4 * width, "vocab_size": 512}
    config = LlamaConfig(**sizes, num_hidden_layers=layers, num_attention_heads=8, num_key_value_heads=8)
    model = LlamaForCausalLM(config).eval()

    def forward() -> None:
        with inspector.capture(model, stats=True), torch.no_grad():
            model(torch.arange(length)[None])

    return forward


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--presses", type=int, default=100)
    options.add_argument("--show", choices=WORK, help="be the program that is measured")
    given = options.parse_args()
    if given.show:
        show(given.show)
    else:
        put(measure(given.presses))


if __name__ == "__main__":
    main()
