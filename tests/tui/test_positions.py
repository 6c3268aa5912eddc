"""Tab 2: where the token under the cursor stands, in words and on its picture, and what turns by positions."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from textual.pilot import Pilot

import inspector
from inspector.trace import Trace
from inspector.tui.screens.tokens import TokensTab
from inspector.tui.widgets.patch_picture import PatchPicture
from inspector.tui.widgets.positions.head_bar import HeadBar
from inspector.tui.widgets.positions.picture_page import PicturePage
from inspector.tui.widgets.positions.place_page import PlacePage
from inspector.tui.widgets.positions.positions_pane import PositionsPane
from inspector.tui.widgets.tokens_pane import TokensPane
from inspector.tui.widgets.views_pane import ViewsPane
from inspector.views import BUILT_IN
from tests.fakes import tiny
from tests.placed_trace import LENGTH, placed_trace
from tests.prompts import inputs, random_model
from tests.traces import small_trace
from tests.tui.apps import Quiet, opened, settled
from tests.tui.widgets.screens import text
from tests.views.shown import run
from tests.views.test_vision_faults import broken

WIDE, SMALL = (160, 50), (80, 24)


async def tokens(pilot: Pilot[None], trace: Trace, *keys: str) -> TokensTab:
    await opened(pilot, trace)
    await press(pilot, *(["escape"] if trace.failure else []), "2", *keys)
    return pilot.app.screen.query_one(TokensTab)


async def press(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await pilot.pause()
    await settled(pilot)


def line(tab: TokensTab, name: str) -> str:
    return str(tab.query_one(name).render())


def facts(tab: TokensTab) -> list[str]:
    return line(tab, "#facts").split("\n")


def page(tab: TokensTab, name: str) -> str:
    return "\n".join(text(tab.query_one(f"#{name}")))


async def test_a_token_of_a_picture_in_words() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        tab = await tokens(pilot, placed_trace(), "l", "l", "l", "space", "l", "l")
        assert facts(tab) == [
            "token 5 “<|image_pad|>” · id 151655 · image",
            "position: t 3, h 4, w 3",
            "comes about: Row 1, column 0 of 2×2 in image 1 (bus.jpg, 640×480), which begins at 3: time 3, "
            "height 3 + 1 = 4, width 3 + 0 = 3.",
            "rope delta: -2, written in step 0",
            "patches: 8–11 of pixel_values, 4 patches",
            "pixels: 0–319 across, 240–479 down of the original; 0–27 across, 28–55 down after resizing",
            "window: 2 of the vision tower; place 2 in window order",
        ]
        assert line(tab, "#where") == "step 0, prefill · rope delta -2, written in step 0"


async def test_pointing_at_a_patch_goes_to_its_token_and_back() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        tab = await tokens(pilot, placed_trace(), "a")
        picture = tab.query_one("#place PatchPicture", PatchPicture)
        assert picture.has_focus
        await press(pilot, "down")
        assert facts(tab)[0].startswith("token 5 ")
        await press(pilot, "right")
        assert facts(tab)[0].startswith("token 6 ")
        item = tab.query_one(TokensPane).current
        assert item is not None
        assert (item.token.index, item.count) == (6, 1)
        await press(pilot, "escape", "h")
        assert facts(tab)[0].startswith("token 5 ")
        assert picture.patches is not None
        assert picture.cursor == (1, 0)
        assert list(picture.patches.marked) == [(1, 0)]
        await press(pilot, "b", "right")
        assert line(tab, "#patches #words") == (
            "Patch 9 at row 2, column 1, pixels 14–27, 28–41 after resizing. Turned by: row 2, column 1. Window 2; its "
            "token stands at 2 in window order."
        )
        await press(pilot, "right", "a")
        assert facts(tab)[0].startswith("token 6 ")


async def test_the_picture_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "bus.png"
    Image.new("RGB", (640, 480), (200, 30, 40)).save(file)
    async with Quiet().run_test(size=WIDE) as pilot:
        tab = await tokens(pilot, placed_trace(file=str(file)))
        patches = tab.query_one("#place PatchPicture", PatchPicture).patches
        assert patches is not None
        assert patches.picture[5, 5].tolist() == [200, 30, 40]
        assert patches.labels == [["3", "4"], ["5", "6"]]
        await press(pilot, "b")
        fine = tab.query_one("#patches", PicturePage).query_one(PatchPicture).patches
        assert fine is not None
        assert [row[::2] for row in fine.labels[::2]] == [["0", "1"], ["2", "3"]]  # type: ignore[index]
        assert fine.picture[5, 5].tolist() == [200, 30, 40]
        assert fine.windows == 2


async def test_the_pages_explain_and_turn() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        tab = await tokens(pilot, placed_trace(), "x")
        told = " ".join(page(tab, "told").split())
        assert "✓ positions: All 12 tokens stand where they should." in told
        assert "What follows goes on after the longer side: 3 + max(2, 2) = 5." in told
        assert tab.query_one("#told Scrolled").has_focus
        await press(pilot, "t")
        turned = page(tab, "turned")
        assert "4 pairs,  t time 1  h height 1  w width 2 " in turned
        assert "layer 0 of 3 (n, p) · head 0 of 2 (e, E)" in turned
        assert "ran without weights" in turned
        await press(pilot, "n", "e")
        assert "layer 1 of 3 (n, p) · head 1 of 2 (e, E)" in page(tab, "turned")


async def test_decoding_steps_are_listed_with_their_positions() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        tab = await tokens(pilot, placed_trace(steps=3), "end")
        assert facts(tab) == [
            "token 13 “[bold]” · id 58 · text",
            "position: t 11, h 11, w 11",
            "comes about: Index 13 plus the rope delta -2 is 11.",
            "rope delta: -2, written in step 0",
        ]
        assert line(tab, "#where").startswith("step 2 of 0–2, decoding · 1 new behind 13 cached")
        await press(pilot, "left_square_bracket")
        assert len(tab.query_one(TokensPane).tokens) == LENGTH + 1
        assert facts(tab)[0].startswith("token 12 ")
        await press(pilot, "left_square_bracket", "left_square_bracket")
        assert len(tab.query_one(TokensPane).tokens) == LENGTH


async def test_fault_types_left_out() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        tab = await tokens(pilot, placed_trace(types=False), "end")
        assert line(tab, "#worst").startswith("≠ positions: 8 of 12 tokens stand elsewhere")
        assert facts(tab)[1] == "≠ position: t 11, h 11, w 11 found, t 9, h 9, w 9 expected"
        patches = tab.query_one("#place PatchPicture", PatchPicture).patches
        assert patches is not None
        assert patches.labels == [["3", "≠"], ["≠", "≠"]]
        await press(pilot, "x")
        assert "≠ mm_token_type_ids: Not given" in page(tab, "told")


async def test_fault_a_stale_delta() -> None:
    async with Quiet().run_test(size=SMALL) as pilot:
        tab = await tokens(pilot, placed_trace(steps=2, delta=-7), "end")
        assert line(tab, "#worst").startswith("≠ positions: 1 of 1 token stand elsewhere")
        assert tab.query_one("#worst").region.height == 2
        await press(pilot, "a")
        assert "≠ rope delta: -7, written in step 0; -2 is needed" in facts(tab)


async def test_fault_sections_that_do_not_sum() -> None:
    trace = placed_trace()
    trace.config["text_config"]["rope_parameters"]["mrope_section"] = [1, 1, 1]
    try:
        async with Quiet().run_test(size=WIDE) as pilot:
            tab = await tokens(pilot, trace, "t")
            assert "≠ mrope_section: 1 + 1 + 1 = 3" in line(tab, "#worst")
            assert "≠ the sections sum to 3" in str(tab.query_one(HeadBar).render())
    finally:
        trace.config["text_config"]["rope_parameters"]["mrope_section"] = [1, 1, 2]


async def test_fault_window_order_that_was_not_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    given = inputs("qwen2_5_vl", [[2, ("image", (1, 10, 14)), 3]])
    trace = run(broken(monkeypatch, lambda merged, order: merged), given)
    async with Quiet().run_test(size=WIDE) as pilot:
        tab = await tokens(pilot, trace)
        assert line(tab, "#worst").startswith("≠ window order of images: ")


async def test_fault_a_placeholder_too_few() -> None:
    """The forward fails on it, and what it was given is there."""
    given = inputs("qwen2_5_vl", [[3, ("image", (1, 4, 6)), 4]])
    given["input_ids"][0, 3] = 9
    model = random_model("qwen2_5_vl")
    with pytest.raises(ValueError, match="do not match"), inspector.capture(model) as trace, torch.no_grad():
        model(**given)
    async with Quiet().run_test(size=WIDE) as pilot:
        tab = await tokens(pilot, trace, "x")
        told = " ".join(page(tab, "told").split())
        assert "≠ image 1: 5 placeholders in the ids, 6 tokens asked for by a grid of 1×4×6 patches. 1 too few." in told
        assert line(tab, "#worst").startswith("≠ image 1: 5 placeholders in the ids")
        grid = tab.query_one("#place", PlacePage).query_one(PicturePage).grid
        assert grid is not None
        assert grid.labels[1] == ["7", "8", "≠"]


async def test_padding_has_no_position_and_rows_are_looked_at_one_by_one() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        tab = await tokens(pilot, placed_trace(padding=[[1] * LENGTH, [0] * 4 + [1] * 8]), "full_stop")
        assert facts(tab)[1].startswith("position: This token is padding")
        await press(pilot, "end")
        assert facts(tab)[1] == "position: t 7, h 7, w 7"


async def test_where_room_is_short_one_pane_is_shown_and_escape_leads_back() -> None:
    async with Quiet().run_test(size=SMALL) as pilot:
        tab = await tokens(pilot, placed_trace())
        list_pane, places = tab.query_one("#list"), tab.query_one("#places")
        assert (list_pane.display, places.display) == (True, False)
        await press(pilot, "a")
        assert (list_pane.display, places.display) == (False, True)
        assert tab.query_one("#place PatchPicture").size.height >= 6
        await press(pilot, "escape")
        assert (list_pane.display, places.display) == (True, False)
        assert tab.query_one(TokensPane).has_focus_within


async def test_views_are_a_key_away() -> None:
    app = Quiet()
    app.library.views = dict(BUILT_IN)
    async with app.run_test(size=WIDE) as pilot:
        await tokens(pilot, placed_trace(), "V")
        pane = pilot.app.screen.query_one(ViewsPane)
        assert pane.view is not None
        assert pane.view.name == "vision"
        for key, name in (("C", "cache"), ("T", "template")):
            await press(pilot, "2", key)
            assert pane.view is not None
            assert pane.view.name == name


async def test_a_trace_without_positions_says_so() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        tab = await tokens(pilot, small_trace())
        assert facts(tab)[1].startswith("position: No positions were recorded")
        assert tab.query_one(PositionsPane).found is not None


async def test_a_saved_trace_shows_the_same(tmp_path: Path) -> None:
    trace = placed_trace(steps=2)
    async with Quiet().run_test(size=WIDE) as pilot:
        before = text(await tokens(pilot, trace))
        after = text(await tokens(pilot, Trace.open(trace.save(tmp_path / "trace"))))
    assert after == before


@pytest.mark.parametrize("size", [SMALL, WIDE])
async def test_the_keyboard_is_never_lost_on_a_trace_without_pictures(size: tuple[int, int]) -> None:
    model = tiny("qwen2")
    with inspector.capture(model) as trace, torch.no_grad():
        model(torch.arange(5)[None])
    async with Quiet().run_test(size=size) as pilot:
        tab = await tokens(pilot, trace)
        for key in "axtba":
            await press(pilot, key)
            assert pilot.app.focused is not None, key
            assert tab in pilot.app.focused.ancestors
