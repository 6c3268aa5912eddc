"""The guided tour: its stops lead where they say, their keys are the reader's own, and it can be left anywhere."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Footer

from inspector.models import sources
from inspector.tui.app import InspectorApp
from inspector.tui.generate.tab import GenerateTab
from inspector.tui.keymap import known_bindings
from inspector.tui.screens.inspector import InspectorScreen
from inspector.tui.screens.within import WithinScreen
from inspector.tui.tour import guide
from inspector.tui.tour.bar import TourBar
from inspector.tui.tour.stops import ACTION, STOPS, Stop
from tests.fakes import picture, save_tiny
from tests.tui.apps import on_screen, settled
from tests.tui.widgets.screens import until

SHORT = (
    Stop("Calls", "{list.down} moves.", ("tab.forward",)),
    Stop("Tokens", "{tab.tokens} leads here.", ("tab.tokens",)),
)
LONG = (
    *SHORT,
    Stop("Steps", "{generate.run} runs.", ("tab.generate", "flow.first"), answered=True),
    Stop("Views", "{tab.views} leads here.", ("tab.views",)),
)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guide.Guide.__init__, "__defaults__", (SHORT,))


@pytest.fixture
def demos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tiny random model in the place of the bundled one."""
    save_tiny("qwen2_5_vl", tmp_path / "qwen2.5-vl")
    picture().save(tmp_path / "picture.png")
    example = {"prompt": "What is it?", "images": ["../picture.png"]}
    (tmp_path / "qwen2.5-vl" / "example.json").write_text(json.dumps(example))
    monkeypatch.setattr(sources, "DEMOS", tmp_path)


def shown(screen: InspectorScreen) -> str:
    content = screen.query_one(TourBar).render()
    return getattr(content, "plain", str(content))


def front(screen: InspectorScreen) -> str | None:
    return screen.query_one("Pages").current  # type: ignore[attr-defined, no-any-return]


@asynccontextmanager
async def touring() -> AsyncIterator[tuple[Pilot[None], InspectorScreen]]:
    """The tour at its first stop."""
    async with InspectorApp(tour=True).run_test(size=(100, 40)) as pilot:
        screen = await on_screen(pilot, InspectorScreen)
        await settled(pilot)
        yield pilot, screen


@pytest.mark.usefixtures("demos")
async def test_the_tour_opens_the_model_and_leads_from_stop_to_stop() -> None:
    async with touring() as (pilot, screen):
        assert screen.trace.texts
        assert "What is it?" in screen.trace.texts[0]
        assert shown(screen).startswith("↓ moves.")
        await pilot.press("f3")
        await settled(pilot)
        assert front(screen) == "tokens"
        assert shown(screen).startswith("2 leads here.")
        await pilot.press("f3", "f2")
        await settled(pilot)
        assert front(screen) == "forward"
        await pilot.press("f4")
        assert not screen.query(TourBar)
        assert screen.query(Footer)
        await pilot.press("f3")
        assert front(screen) == "forward"


@pytest.mark.usefixtures("demos")
async def test_a_stop_leads_out_of_what_was_gone_into() -> None:
    async with touring() as (pilot, screen):
        within = WithinScreen(screen.run, dict, title="A step.")
        await pilot.app.push_screen(within)
        await until(pilot, lambda: within.query(TourBar))
        assert shown(within).startswith("↓ moves.")
        await pilot.press("f3")
        await settled(pilot)
        assert pilot.app.screen is screen
        assert front(screen) == "tokens"


@pytest.mark.usefixtures("demos")
@pytest.mark.parametrize("key", ["f3", "f4"])
async def test_who_hurries_on_comes_to_the_next_stop_and_who_leaves_is_left_alone(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guide.Guide.__init__, "__defaults__", (LONG,))
    async with touring() as (pilot, screen):
        await pilot.press("f3")
        pilot.app.simulate_key("f3")  # `press` would come back when the model has answered
        await until(pilot, lambda: any(tab.driver.doing for tab in screen.query(GenerateTab)))
        await pilot.press(key)
        await until(pilot, lambda: not screen.query_one(GenerateTab).driver.doing)
        await settled(pilot)
        assert front(screen) == ("views" if key == "f3" else "generate")
        assert [bar.stop.title for bar in screen.query(TourBar)] == (["Views"] if key == "f3" else [])


@pytest.mark.usefixtures("demos")
async def test_the_keys_in_the_text_are_the_readers_own() -> None:
    async with touring() as (pilot, screen):
        pilot.app.update_keymap({"list.down": "ctrl+j"})
        await pilot.press("f3")
        await settled(pilot)
        await pilot.press("f2")
        await settled(pilot)
        assert shown(screen).startswith("^j moves.")


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.title)
def test_every_action_of_a_stop_is_one_of_the_program(stop: Stop) -> None:
    named = {*stop.actions, *ACTION.findall(stop.text)}
    assert named <= set(known_bindings())
