"""How long the list of calls and the heatmap take inside the program: from a key to the paint that it leads to.

Without a terminal, which `big_trace` measures: what a terminal would be sent is put together and thrown away. Textual
paints sixty times a second, so that nothing takes less than 16 ms.

    python -m tests.benchmarks.widgets [--calls N]
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
from textual.app import App, ComposeResult
from textual.widget import Widget

from inspector import Table
from inspector.trace import Trace, reading
from inspector.tui.widgets.calls_list import CallsList
from inspector.tui.widgets.heatmap import HeatMap
from inspector.tui.widgets.slicing import Slicing
from inspector.tui.widgets.tensor_facts import plane_of
from tests.benchmarks.harness import put, table
from tests.traces import big_trace

LAG = 0.05
"""Seconds between a key and its paint that nobody feels."""

PLANES = ((1_000_000, 16), (4096, 4096))

Row = tuple[str, float, float | None, float | None]


class Painted(App[None]):
    """Shows one widget, and knows when it last painted."""

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget = widget
        self.painted = 0.0

    def compose(self) -> ComposeResult:
        yield self.widget

    def _display(self, screen: Any, renderable: Any) -> None:
        super()._display(screen, renderable)
        if hasattr(renderable, "render_segments"):
            renderable.render_segments(self.console)
            self.painted = time.perf_counter()

    async def press(self, what: str, key: str, times: int) -> Row:
        """The median and the slowest of so many presses."""
        seconds = []
        for _ in range(times):
            start = time.perf_counter()
            self.simulate_key(key)
            while self.painted < start and time.perf_counter() - start < 1:
                await asyncio.sleep(0)
            seconds.append(time.perf_counter() - start)
        return what, statistics.median(seconds), max(seconds), LAG


async def on_screen(app: Painted, measure: Callable[[], Coroutine[Any, Any, list[Row]]]) -> list[Row]:
    async with app.run_test(size=(160, 50)) as pilot:
        app.widget.focus()
        await pilot.pause()
        return await measure()


def listed(trace: Trace, name: str, times: int) -> list[Row]:
    """The list of calls from the moment it gets its trace."""
    calls = CallsList()
    app = Painted(calls)

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
    app = Painted(heatmap)
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


def timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(calls: int, times: int = 40, planes: Sequence[tuple[int, int]] = PLANES) -> Table:
    made = big_trace(calls)
    saved = json.loads(json.dumps([call.to_json() for call in made.calls]))
    rows = listed(made, f"{calls:,} calls", times)
    rows += listed(Trace(made.model, calls=reading.Calls(saved, "big.trace")), f"{calls:,} calls of a file", times)
    for plane in planes:
        rows += drawn(*plane, times)
    return table("Lists and heatmaps", ("", "median seconds", "slowest seconds", "asked seconds"), rows)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--calls", type=int, default=100_000)
    put(measure(options.parse_args().calls))


if __name__ == "__main__":
    main()
