"""The tab of attention: keys, lists, clicks and maps lead to the look that they name; the numbers are eager's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from textual.pilot import Pilot

import inspector
from inspector import Trace
from inspector.tui.runs import Question, Run
from inspector.tui.screens.attention import AttentionTab, how_asked
from inspector.tui.screens.menu import MenuScreen
from inspector.tui.screens.pick import PickScreen
from inspector.tui.widgets.attention.heads_bar import HeadsBar
from inspector.tui.widgets.attention.looking import Sight
from inspector.tui.widgets.attention.map_pane import MapPane
from inspector.tui.widgets.attention.matrix import Matrix
from inspector.tui.widgets.attention.missing import Missing
from inspector.tui.widgets.attention.picture_pane import PicturePane
from inspector.tui.widgets.attention.shaded import ShadedFlow
from inspector.tui.widgets.attention.top_list import TopList
from inspector.tui.widgets.heatmap import HeatMap
from inspector.tui.widgets.patch_picture import PatchPicture
from inspector.views.attention import VIEW
from tests.attention_cases import STEPS, eager, model, pictures, recorded, text
from tests.fakes import save_tiny
from tests.traces import small_trace
from tests.tui.apps import Quiet, on_screen, opened, settled
from tests.tui.widgets.screens import text as lines


@asynccontextmanager
async def looking(trace: Trace, size: tuple[int, int] = (160, 50)) -> AsyncIterator[tuple[Pilot[None], AttentionTab]]:
    """The tab on a trace, with everything about its first look worked out."""
    async with Quiet().run_test(size=size) as pilot:
        await opened(pilot, trace)
        await press(pilot, "4")
        yield pilot, pilot.app.screen.query_one(AttentionTab)


async def press(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


def sight(tab: AttentionTab) -> Sight:
    assert tab.sight is not None
    return tab.sight


def screen(pilot: Pilot[None]) -> str:
    """All that stands on the screen."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


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


async def test_the_token_at_a_place_of_the_picture_becomes_the_query() -> None:
    async with looking(recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl", "three"))) as (pilot, tab):
        assert "image 1" in screen(pilot)
        await press(pilot, "right_parenthesis")
        picture = pilot.app.screen.query_one(PatchPicture)
        assert picture.patches is not None
        assert (picture.patches.rows, picture.patches.columns) == (5, 4)
        picture.focus()
        await press(pilot, "home", "down", "right", "enter")
        region = sight(tab).regions[1]
        assert sight(tab).spot.token == region.keys[5]
        assert picture.patches.marked == [(1, 1)]


async def test_the_vision_tower_on_its_picture() -> None:
    async with looking(recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl", "three"))) as (pilot, tab):
        await press(pilot, "t", "p")
        assert sight(tab).spot.vision
        picture = pilot.app.screen.query_one(PatchPicture)
        assert pilot.app.screen.focused is picture or picture in pilot.app.screen.query("*")
        tab.go(patch=30)
        await settled(pilot)
        assert picture.patches is not None
        assert picture.patches.marked == [(1, 2)]
        expected = next(
            part for part in VIEW(tab.run.trace, layer="vision.0", query="30") if "over image 2" in part.title
        )
        heat = torch.tensor(picture.patches.heat)
        torch.testing.assert_close(heat, torch.tensor(expected.values))  # type: ignore[union-attr]
        await press(pilot, "t")
        assert not sight(tab).spot.vision


async def test_opening_a_key_of_the_list_makes_it_the_query() -> None:
    async with looking(recorded(model("qwen2"), text(), steps=1)) as (pilot, tab):
        top = pilot.app.screen.query_one(TopList)
        top.focus()
        await press(pilot, "down")
        key = sight(tab).top[1].key
        await press(pilot, "enter")
        assert sight(tab).spot.token == key


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


async def test_placeholders_unfold_and_a_filter_leaves_the_others_faint() -> None:
    async with looking(recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl"))) as (pilot, tab):
        flow = pilot.app.screen.query_one(ShadedFlow)
        count = flow.count
        await press(pilot, "home", "right", "right", "right", "space")
        assert flow.count == count + 14
        await press(pilot, "right", "right")
        assert sight(tab).spot.token == 5
        await press(pilot, "slash", *"image")
        assert flow._quiet


async def test_one_pane_on_each_side_where_room_is_short() -> None:
    async with looking(recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl")), (80, 24)) as (pilot, _):

        def displayed() -> list[str | None]:
            return [pane.id for pane in pilot.app.screen.query("Columns Pane") if pane.is_on_screen and pane.display]

        assert displayed() == ["tokens", "picture"]
        await press(pilot, "tab")
        assert displayed() == ["top", "picture"]
        await press(pilot, "tab", "tab")
        assert displayed() == ["top", "map"]
        await press(pilot, "z")
        assert displayed() == ["map"]
        await press(pilot, "escape", "escape")
        assert displayed() == ["tokens", "map"]


async def test_without_pictures_there_is_no_pane_for_them() -> None:
    async with looking(recorded(model("qwen2"), text(), steps=1)) as (pilot, _):
        assert not pilot.app.screen.query_one("#picture").display
        assert pilot.app.screen.query_one("#map").display


async def test_values_that_were_not_kept_are_told_with_what_to_do() -> None:
    trace = recorded(model("qwen2"), text(), values=VIEW.needs(layer="0") if VIEW.needs else ())
    async with looking(trace) as (pilot, tab):
        shown = " ".join(screen(pilot).split())
        assert "was not kept" in shown
        assert "--values '*:attention.query'" in shown
        await press(pilot, "p")
        assert not tab.query_one(Missing).display
        assert sight(tab).probabilities is not None


async def test_shapes_alone_and_attention_of_its_own(tmp_path: Path) -> None:
    trace = inspector.load(save_tiny("qwen2", tmp_path), shape_only=True).trace("Hi")
    async with looking(trace) as (pilot, _):
        assert "--random-weights" in screen(pilot)
        assert "model.layers.1.self_attn" in screen(pilot)
    async with looking(small_trace()) as (pilot, _):
        assert "attention of its own" in screen(pilot)


def test_how_a_run_was_asked() -> None:
    asked = how_asked(Run(small_trace(), question=Question(values=("*.mlp",))))
    assert asked == " This run was asked with --values '*.mlp'. Press r to run it again."
    assert how_asked(Run(small_trace())) == ""


async def test_no_colours_mark_what_gets_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with looking(recorded(model("qwen2"), text(), steps=1)) as (pilot, _):
        flow = pilot.app.screen.query_one(ShadedFlow)
        styles = [segment.style for y in range(flow.size.height) for segment in flow.render_line(y)]
        assert any(style is not None and style.reverse for style in styles)


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


async def test_the_title_of_the_picture_says_how_much_falls_on_it() -> None:
    async with looking(recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl"))) as (pilot, tab):
        region = sight(tab).regions[0]
        share = region.share(sight(tab).probabilities)  # type: ignore[arg-type]
        assert pilot.app.screen.query_one(PicturePane).title == f"image 1 · {share:.1%} of the attention"
