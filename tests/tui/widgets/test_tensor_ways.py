"""From the panel of tensors: along the axes of a tensor, and to the calls that made and took it."""

from __future__ import annotations

import torch

from inspector.trace import Trace
from inspector.tui.widgets.axes_bar import AxesBar
from inspector.tui.widgets.heatmap import HeatMap
from inspector.tui.widgets.links_list import LinksList
from inspector.tui.widgets.tensor_panel import TensorPanel
from tests.building import Builder, info
from tests.traces import model_info, small_trace
from tests.tui.widgets.panel import SIZE, opened, settled, whole
from tests.tui.widgets.screens import shown, stage, text


def four_axes() -> Trace:
    built = Builder()
    call = built.add("attn", "Attention", inputs={"input.x": info(2, 3, 4, 5)}, outputs={"output": info(2, 3, 4, 5)})
    built.keep(call, "output", torch.arange(120.0).reshape(2, 3, 4, 5))
    return Trace(model_info(), calls=built.calls, values=built.values)


class TestAxes:
    async def test_any_two_axes(self) -> None:
        async with shown(TensorPanel(), SIZE) as pilot:
            panel = await opened(pilot, four_axes(), "attn")
            bar, heatmap = panel.query_one(AxesBar), panel.query_one(HeatMap)
            assert text(bar)[0].startswith("[0/2, 0/3, ↓4, →5]")
            await pilot.press("full_stop", "t")
            await settled(pilot)
            assert text(bar)[0].startswith("[0/2, 1/3, →4, ↓5]")
            heatmap.focus()
            await pilot.press("j", "l", "l")
            await settled(pilot)
            assert "[0, 1, 2, 1] = 31" in text(heatmap)
            await pilot.press("semicolon", "comma")
            assert bar.slicing.at == (1, 1)
            await pilot.press("a")
            await settled(pilot)
            assert (bar.slicing.rows, bar.slicing.columns) == (1, 3)

    async def test_the_mouse_steps(self) -> None:
        async with shown(TensorPanel(), SIZE) as pilot:
            panel = await opened(pilot, four_axes(), "attn")
            bar = panel.query_one(AxesBar)
            await pilot.click(bar, offset=(7, 0))
            assert bar.slicing.at == (0, 1)
            await pilot.click(bar, offset=(7, 0), shift=True)
            assert bar.slicing.at == (0, 0)
            await pilot.click(bar, offset=(11, 0))
            assert (bar.slicing.rows, bar.slicing.columns) == (1, 3)


class TestLinks:
    async def test_producer_and_consumers(self) -> None:
        trace = small_trace()
        async with shown(TensorPanel(), SIZE) as pilot:
            panel = await opened(pilot, trace, "language_model.layers.1", "input.hidden_states")
            lines = text(panel.query_one(LinksList))
            assert lines[0].split() == ["from", "6", "language_model.layers.0", "output"]
            assert lines[1].split()[:3] == ["to", "11", "language_model.layers.1.norm"]
            await pilot.press("p")
            jump = stage(pilot).said(TensorPanel.Jump)[-1]
            assert (jump.call, jump.port) == (6, "output")

    async def test_the_only_consumer(self) -> None:
        async with shown(TensorPanel(), SIZE) as pilot:
            await opened(pilot, small_trace(), "language_model.norm")
            await pilot.press("c")
            jump = stage(pilot).said(TensorPanel.Jump)[-1]
            assert (jump.call, jump.port) == (19, "input.input")

    async def test_several_consumers_are_chosen_from(self) -> None:
        async with shown(TensorPanel(), SIZE) as pilot:
            panel = await opened(pilot, small_trace(), "language_model.layers.0")
            await pilot.press("c")
            assert panel.query_one(LinksList).has_focus
            await pilot.press("j", "enter")
            jump = stage(pilot).said(TensorPanel.Jump)[-1]
            assert (jump.call, jump.port) == (11, "input.hidden_states")

    async def test_neither(self) -> None:
        async with shown(TensorPanel(), SIZE) as pilot:
            panel = await opened(pilot, small_trace(), "", "input.input_ids")
            assert "No module made it" in whole(panel)
            await pilot.press("p", "c")
            assert not stage(pilot).said(TensorPanel.Jump)
