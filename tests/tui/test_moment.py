"""The step and the row that are chosen on one tab are those of every tab."""

from __future__ import annotations

from textual.widgets import Static

from inspector.tui.moment import Moment
from inspector.tui.screens.attention import AttentionTab
from inspector.tui.screens.forward import ForwardTab
from inspector.tui.screens.inspector import InspectorScreen
from inspector.tui.screens.masks import MasksTab
from inspector.tui.screens.tokens import TokensTab
from inspector.tui.widgets.views_pane import ViewsPane
from inspector.views import BUILT_IN
from tests.attention_cases import model, pictures, recorded, text
from tests.tui.apps import Quiet, opened, settled


def test_a_step_that_a_tab_does_not_have_is_the_one_before_it() -> None:
    assert Moment().among([0, 2, 4], 4) == 4
    assert Moment(3).among([0, 2, 4], 4) == 2
    assert Moment(0).among([1, 2], 2) == 1
    assert Moment(3).among([], 0) == 0


async def test_a_step_and_a_row_are_chosen_for_every_tab() -> None:
    app = Quiet()
    app.library.views = dict(BUILT_IN)
    async with app.run_test(size=(160, 50)) as pilot:
        await opened(pilot, recorded(model("qwen2"), text(True), steps=3))

        async def press(*keys: str) -> None:
            for key in keys:
                await pilot.press(key)
                await settled(pilot)

        def words(kind: type[MasksTab | TokensTab]) -> str:
            return str(pilot.app.screen.query_one(kind).query_one("#where").render())

        def attention() -> tuple[int, int]:
            found = pilot.app.screen.query_one(AttentionTab).sight
            assert found is not None
            return found.spot.step, found.spot.row

        def forward() -> tuple[str, int]:
            tab = pilot.app.screen.query_one(ForwardTab)
            assert tab.index is not None
            return tab.trace.calls[tab.index].path, tab.trace.calls[tab.index].step

        await press("2")
        assert words(TokensTab).startswith("step 2 of 0–2")
        await press("3")
        assert words(MasksTab).startswith("step 0 of 0–2, prefill · row 0 of 0–1")
        await press("right_square_bracket", "full_stop", "2")
        assert words(TokensTab).startswith("step 1 of 0–2, decoding")
        assert "row 1 of 0–1" in str(pilot.app.screen.query_one("TokensPane #row", Static).render())
        await press("4")
        assert attention() == (1, 1)
        await press("right_square_bracket", "comma", "3")
        assert words(MasksTab).startswith("step 2 of 0–2, decoding · row 0 of 0–1")
        await press("1")
        assert forward() == ("", 2)
        await press("alt+left", "2")
        assert words(TokensTab).startswith("step 0 of 0–2, prefill")
        await press("left_square_bracket", "right_square_bracket", "1")
        assert forward()[1] == 1
        await press("8")
        screen = pilot.app.screen
        assert isinstance(screen, InspectorScreen)
        assert screen.query_one(ViewsPane).defaults["step"] == "1"


async def test_a_tower_leaves_the_step_that_was_chosen() -> None:
    async with Quiet().run_test(size=(160, 50)) as pilot:
        await opened(pilot, recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl"), steps=3))
        for key in ("3", "right_square_bracket", "4", "t", "t"):
            await pilot.press(key)
            await settled(pilot)
        tab = pilot.app.screen.query_one(AttentionTab)
        assert tab.sight is not None
        assert (tab.sight.spot.vision, tab.sight.spot.step) == (False, 1)
