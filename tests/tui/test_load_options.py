"""How models are loaded: what the dialog takes, what it refuses, and that it reaches the library."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import Checkbox, Input, Static

from inspector.models import Options
from inspector.tui.screens.launcher import LauncherScreen
from inspector.tui.screens.load_options import LoadOptionsScreen, in_words
from tests.tui.apps import Quiet, on_screen


async def test_what_is_chosen_is_how_models_are_loaded(elsewhere: Path) -> None:
    (elsewhere / "tower").mkdir()
    app = Quiet()
    async with app.run_test(size=(80, 24)) as pilot:
        await on_screen(pilot, LauncherScreen)
        await pilot.press("f5")
        screen = await on_screen(pilot, LoadOptionsScreen)
        screen.query_one("#dtype", Input).value = "bfloat16"
        screen.query_one("#attention", Input).value = "eager"
        screen.query_one("#vision", Input).value = "tower"
        screen.query_one("#random_weights", Checkbox).value = True
        await pilot.press("enter")
        await on_screen(pilot, LauncherScreen)
    wanted = Options(dtype="bfloat16", attention="eager", vision=Path("tower"), random_weights=True)
    assert app.library.options == wanted
    assert in_words(wanted) == "dtype bfloat16 · attention eager · random weights · vision tower"


async def test_what_cannot_be_is_told_in_place_and_escape_changes_nothing() -> None:
    app = Quiet(options=Options(device="cpu"))
    async with app.run_test(size=(80, 24)) as pilot:
        await on_screen(pilot, LauncherScreen)
        await pilot.press("f5")
        screen = await on_screen(pilot, LoadOptionsScreen)
        assert screen.query_one("#device", Input).value == "cpu"
        screen.query_one("#dtype", Input).value = "int3"
        await pilot.press("enter")
        assert "no dtype 'int3'" in str(screen.query_one("#state", Static).render())
        screen.query_one("#dtype", Input).value = "auto"
        screen.query_one("#adapter", Input).value = "none"
        await pilot.press("enter")
        assert "no directory" in str(screen.query_one("#state", Static).render())
        await pilot.press("escape")
        await on_screen(pilot, LauncherScreen)
    assert app.library.options == Options(device="cpu")
