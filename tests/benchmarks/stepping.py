"""How soon tab 5 answers a key: on a record of so many steps, and while the model runs in the same process.

On a record, from a key to the paint that it leads to, without a terminal, as in `widgets`. While a model runs, the real
program in a pseudo-terminal, from a key to the number of the step that it leads to: a model of two small layers, whose
Python holds the interpreter's lock most of the time, and the shape of Qwen2.5-0.5B, which holds the processors.

    python -m tests.benchmarks.stepping [--steps N] [--presses N] [--small]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from inspector import Table
from inspector.trace.steps import BranchRecord, GenerationRecord
from inspector.tui.generate.tab import GenerateTab
from inspector.tui.runs import Run
from tests.benchmarks.harness import put, table
from tests.benchmarks.painting import Painting
from tests.benchmarks.terminal import Stopwatch
from tests.tui.apps import Quiet, settled
from tests.tui.widgets.generation.records import long_run

ASKED = 0.05
MODELS = ("small layers", "Qwen2.5-0.5B")
KEYS = (
    ("back", "b"),
    ("the next step", "n"),
    ("a token to the left", "h"),
    ("the first step", "g"),
    ("the last step", "G"),
    ("the next pane", "tab"),
)

Row = tuple[str, float, float, float]


class Program(Painting, Quiet):
    """The program, which knows when it painted."""


def recorded(count: int) -> GenerationRecord:
    steps = long_run(count)
    ids = [[row.chosen.id for step in steps for row in step.rows[:1] if row.chosen is not None]]
    trunk = BranchRecord("main", None, 0, steps, ids, ["".join(step.text for step in steps)], reason="max_length")
    return GenerationRecord("sample", 1, {}, 21, 320, {"main": trunk})


def looked_at(count: int, times: int) -> list[Row]:
    """The keys that move about in a record of so many steps."""
    from tests.traces import small_trace

    trace, app = small_trace(), Program()
    trace.generation = recorded(count)

    async def measure() -> list[Row]:
        async with app.run_test(size=(160, 50)) as pilot:
            app.show(Run(trace))
            await settled(pilot)
            await pilot.press("5")
            await settled(pilot)
            view = app.screen.query_one(GenerateTab).view
            rows = []
            for what, key in KEYS:
                seconds = []
                for number in range(times):
                    view.go(count // 2 + number % 3)
                    await pilot.pause()
                    seconds.append(await app.painted_after(partial(app.simulate_key, key)))
                    await pilot.pause()
                rows.append((f"{count:,} steps: {what}", statistics.median(seconds), max(seconds), ASKED))
            return rows

    return asyncio.run(measure())


def while_running(model: str, presses: int) -> list[Row]:
    """Steps looked at one after the other, while the generation goes on."""
    with (
        TemporaryDirectory() as home,
        Stopwatch("-m", "tests.benchmarks.stepping", "--show", model, home=Path(home)) as terminal,
    ):
        terminal.until("Nothing is generated yet")
        terminal.answer("c", "running")
        seconds = []
        for number in range(presses):
            key, at = ("l", number % 8) if number % 8 else ("g", 0)
            seconds.append(terminal.answer(key, f"step {at} of"))
            terminal.settle(0.02)
        terminal.answer("p", "n step")
        return [(f"{model} runs: to another step", statistics.median(seconds), max(seconds), ASKED)]


def measure(steps: int, times: int, presses: int, models: Sequence[str] = MODELS) -> Table:
    rows = [row for count in (10, steps) for row in looked_at(count, times)]
    for model in models:
        rows += while_running(model, presses)
    columns = ("", "median seconds", "slowest seconds", "asked seconds")
    return table("Tab 5, from a key to what it shows", columns, rows)


def show(model: str) -> None:
    """The program that is measured: tab 5 on a model that goes on without end."""
    from inspector.models.inputs import Request
    from inspector.tui.runs import Question
    from tests.benchmarks.generation import subject

    session = subject(tiny=model == MODELS[0])
    defaults = session.model.generation_config
    defaults.max_length, defaults.eos_token_id, defaults.pad_token_id, defaults.do_sample = 10**6, None, 0, True
    question = Question(Request(("Hi",), raw=True))
    trace = session.trace(inputs=session.encode(question.request))

    class Busy(Quiet):
        def on_painted(self) -> None:
            self.show(Run(trace, session, question))
            self.set_timer(1.0, lambda: self.simulate_key("5"))

    Busy().run()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--steps", type=int, default=10_000)
    options.add_argument("--presses", type=int, default=60)
    options.add_argument("--small", action="store_true", help="the small model alone")
    options.add_argument("--show", choices=MODELS, help="be the program that is measured")
    given = options.parse_args()
    if given.show:
        show(given.show)
    else:
        put(measure(given.steps, 10, given.presses, MODELS[:1] if given.small else MODELS))


if __name__ == "__main__":
    main()
