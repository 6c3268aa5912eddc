"""The panel of tensors as its tests use it: opened on a call, waited for, read off."""

from __future__ import annotations

from textual.pilot import Pilot

from inspector.trace import Trace
from inspector.tui.widgets.heatmap import HeatMap
from inspector.tui.widgets.ports_list import PortsList
from inspector.tui.widgets.tensor_panel import TensorPanel
from tests.tui.widgets.screens import text, until

SIZE = (64, 44)


async def opened(pilot: Pilot[None], trace: Trace, path: str, port: str | None = None) -> TensorPanel:
    """The panel on a call, once everything about it has been read."""
    panel = pilot.app.query_one(TensorPanel)
    if panel.trace is not trace:
        panel.trace = trace
    panel.query_one(PortsList).focus()
    panel.select(trace.call(path).index, port)
    await settled(pilot)
    return panel


async def settled(pilot: Pilot[None]) -> None:
    await pilot.pause(0.1)
    await pilot.app.workers.wait_for_complete()
    heatmap = pilot.app.query_one(HeatMap)
    await until(pilot, lambda: not heatmap._reading)


def whole(panel: TensorPanel) -> str:
    return "\n".join(text(panel))
