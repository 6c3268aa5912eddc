"""How long lists, the heatmap and the steps of a generation take inside the program: from a key to its paint.

Without a terminal, which `big_trace` measures. Textual paints sixty times a second, so that nothing takes less than
16 ms.

    python -m tests.benchmarks.widgets [--calls N] [--steps N] [--vocabulary N]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import torch
from textual.app import ComposeResult
from textual.widget import Widget

from inspector import Table
from inspector.trace import Trace, reading
from inspector.tui.widgets.calls_list import CallsList
from inspector.tui.widgets.generation.pipeline_table import PipelineTable
from inspector.tui.widgets.generation.step_strip import StepStrip
from inspector.tui.widgets.heatmap import HeatMap
from inspector.tui.widgets.slicing import Slicing
from inspector.tui.widgets.tensor_facts import plane_of
from tests.benchmarks.harness import put, table
from tests.benchmarks.painting import Painting
from tests.traces import big_trace
from tests.tui.widgets.generation.records import full_step, long_run

LAG = 0.05
"""Seconds between a key and its paint that nobody feels."""

PLANES = ((1_000_000, 16), (4096, 4096))

Row = tuple[str, float, float | None, float | None]


class Shown(Painting):
    """Shows one widget."""

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget = widget

    def compose(self) -> ComposeResult:
        yield self.widget

    async def press(self, what: str, key: str, times: int) -> Row:
        """The median and the slowest of so many presses."""
        seconds = [await self.painted_after(lambda: self.simulate_key(key)) for _ in range(times)]
        return what, statistics.median(seconds), max(seconds), LAG


async def on_screen(app: Shown, measure: Callable[[], Coroutine[Any, Any, list[Row]]]) -> list[Row]:
    async with app.run_test(size=(160, 50)) as pilot:
        app.widget.focus()
        await pilot.pause()
        return await measure()


def listed(trace: Trace, name: str, times: int) -> list[Row]:
    """The list of calls from the moment it gets its trace."""
    calls = CallsList()
    app = Shown(calls)

    async def measure() -> list[Row]:
        start = time.perf_counter()
        calls.trace = trace
        while calls.row_count == 0:
            await asyncio.sleep(0)
        rows: list[Row] = [(f"{name}: first lines", time.perf_counter() - start, None, None)]
        while len(calls.outline) < len(trace.calls):
            await asyncio.sleep(0.001)
        rows.append((f"{name}: every line, beside the keyboard", time.perf_counter() - start, None, None))
        for what, key in (("a line down", "j"), ("a page down", "pagedown"), ("fold", "space")):
            rows.append(await app.press(f"{name}: {what}", key, times))
        seconds = [timed(lambda words=words: calls.filter(words)) for words in ("part_11", "layers.3 linear", "none")]
        return [*rows, (f"{name}: filter", statistics.median(seconds), max(seconds), LAG)]

    return asyncio.run(on_screen(app, measure))


def drawn(rows: int, columns: int, times: int) -> list[Row]:
    """The heatmap of so many values, from the moment it gets its tensor."""
    heatmap = HeatMap()
    app = Shown(heatmap)
    name = f"{rows:,} × {columns:,}"

    async def measure() -> list[Row]:
        tensor = torch.randn(rows, columns)
        start = time.perf_counter()
        heatmap.plane = plane_of(tensor, Slicing.of((rows, columns)))
        while heatmap.picture is None:
            await asyncio.sleep(0)
        found: list[Row] = [(f"{name}: all of it", time.perf_counter() - start, None, None)]
        for what, key in (("zoom in", "plus"), ("a cell across", "l"), ("a screen across", "L"), ("numbers", "v")):
            found.append(await app.press(f"{name}: {what}", key, 3 if key in ("plus", "v") else times))
        return found

    return asyncio.run(on_screen(app, measure))


def stripped(steps: int, times: int) -> list[Row]:
    """The strip of so many steps, from the moment it gets them; one more step while it shows them."""
    strip = StepStrip()
    app = Shown(strip)
    name = f"{steps:,} steps"

    async def measure() -> list[Row]:
        made = long_run(steps + times)
        shown = made[:steps]
        start = time.perf_counter()
        strip.look_at(0)
        strip.steps = shown
        while app.painted < start:
            await asyncio.sleep(0)
        rows: list[Row] = [(f"{name}: first lines", time.perf_counter() - start, None, None)]
        while strip.count < steps:
            await asyncio.sleep(0.001)
        rows.append((f"{name}: every token, beside the keyboard", time.perf_counter() - start, None, None))
        for what, key in (("the next token", "l"), ("a line down", "j"), ("a page down", "pagedown")):
            rows.append(await app.press(f"{name}: {what}", key, times if key == "l" else 4))
        rows.append(await app.press(f"{name}: the last token", "end", 1))
        seconds = []
        for step in made[steps:]:
            shown.append(step)
            seconds.append(await app.painted_after(lambda: setattr(strip, "steps", shown)))
        rows.append((f"{name}: one more", statistics.median(seconds), max(seconds), LAG))
        return rows

    return asyncio.run(on_screen(app, measure))


def piped(vocabulary: int, times: int) -> list[Row]:
    """The pipeline of a step whose record has a whole vocabulary after every processor."""
    pipeline = PipelineTable()
    app = Shown(pipeline)
    name = f"{vocabulary:,} tokens"

    async def measure() -> list[Row]:
        step = full_step(vocabulary)
        rows: list[Row] = []
        seconds = [await app.painted_after(lambda: setattr(pipeline, "step", step)) for _ in range(3)]
        rows.append((f"{name}: a step", statistics.median(seconds), max(seconds), None))
        for what, key in (("a token down", "j"), ("a page down", "pagedown"), ("a processor across", "l")):
            rows.append(await app.press(f"{name}: {what}", key, 4 if key == "l" else times))
        rows.append(await app.press(f"{name}: the last", "end", 1))
        return rows

    return asyncio.run(on_screen(app, measure))


def timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(
    calls: int,
    times: int = 40,
    planes: Sequence[tuple[int, int]] = PLANES,
    steps: int = 10_000,
    vocabulary: int = 150_000,
) -> Table:
    made = big_trace(calls)
    saved = json.loads(json.dumps([call.to_json() for call in made.calls]))
    rows = listed(made, f"{calls:,} calls", times)
    rows += listed(Trace(made.model, calls=reading.Calls(saved, "big.trace")), f"{calls:,} calls of a file", times)
    for plane in planes:
        rows += drawn(*plane, times)
    rows += stripped(steps, times)
    rows += piped(vocabulary, times)
    return table("Lists, heatmaps and steps", ("", "median seconds", "slowest seconds", "asked seconds"), rows)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--calls", type=int, default=100_000)
    options.add_argument("--steps", type=int, default=10_000)
    options.add_argument("--vocabulary", type=int, default=150_000)
    given = options.parse_args()
    put(measure(given.calls, steps=given.steps, vocabulary=given.vocabulary))


if __name__ == "__main__":
    main()
