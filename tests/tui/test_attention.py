"""The tab of attention: keys, lists, clicks and maps lead to the look that they name; the numbers are eager's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from textual.screen import Screen

from inspector.tui.panes import Pane
from inspector.tui.screens.attention import AttentionTab
from inspector.tui.screens.menu import MenuScreen
from inspector.tui.screens.pick import PickScreen
from inspector.tui.widgets.attention.heads_bar import HeadsBar
from inspector.tui.widgets.attention.map_pane import MapPane
from inspector.tui.widgets.attention.matrix import Matrix
from inspector.tui.widgets.attention.shaded import ShadedFlow
from inspector.tui.widgets.attention.top_list import TopList
from inspector.tui.widgets.heatmap import HeatMap
from tests.attention_cases import STEPS, eager, model, pictures, recorded, text
from tests.tui.apps import Quiet, on_screen, opened, settled
from tests.tui.attention_screen import looking, press, screen, sight
from tests.tui.widgets.screens import text as lines


async def test_it_begins_with_the_last_token_in_the_last_layer() -> None:
    given = text()
    async with looking(recorded(model("qwen2"), given, steps=1)) as (pilot, tab):
        spot = sight(tab).spot
        assert (spot.layer, spot.token, spot.heads) == (1, 16, ("mean", 0))
        weights = (
            eager(model("qwen2", "eager"), given, steps=1).weights["model.layers.1.self_attn"][0][0, :, 16].mean(0)
        )
        torch.testing.assert_close(sight(tab).probabilities, weights, atol=1e-5, rtol=1e-4)
        shown = screen(pilot)
        for key in weights.topk(3).indices.tolist():
            assert f"{float(weights[key]):.3g}" in shown
        assert "mean of 4 heads" in shown


async def test_single_keys_choose_layer_head_and_query() -> None:
    async with looking(recorded(model("qwen2"), text(), steps=1)) as (pilot, tab):
        await press(pilot, "p", "e", "e")
        assert (tab.spot.layer, tab.spot.heads) == (0, ("head", 0))
        await press(pilot, "p", "e", "E", "E")
        assert (tab.spot.layer, tab.spot.heads) == (0, ("group", 0))
        await press(pilot, "a", "a", "n", "left", "h")
        assert (tab.spot.layer, tab.spot.heads, tab.spot.token) == (1, ("head", 0), 14)
        assert sight(tab).spot == tab.spot
        assert sight(tab).kernel.path == "model.layers.1.self_attn"


async def test_a_look_that_comes_late_does_not_take_the_cursor_back() -> None:
    async with looking(recorded(model("qwen2"), text(), steps=1)) as (pilot, tab):
        late, flow = sight(tab), tab.query_one(ShadedFlow)
        await press(pilot, "left")
        flow.cursor -= 1
        tab._show(late, False)
        flow.cursor -= 1
        await settled(pilot)
        assert tab.spot.token == sight(tab).spot.token == (late.spot.token or 0) - 3


async def test_steps_of_a_generation_and_tokens_that_asked_in_them() -> None:
    async with looking(recorded(model("qwen2"), text())) as (pilot, tab):
        await press(pilot, "right_square_bracket", "right_square_bracket")
        assert (tab.spot.step, tab.spot.token) == (2, 18)
        await press(pilot, "end")
        assert (tab.spot.step, tab.spot.token) == (STEPS - 1, 19)
        await press(pilot, "home")
        assert (tab.spot.step, tab.spot.token) == (0, 0)
        await press(pilot, "left_square_bracket")
        assert tab.spot.step == 0


async def test_rows_of_a_batch() -> None:
    async with looking(recorded(model("qwen2"), text(True), steps=1)) as (pilot, tab):
        await press(pilot, "full_stop")
        assert sight(tab).spot.row == 1
        await press(pilot, "full_stop", "comma")
        assert sight(tab).spot.row == 0


@pytest.mark.parametrize(
    ("key", "typed", "expected"),
    [
        ("ctrl+l", "vision.1", {"vision": True, "layer": 1}),
        ("ctrl+e", "head 1", {"heads": ("head", 1)}),
        ("ctrl+s", "step 2", {"step": 2}),
        ("ctrl+t", "image", {"token": 3}),
    ],
)
async def test_lists_choose_too(key: str, typed: str, expected: dict[str, Any]) -> None:
    async with looking(recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl"))) as (pilot, tab):
        await pilot.press(key)
        await on_screen(pilot, PickScreen)
        await pilot.press(*typed)
        await press(pilot, "enter")
        for name, value in expected.items():
            assert getattr(sight(tab).spot, name) == value


async def test_a_token_is_picked_from_a_list_with_the_arrows_and_escape_leaves_it() -> None:
    async with looking(recorded(model("qwen2"), text(), steps=1)) as (pilot, tab):
        await pilot.press("ctrl+t")
        await on_screen(pilot, PickScreen)
        await pilot.press("up", "up")
        await press(pilot, "enter")
        assert sight(tab).spot.token == 14
        await pilot.press("ctrl+t", "up", "escape")
        await settled(pilot)
        assert sight(tab).spot.token == 14


async def test_moving_in_the_map_of_entropies_chooses_layer_and_head() -> None:
    async with looking(recorded(model("qwen2"), text(), steps=1)) as (pilot, tab):
        heatmap = pilot.app.screen.query_one(MapPane).query_one(HeatMap)
        heatmap.focus()
        await press(pilot, "home", "right", "right", "down")
        assert (tab.spot.layer, tab.spot.heads) == (1, ("head", 2))
        assert sight(tab).spot == tab.spot
        await press(pilot, "p")
        assert heatmap.window.cursor == (0, 2)


async def test_the_maps_of_heads_and_of_the_whole_matrix() -> None:
    async with looking(recorded(model("qwen2"), text(), steps=1)) as (pilot, tab):
        await press(pilot, "x")
        heatmap = pilot.app.screen.query_one(MapPane).query_one(HeatMap)
        assert heatmap.plane is not None
        assert (heatmap.plane.rows, heatmap.plane.columns) == (4, 17)
        await press(pilot, "G")
        assert tab.spot.heads == ("head", 3)
        await press(pilot, "x")
        assert isinstance(heatmap.plane, Matrix)
        assert (heatmap.plane.head, heatmap.plane.rows) == (3, 17)
        assert "Head 3: queries over keys" in screen(pilot)
        await press(pilot, "k", "k", "enter")
        assert sight(tab).spot.token == 14


async def test_clicks_on_the_bars() -> None:
    async with looking(recorded(model("qwen2"), text(), steps=1)) as (pilot, tab):
        bar = pilot.app.screen.query_one(HeadsBar)
        line = lines(bar)[0]
        await pilot.click(HeadsBar, offset=(line.index(" 2 ") + 1, 0))
        await settled(pilot)
        assert tab.spot.heads == ("head", 2)
        await pilot.click(HeadsBar, offset=(line.index("│1│") + 1, 0))
        await settled(pilot)
        assert tab.spot.heads == ("group", 1)


async def test_what_can_be_copied_of_a_look(tmp_path: Path) -> None:
    trace = recorded(model("qwen2"), text(True), steps=2)
    directory = trace.save(tmp_path / "one.trace")
    async with Quiet().run_test(size=(160, 50)) as pilot:
        await opened(pilot, trace, directory=directory)
        await press(pilot, "4", "e", "p", "h")
        tab = pilot.app.screen.query_one(AttentionTab)
        found = {choice.name: choice.text for choice in tab.copies()}
        command = f"inspector view attention {directory} --layer=0 --head=group.0 --query=15 --step=0 --row=0"
        assert found["command"] == command
        scope: dict[str, Any] = {}
        exec(found["Python"], scope)
        torch.testing.assert_close(scope["heads"][:2].mean(0), sight(tab).probabilities)
        assert [float(value) for value in found["probabilities"].split()] == pytest.approx(
            sight(tab).probabilities.tolist(),  # type: ignore[union-attr]
            rel=1e-4,
        )
        await pilot.press("y")
        await on_screen(pilot, MenuScreen)


async def test_where_room_is_short_the_first_key_shows_the_map_and_the_next_turns_it() -> None:
    async with looking(recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl"), steps=1), (80, 24)) as (pilot, tab):
        pane = tab.query_one("#map", Pane)
        assert not pane.display
        await press(pilot, "x")
        assert pane.display
        assert str(pane.border_title).startswith("Entropy")
        await press(pilot, "x")
        assert not str(pane.border_title).startswith("Entropy")


async def test_a_look_that_comes_while_the_tab_is_taken_away_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """A screen that is left loses its widgets one by one."""
    async with looking(recorded(model("qwen2"), text(), steps=1)) as (pilot, tab):
        late = replace(sight(tab))

        def gone(_: TopList) -> None:
            tab._show(late, False)
            tab._fail("It cannot be told.", ())

        monkeypatch.setattr(TopList, "on_unmount", gone, raising=False)
        pilot.app.switch_screen(Screen())
        await settled(pilot)
        assert tab.sight is not late
