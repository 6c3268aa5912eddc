"""Tab 1: the panes stay on one call, keys and clicks lead from call to call and from pane to pane."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from inspector.tui.bars import Breadcrumb
from inspector.tui.screens.forward import ForwardTab
from inspector.tui.widgets.module_tree import ModuleTree
from inspector.tui.widgets.tensor_panel import TensorPanel
from tests.traces import big_trace, small_trace
from tests.tui.apps import Quiet, opened, settled, text_of

WIDE, SMALL = (160, 50), (80, 24)


def forward(pilot: Pilot[None]) -> ForwardTab:
    return pilot.app.screen.query_one(ForwardTab)


async def test_moving_through_the_calls_brings_the_other_panes_along() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        await opened(pilot, small_trace())
        await pilot.press(*"jjjjjjjj")
        await settled(pilot)
        assert forward(pilot).index == 8
        assert pilot.app.screen.query_one(ModuleTree).path == "language_model.layers.0.self_attn"
        assert pilot.app.screen.query_one(TensorPanel).call == 8
        crumbs = text_of(pilot, Breadcrumb)
        assert "language_model › layers.0 › self_attn" in crumbs
        assert "attention" in crumbs


async def test_going_to_a_module_goes_to_its_first_call_and_back_returns() -> None:
    trace = small_trace()
    async with Quiet().run_test(size=WIDE) as pilot:
        await opened(pilot, trace)
        await pilot.press("shift+tab")
        assert isinstance(pilot.app.focused, ModuleTree)
        await pilot.press("G", "k")
        await settled(pilot)
        assert forward(pilot).index == trace.call("lm_head").index
        await pilot.press("tab", "[")
        await settled(pilot)
        assert forward(pilot).index != trace.call("lm_head").index
        await pilot.press("]")
        await settled(pilot)
        assert forward(pilot).index == trace.call("lm_head").index


async def test_a_module_that_is_not_called_itself_leads_to_what_is_below_it() -> None:
    trace = small_trace()
    async with Quiet().run_test(size=WIDE) as pilot:
        await opened(pilot, trace)
        await pilot.press("shift+tab")
        pilot.app.screen.query_one(ModuleTree).select("language_model.layers")
        await settled(pilot)
        assert forward(pilot).index == trace.call("language_model.layers.0").index


async def test_a_module_that_never_ran_changes_nothing() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        await opened(pilot, small_trace())
        await pilot.press("shift+tab", "G")
        before = forward(pilot).index
        assert pilot.app.screen.query_one(ModuleTree).path == "unused_head"
        await settled(pilot)
        assert forward(pilot).index == before


async def test_producer_and_consumer_work_from_the_list_of_calls() -> None:
    trace = small_trace()
    async with Quiet().run_test(size=WIDE) as pilot:
        await opened(pilot, trace)
        await pilot.app.screen.go(trace.call("language_model.layers.0.norm").index)
        await settled(pilot)
        await pilot.press("c")
        await settled(pilot)
        assert forward(pilot).index == trace.call("language_model.layers.0.self_attn").index
        assert forward(pilot).port == "input.hidden_states"
        await pilot.press("p")
        await settled(pilot)
        assert forward(pilot).index == trace.call("language_model.layers.0.norm").index


async def test_enter_goes_in_and_escape_comes_out() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        await opened(pilot, small_trace())
        assert forward(pilot).at == "calls"
        await pilot.press("enter")
        assert forward(pilot).at == "tensor"
        await pilot.press("escape")
        assert forward(pilot).at == "calls"
        await pilot.press("escape")
        assert forward(pilot).at == "modules"
        await pilot.press("escape")
        assert forward(pilot).at == "modules"


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_tab_visits_every_pane_and_shift_tab_goes_back(size: tuple[int, int]) -> None:
    async with Quiet().run_test(size=size) as pilot:
        await opened(pilot, small_trace())
        seen = []
        for _ in range(6):
            seen.append(forward(pilot).at)
            focused = pilot.app.focused
            assert focused is not None
            assert focused.is_on_screen
            await pilot.press("tab")
        assert {"modules", "calls", "tensor"} == set(seen)
        here = forward(pilot).at
        await pilot.press("tab", "shift+tab")
        assert forward(pilot).at == here


async def test_where_room_is_short_the_modules_fold_away() -> None:
    async with Quiet().run_test(size=SMALL) as pilot:
        await opened(pilot, small_trace())
        assert not pilot.app.screen.query_one("#modules").display
        assert pilot.app.screen.query_one("#tensor").display
        await pilot.press("escape")
        assert pilot.app.screen.query_one("#modules").display
        assert not pilot.app.screen.query_one("#tensor").display
        await pilot.resize_terminal(*WIDE)
        await pilot.pause()
        assert pilot.app.screen.query_one("#tensor").display


async def test_zoom_gives_the_pane_all_the_room() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        await opened(pilot, small_trace())
        await pilot.press("z")
        await pilot.pause()
        assert pilot.app.screen.query_one("#calls").size.width > 150
        await pilot.press("tab")
        await pilot.pause()
        assert pilot.app.screen.query_one("#tensor").size.width > 150
        await pilot.press("escape", "escape")
        assert not forward(pilot).zoomed


async def test_clicking_a_crumb_goes_to_that_call() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        await opened(pilot, small_trace())
        await pilot.press(*"jjjjjjjj")
        await settled(pilot)
        await pilot.click(Breadcrumb, offset=(34, 0))
        await settled(pilot)
        assert forward(pilot).index == 4


async def test_a_long_trace_can_be_walked_while_it_is_still_being_read() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        app = pilot.app
        assert isinstance(app, Quiet)
        await opened(pilot, big_trace(20_000))
        await pilot.press("G")
        await settled(pilot)
        assert forward(pilot).index == 19_999
