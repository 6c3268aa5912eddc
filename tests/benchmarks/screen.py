"""How long the lists and the heatmap take, from a key to the paint that it leads to. Prints one table.

python -m tests.benchmarks.screen [--calls 100000]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widget import Widget

from inspector.trace import Trace, reading
from inspector.tui.widgets.calls_list import CallsList
from inspector.tui.widgets.heatmap import HeatMap
from tests.traces import big_trace

PRESSES = 40


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
        if renderable is not None and hasattr(renderable, "render_segments"):
            renderable.render_segments(self.console)  # what a terminal would be sent; a headless driver leaves it out
            self.painted = time.perf_counter()


async def on_screen(widget: Widget, measure: Callable[[Pilot[None]], Awaitable[None]]) -> None:
    app = Painted(widget)
    async with app.run_test(size=(160, 50)) as pilot:
        widget.focus()
        await pilot.pause()
        await measure(pilot)


async def key(pilot: Pilot[None], name: str, presses: int = PRESSES) -> None:
    """Milliseconds from a key to the next paint."""
    app = pilot.app
    assert isinstance(app, Painted)
    taken = []
    for _ in range(presses):
        started = time.perf_counter()
        app.simulate_key(name)
        while app.painted < started and time.perf_counter() - started < 1:
            await asyncio.sleep(0)
        taken.append(1e3 * (app.painted - started))
    report(f"  key {name!r} to paint", statistics.median(taken), max(taken))


def report(what: str, *milliseconds: float) -> None:
    print(f"{what:<48}" + "".join(f"{value:>10.1f} ms" for value in milliseconds), flush=True)


def calls(trace: Trace) -> Callable[[Pilot[None]], Awaitable[None]]:
    async def measure(pilot: Pilot[None]) -> None:
        widget = pilot.app.query_one(CallsList)
        started = time.perf_counter()
        widget.trace = trace
        while widget.row_count == 0:
            await asyncio.sleep(0)
        report("  first lines", 1e3 * (time.perf_counter() - started))
        while len(widget.outline) < len(trace.calls):
            await asyncio.sleep(0.001)
        report("  every line, beside the keyboard", 1e3 * (time.perf_counter() - started))
        for name in ("j", "pagedown", "G", "pageup", "space"):
            await key(pilot, name, 1 if name == "G" else PRESSES)
        for words in ("part_11", "layers.3 linear", "no such call", ""):
            started = time.perf_counter()
            widget.filter(words)
            report(f"  filter {words!r}: {widget.row_count:,} lines", 1e3 * (time.perf_counter() - started))

    return measure


def heatmap(rows: int, columns: int) -> Callable[[Pilot[None]], Awaitable[None]]:
    async def measure(pilot: Pilot[None]) -> None:
        import torch

        from inspector.tui.widgets.slicing import Slicing
        from inspector.tui.widgets.tensor_facts import plane_of

        tensor = torch.randn(rows, 1).expand(rows, columns) + torch.randn(columns)
        widget = pilot.app.query_one(HeatMap)
        started = time.perf_counter()
        widget.plane = plane_of(tensor, Slicing.of((rows, columns)))
        while widget.picture is None:
            await asyncio.sleep(0)
        report("  the whole of it", 1e3 * (time.perf_counter() - started))
        for name in ("plus", "l", "L", "J", "v"):
            await key(pilot, name, 3 if name in ("plus", "v") else PRESSES)

    return measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000)
    count = parser.parse_args().calls
    made = big_trace(count)
    saved = json.loads(json.dumps([call.to_json() for call in made.calls]))
    lazy = Trace(made.model, calls=reading.Calls(saved))
    for name, trace in (("in memory", made), ("as opened from a file", lazy)):
        print(f"{count:,} calls, {name} (median, worst)")
        asyncio.run(on_screen(CallsList(), calls(trace)))
    for rows, columns in ((1_000_000, 16), (4096, 4096)):
        print(f"heatmap of {rows:,} × {columns:,} values (median, worst)")
        asyncio.run(on_screen(HeatMap(), heatmap(rows, columns)))


if __name__ == "__main__":
    main()
