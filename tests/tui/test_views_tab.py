"""The way from the tokens to the views, and what is copied of tabs 2, 3 and 8."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from textual.pilot import Pilot

from inspector.__main__ import main
from inspector.trace import Trace
from inspector.tui.runs import Run
from inspector.tui.screens.inspector import InspectorScreen
from inspector.tui.screens.menu import MenuScreen
from inspector.tui.widgets.parts import PartBox
from inspector.tui.widgets.tokens_pane import TokensPane
from inspector.tui.widgets.views_pane import ViewsPane
from inspector.views import BUILT_IN
from tests.attention_cases import model, pictures, recorded, text
from tests.tui.apps import Quiet, on_screen, opened, settled

SIZE = (160, 50)


def app() -> Quiet:
    found = Quiet()
    found.library.views = dict(BUILT_IN)
    return found


async def press(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


def views(pilot: Pilot[None]) -> ViewsPane:
    screen = pilot.app.screen
    assert isinstance(screen, InspectorScreen)
    return screen.query_one(ViewsPane)


def viewed(pilot: Pilot[None]) -> tuple[str, dict[str, str]]:
    pane = views(pilot)
    assert pane.view is not None
    return pane.view.name, pane.options


async def offered(pilot: Pilot[None]) -> dict[str, str]:
    await pilot.press("y")
    menu = await on_screen(pilot, MenuScreen)
    found = {choice.name: choice.text for choice in menu._choices}
    await pilot.press("escape")
    return found


def saved(tmp_path: Path, trace: Trace) -> Run:
    directory = trace.save(tmp_path / "it's.trace")
    return Run(Trace.open(directory), directory=directory)


def printed(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(shlex.split(command)[1:]) in (0, 1)
    return capsys.readouterr().out


async def test_a_token_is_taken_along_to_the_views() -> None:
    trace = recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl"), steps=3)
    async with app().run_test(size=SIZE) as pilot:
        await opened(pilot, trace)
        await press(pilot, "2")
        tokens = pilot.app.screen.query_one(TokensPane)
        place = next(token.index for token in trace.tokens[0] if token.kind == "image") + 1
        tokens.reveal(place)
        await settled(pilot)
        await press(pilot, "V")
        assert viewed(pilot) == ("vision", {"picture": "1", "step": "0", "token": str(place)})
        assert "4 patches" in " ".join(box.part.title for box in views(pilot).query(PartBox))
        await press(pilot, "2")
        tokens.reveal(0)
        await settled(pilot)
        await press(pilot, "V")
        assert viewed(pilot) == ("vision", {"picture": "1", "step": "0"})
        await press(pilot, "2", "left_square_bracket", "C")
        assert viewed(pilot) == ("cache", {"step": "1"})


async def test_the_row_is_taken_along() -> None:
    async with app().run_test(size=SIZE) as pilot:
        await opened(pilot, recorded(model("qwen2"), text(True), steps=2))
        await press(pilot, "2", "full_stop", "T")
        assert viewed(pilot) == ("template", {"row": "1"})
        await press(pilot, "2", "C")
        assert viewed(pilot) == ("cache", {"step": "1", "row": "1"})
        await press(pilot, "2", "V")
        assert viewed(pilot) == ("vision", {})


async def test_the_keys_to_the_views_are_in_the_help_and_the_palette() -> None:
    async with app().run_test(size=SIZE) as pilot:
        await opened(pilot, recorded(model("qwen2"), text(True), steps=2))
        await press(pilot, "2")
        bindings = {active.binding.key: active.binding for active in pilot.app.screen.active_bindings.values()}
        for key in "VCT":
            assert bindings[key].id
            assert bindings[key].tooltip


async def test_a_token_is_copied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = saved(tmp_path, recorded(model("qwen2"), text(True), steps=2))
    async with app().run_test(size=SIZE) as pilot:
        await opened(pilot, run.trace, directory=run.directory)
        await press(pilot, "2", "full_stop")
        pilot.app.screen.query_one(TokensPane).reveal(4)
        await settled(pilot)
        found = await offered(pilot)
    assert found["token id"] == str(run.trace.tokens[1][4].id)
    assert "text position" in found["place"] or "position" in found["place"]
    assert shlex.split(found["command"])[4:] == ["--step=0", "--row=1", "--token=4"]
    assert "Where the token stands" in printed(found["command"], capsys)
    scope: dict[str, object] = {}
    exec(found["Python"], scope)
    assert scope["parts"]


async def test_a_mask_is_copied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = saved(tmp_path, recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl"), steps=2))
    async with app().run_test(size=SIZE) as pilot:
        await opened(pilot, run.trace, directory=run.directory)
        await press(pilot, "3")
        found = await offered(pilot)
        assert found["module"] == "model.language_model.layers.0.self_attn"
        await press(pilot, "p")
        of_another = await offered(pilot)
    assert of_another["module"] != found["module"]
    assert found["query and key"]
    assert "mask: " in found["why"]
    for each in (found["command"], found["their command"], of_another["command"]):
        assert "Masks" in printed(each, capsys)
    scope: dict[str, object] = {}
    exec(of_another["Python"], scope)
    assert scope["parts"]


async def test_a_view_is_copied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = saved(tmp_path, recorded(model("qwen2"), text(True), steps=2))
    async with app().run_test(size=SIZE) as pilot:
        await opened(pilot, run.trace, directory=run.directory)
        await press(pilot, "8")
        assert views(pilot).choose("cache", {"step": "1"})
        await settled(pilot)
        found = await offered(pilot)
    assert found["row"].startswith("check: ")
    assert shlex.split(found["command"])[2:] == ["cache", str(run.directory), "--step=1"]
    assert "Layers of the cache" in printed(found["command"], capsys)
    scope: dict[str, object] = {}
    exec(found["Python"], scope)
    assert len(scope["parts"]) > 2  # type: ignore[arg-type]
