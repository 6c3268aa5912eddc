"""Tab 2: from picture to picture, from a patch to its token, and pictures that have no grid."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from textual.widgets import Footer, Static

import inspector
from inspector.trace import Trace
from inspector.tui.runs import Run
from inspector.tui.screens.inspector import InspectorScreen
from inspector.tui.screens.within import WithinScreen
from inspector.tui.widgets.patch_picture import PatchPicture
from inspector.tui.widgets.positions.picture_page import PicturePage
from inspector.tui.widgets.tokens_pane import TokensPane
from inspector.views import BUILT_IN
from tests.fakes import tiny, tiny_inputs
from tests.placed_trace import LENGTH, placed_trace
from tests.prompts import inputs, random_model
from tests.tui.apps import Quiet, on_screen
from tests.tui.test_positions import SMALL, WIDE, facts, line, press, tokens
from tests.views.test_position_faults import mispair


def traced(model: Any, given: dict[str, Any]) -> Trace:
    with inspector.capture(model, values="*") as trace, torch.no_grad():
        model(**given)
    return trace


async def test_the_token_follows_from_picture_to_picture() -> None:
    given = inputs("qwen2_5_vl", [[2, ("image", (1, 4, 4)), 3, ("image", (1, 4, 8)), 2]])
    async with Quiet().run_test(size=WIDE) as pilot:
        tab = await tokens(pilot, traced(random_model("qwen2_5_vl"), given), "a", "right_parenthesis")
        assert facts(tab)[0].startswith("token 9 ")
        assert line(tab, "#place #title").startswith("2 of 2 · image 2")
        item = tab.query_one(TokensPane).current
        assert item is not None
        assert (item.token.index, item.count) == (9, 1)
        await press(pilot, "right", "right_parenthesis")
        assert facts(tab)[0].startswith("token 10 ")
        assert [note.message for note in pilot.app._notifications] == ["There is no picture after this one."]
        await press(pilot, "b", "left_parenthesis")
        assert line(tab, "#patches #title").startswith("1 of 2 · image 1")
        await press(pilot, "a")
        assert facts(tab)[0].startswith("token 2 ")


@pytest.mark.parametrize("size", [SMALL, WIDE])
@pytest.mark.parametrize("page", ["a", "b"])
async def test_enter_goes_from_a_patch_to_its_token(size: tuple[int, int], page: str) -> None:
    async with Quiet().run_test(size=size) as pilot:
        tab = await tokens(pilot, placed_trace(), page, "end", "enter")
        pane = tab.query_one(TokensPane)
        assert pane.has_focus_within
        assert pane.current is not None
        assert (pane.current.token.index, pane.current.count) == (6, 1)


async def test_enter_on_a_patch_that_no_key_led_to_takes_it() -> None:
    async with Quiet().run_test(size=SMALL) as pilot:
        tab = await tokens(pilot, placed_trace(), "end", "a", "enter")
        current = tab.query_one(TokensPane).current
        assert current is not None
        assert current.token.index == 3


async def test_behind_the_last_layer_and_step_it_is_said_that_there_is_none() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        await tokens(pilot, placed_trace(steps=2), "t", "p")
        assert [note.message for note in pilot.app._notifications] == ["There is no layer before this one."]
        await press(pilot, "n", "right_square_bracket")
        assert [note.message for note in pilot.app._notifications] == ["There is no step after this one."]


async def test_a_picture_without_a_grid_is_a_square_of_tokens() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        tab = await tokens(pilot, traced(tiny("llava"), tiny_inputs("llava")), "a", "right", "down")
        page = tab.query_one("#place PicturePage", PicturePage)
        patches = page.query_one(PatchPicture).patches
        assert patches is not None
        assert patches.labels is not None
        side, first = len(patches.labels), int(patches.labels[0][0])
        assert side > 1
        assert line(tab, "#place #title").endswith(f"{side}×{side} tokens; the class token is left out")
        assert facts(tab)[0].startswith(f"token {first + side + 1} ")
        assert facts(tab)[-1].startswith(f"in its picture: Row 1, column 1 of {side}×{side} in image 1")
        await press(pilot, "b")
        assert line(tab, "#patches #words").startswith(f"Patch {side + 1} at row 1, column 1, pixels ")
        assert line(tab, "#patches #words").endswith(f"It became token {first + side + 1}.")


async def test_a_wrong_rotary_pairing_is_marked_at_once_and_on_its_page(monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_model("qwen2")
    mispair(monkeypatch, model)
    async with Quiet().run_test(size=SMALL) as pilot:
        tab = await tokens(pilot, traced(model, {"input_ids": torch.arange(1, 9)[None]}))
        assert line(tab, "#worst").startswith("≠ rotation: layer 0: Dimension 2i turns with 2i + 1")
        await press(pilot, "end", "t")
        shown = "\n".join(str(part.render()) for part in tab.query("#turned Static").results(Static))
        assert "≠ rotation of the query: Dimension 2i turns with 2i + 1" in " ".join(shown.split())


@pytest.mark.parametrize("tab", "238")
async def test_escape_leaves_a_trace_that_was_gone_into_from_every_tab(tab: str) -> None:
    app = Quiet()
    app.library.views = dict(BUILT_IN)
    async with app.run_test(size=SMALL) as pilot:
        await tokens(pilot, placed_trace())
        before = pilot.app.screen
        await pilot.app.push_screen(WithinScreen(Run(placed_trace()), lambda: BUILT_IN, title="A step."))
        await on_screen(pilot, WithinScreen)
        await press(pilot, tab, "escape")
        assert (await on_screen(pilot, InspectorScreen)) is before


async def test_keys_that_have_no_room_do_not_show_beside_the_palette() -> None:
    async with Quiet().run_test(size=(60, 24)) as pilot:
        await tokens(pilot, placed_trace(steps=3, padding=[[1] * LENGTH, [0] * 4 + [1] * 8]))
        last = pilot.app.screen._compositor.render_strips()[-1].text
        assert last.rstrip().endswith("palette")
        footer = pilot.app.screen.query_one(Footer)
        assert footer.virtual_size.width > footer.size.width


async def test_folding_is_offered_where_there_is_something_to_fold() -> None:
    async with Quiet().run_test(size=SMALL) as pilot:
        await tokens(pilot, placed_trace())
        offered = [name in pilot.app.screen.active_bindings for name in ("space", "a")]
        assert offered == [False, True]
        await press(pilot, "l", "l", "l")
        assert "space" in pilot.app.screen.active_bindings
        await press(pilot, "space", "l")
        assert "space" in pilot.app.screen.active_bindings
