"""The panes of the tab of attention: pictures, the vision tower, folded tokens, little room, and what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import inspector
from inspector.tui.runs import Question, Run
from inspector.tui.widgets.attention.missing import Missing, asking
from inspector.tui.widgets.attention.picture_pane import PicturePane
from inspector.tui.widgets.attention.shaded import ShadedFlow
from inspector.tui.widgets.attention.top_list import TopList
from inspector.tui.widgets.patch_picture import PatchPicture
from inspector.views.attention import VIEW
from tests.attention_cases import model, pictures, recorded, text
from tests.fakes import save_tiny
from tests.traces import small_trace
from tests.tui.apps import Quiet, settled
from tests.tui.attention_screen import looking, press, screen, sight


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
            part
            for part in VIEW(tab.run.trace, layer="vision.0", picture="2", query="6")
            if "over image 2" in part.title
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
        assert "was not kept. Press r to ask again, with * or *:attention.* among the values to keep." in shown
        assert "--values" not in shown
        await press(pilot, "p")
        assert not tab.query_one(Missing).display
        assert sight(tab).probabilities is not None


async def test_shapes_alone_and_attention_of_its_own(tmp_path: Path) -> None:
    trace = inspector.load(save_tiny("qwen2", tmp_path), shape_only=True).trace("Hi")
    async with looking(trace) as (pilot, _):
        shown = " ".join(screen(pilot).split())
        assert "Press o to open a model with weights; f5 there fills an architecture with random ones." in shown
        assert "inspector view" not in shown
        assert "model.layers.1.self_attn" in screen(pilot)
    async with looking(small_trace()) as (pilot, _):
        assert "attention of its own" in screen(pilot)


async def test_how_a_run_was_asked() -> None:
    async with Quiet().run_test() as pilot:
        said = asking(pilot.app, Run(small_trace(), question=Question(values=("*.mlp",))))
        assert said.endswith("among the values to keep. This run kept *.mlp.")
        assert asking(pilot.app, Run(small_trace())).endswith("among the values to keep.")


async def test_no_colours_mark_what_gets_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with looking(recorded(model("qwen2"), text(), steps=1)) as (pilot, _):
        flow = pilot.app.screen.query_one(ShadedFlow)
        styles = [segment.style for y in range(flow.size.height) for segment in flow.render_line(y)]
        assert any(style is not None and style.reverse for style in styles)


async def test_the_title_of_the_picture_says_how_much_falls_on_it() -> None:
    async with looking(recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl"))) as (pilot, tab):
        region = sight(tab).regions[0]
        share = region.share(sight(tab).probabilities)  # type: ignore[arg-type]
        assert pilot.app.screen.query_one(PicturePane).title(40) == f"image 1 · {share:.1%} of the attention"
