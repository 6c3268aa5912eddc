"""The vision tower in the tab of attention: its runs, its patches by their pictures' numbers, its class token."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from textual.pilot import Pilot

import inspector
from inspector import Trace
from inspector.tui.screens.pick import PickScreen
from inspector.tui.widgets.attention.heading import Heading
from inspector.tui.widgets.attention.map_pane import MapPane
from inspector.tui.widgets.attention.top_list import TopList
from inspector.tui.widgets.heatmap import HeatMap
from inspector.tui.widgets.patch_drawing import Place
from inspector.tui.widgets.patch_picture import PatchPicture
from inspector.views.attention import VIEW
from tests.attention_cases import KEPT, model, pictures, recorded
from tests.fakes import tiny_inputs
from tests.prompts import Part, inputs, random_model
from tests.tui.apps import on_screen, settled
from tests.tui.attention_screen import looking, press, screen, sight
from tests.tui.widgets.screens import text as lines

BOTH: list[Part] = [2, ("image", (1, 4, 8)), 1, ("image", (1, 4, 4)), 3, ("video", (2, 4, 8)), 2]


@cache
def both() -> Trace:
    """Two pictures and a video of two temporal patches in one prompt: the tower runs twice."""
    subject = random_model("qwen2_5_vl")
    with inspector.capture(subject, values=KEPT) as trace, torch.no_grad():
        subject(**inputs("qwen2_5_vl", [BOTH]))
    return trace


def marked(pilot: Pilot[None]) -> list[Place]:
    """The patches with a frame."""
    patches = pilot.app.screen.query_one(PatchPicture).patches
    return [] if patches is None else list(patches.marked)


async def test_a_tower_that_ran_twice_has_the_same_layers_in_each_run() -> None:
    async with looking(both()) as (pilot, tab):
        await press(pilot, "t")
        assert (sight(tab).spot.run, sight(tab).spot.layer, len(sight(tab).kernels)) == (0, 1, 2)
        assert "layer vision.1 of 0–1   mean of 2 heads   image 1   patch 24: row 2 col 4" in screen(pilot)
        await pilot.press("ctrl+l")
        picks = await on_screen(pilot, PickScreen)
        shown = "\n".join(lines(picks.query_one("PickList")))
        assert [line.split()[:3] for line in shown.splitlines()[2:6]] == [
            ["vision.0", "images", "1–2"],
            ["vision.1", "images", "1–2"],
            ["vision.0", "video", "1"],
            ["vision.1", "video", "1"],
        ]
        await pilot.press(*"vision.0 video")
        await press(pilot, "enter")
        assert (sight(tab).spot.run, sight(tab).spot.layer, sight(tab).kernel.queries) == (1, 0, 64)
        assert "layer vision.0 of 0–1   mean of 2 heads   video 1 frames 1–2" in screen(pilot)
        await press(pilot, "n", "n")
        assert (sight(tab).spot.run, sight(tab).spot.layer) == (1, 1)


async def test_the_keys_of_pictures_go_from_one_run_to_the_next() -> None:
    async with looking(both()) as (pilot, tab):
        await press(pilot, "t")
        seen = [sight(tab).regions[sight(tab).spot.picture].name]
        for _ in range(4):
            await press(pilot, "right_parenthesis")
            region = sight(tab).regions[sight(tab).spot.picture]
            seen.append(region.name)
            assert marked(pilot) == [(region.rows // 2, region.columns // 2)]
        assert seen == ["image 1", "image 2", "video 1 frames 1–2", "video 1 frames 3–4", "image 1"]
        await press(pilot, "left_parenthesis")
        assert sight(tab).regions[sight(tab).spot.picture].name == "video 1 frames 3–4"


async def test_the_tower_is_entered_at_the_picture_that_is_shown() -> None:
    async with looking(both()) as (pilot, tab):
        await press(pilot, *["right_parenthesis"] * 3, "t")
        assert sight(tab).runs[sight(tab).spot.run].name == "video 1"
        assert sight(tab).regions[sight(tab).spot.picture].name == "video 1 frames 3–4"
        await press(pilot, "t")
        assert "4 of 4 · video 1 frames 3–4" in screen(pilot)


async def test_a_picture_is_chosen_from_a_list() -> None:
    async with looking(both()) as (pilot, tab):
        await press(pilot, "t")
        tab.action_choose("picture")
        await on_screen(pilot, PickScreen)
        await pilot.press(*"video")
        await press(pilot, "enter")
        assert sight(tab).runs[sight(tab).spot.run].name == "video 1"
        tab.action_choose("picture")
        await on_screen(pilot, PickScreen)
        await pilot.press(*"frames 3")
        await press(pilot, "enter")
        assert sight(tab).regions[sight(tab).spot.picture].name == "video 1 frames 3–4"


async def test_a_look_at_a_run_is_copied_with_its_picture() -> None:
    async with looking(both()) as (pilot, tab):
        await press(pilot, "t", "right_parenthesis", "right_parenthesis")
        found = {choice.name: choice.text for choice in tab.copies()}
        assert "--layer=vision.1 --head=mean --query=24 --step=0 --picture=video.1" in found["command"]
        assert "choose(trace, 'vision.1', 0, 'video.1')" in found["Python"]
        heat = next(
            part
            for part in VIEW(both(), layer="vision.1", query="24", picture="video.1")
            if part.title.startswith("Attention over video 1, frames 1–2")
        )
        region = sight(tab).regions[0]
        own = torch.tensor(region.map(sight(tab).probabilities))  # type: ignore[arg-type]
        torch.testing.assert_close(own, torch.tensor(heat.values))  # type: ignore[union-attr]


async def test_a_patch_has_one_number_everywhere() -> None:
    """The picture's own, in the order of `pixel_values`, and not that of the windows."""
    async with looking(recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl", "three"))) as (pilot, tab):
        await press(pilot, "t", "p")
        tab.go(patch=24 + 8)
        await settled(pilot)
        patches = sight(tab).patches
        assert patches is not None
        assert patches.name(sight(tab).query) == "image 2, row 0, column 4"
        assert sight(tab).query != 24 + 8
        for widget in (Heading, "#picture"):
            shown = "\n".join(lines(pilot.app.screen.query_one(widget)))  # type: ignore[call-overload]
            assert "patch 8" in shown
        first = sight(tab).top[0].key
        top = lines(pilot.app.screen.query_one(TopList))[1].split()
        assert top[2] == str(patches.number(first))
        found = patches.at(first)
        assert found is not None
        assert " ".join(top[3:9]) == f"image 2 row {found[1]} col {found[2]}"
        await press(pilot, "x", "x")
        heatmap = pilot.app.screen.query_one(MapPane).query_one(HeatMap)
        assert heatmap.plane is not None
        assert heatmap.plane.where(sight(tab).query, first) == f"row 0 col 4 → row {found[1]} col {found[2]}"
        assert "in window order" in screen(pilot)


async def test_a_class_token_is_no_patch_but_can_look() -> None:
    async with looking(recorded(model("llava"), tiny_inputs("llava"), values=KEPT)) as (pilot, tab):
        await press(pilot, "t")
        shown = screen(pilot)
        assert "patch 3: row 1 col 1" in shown
        assert "4 patches and a class token" in shown
        await pilot.press("ctrl+t")
        await on_screen(pilot, PickScreen)
        await pilot.press(*"class")
        await press(pilot, "enter")
        assert sight(tab).query == 0
        assert "class token" in lines(pilot.app.screen.query_one(Heading))[0]
        assert "--query=class" in {choice.name: choice.text for choice in tab.copies()}["command"]


@pytest.mark.parametrize("name", ["qwen2_5_vl", "llava"])
async def test_the_tower_begins_in_the_middle_of_its_picture(name: str) -> None:
    given = pictures(name, "three") if name == "qwen2_5_vl" else tiny_inputs(name)
    async with looking(recorded(model(name), given, values=KEPT)) as (pilot, tab):
        await press(pilot, "t")
        region, picture = sight(tab).regions[0], pilot.app.screen.query_one(PatchPicture)
        middle = (region.rows // 2, region.columns // 2)
        assert marked(pilot) == [middle]
        assert picture.cursor == middle
