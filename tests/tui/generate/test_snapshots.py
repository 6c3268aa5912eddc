"""What tab 5 and its dialogs look like, on hand-built records: small and large, dark and light."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from inspector.plugins import Plugins
from inspector.tui.generate.change import FROM_HERE, ChangeScreen
from inspector.tui.generate.force import ForceScreen
from inspector.tui.generate.start import StartScreen
from inspector.tui.generate.tab import GenerateTab
from inspector.tui.generate.until import UntilScreen
from inspector.tui.runs import Question
from tests.traces import small_trace
from tests.tui.apps import Quiet, opened, settled
from tests.tui.test_snapshots import Before, Compare, steady
from tests.tui.widgets.generation.records import record


async def generation(pilot: Pilot[None]) -> None:
    trace = small_trace()
    trace.generation = record()
    await opened(pilot, trace)
    await pilot.press("5", "b", "b")
    await settled(pilot)


async def nothing_yet(pilot: Pilot[None]) -> None:
    await opened(pilot, small_trace(), question=Question())
    await pilot.press("5")
    await settled(pilot)


async def facts(pilot: Pilot[None]) -> None:
    await generation(pilot)
    await pilot.press("tab", "tab", "tab")
    await settled(pilot)


async def start(pilot: Pilot[None]) -> None:
    await nothing_yet(pilot)
    known = {"temperature": 0.7, "do_sample": True, "repetition_penalty": 1.05}
    pilot.app.push_screen(StartScreen("Asked: “What is it?”, a picture.", known, ["favour"]))
    await pilot.pause()


async def change(pilot: Pilot[None]) -> None:
    await generation(pilot)
    known = {"temperature": 0.7, "do_sample": True, "top_k": 20}
    processors = ("repetition_penalty", "temperature", "top_k")
    pilot.app.push_screen(ChangeScreen("Settings", "From step 5 on.", FROM_HERE, known, processors, ["top_p"]))
    await pilot.pause()


async def force(pilot: Pilot[None]) -> None:
    await generation(pilot)
    taken = pilot.app.screen.query_one(GenerateTab).view.taken
    assert taken is not None
    pilot.app.push_screen(ForceScreen(taken.processors[-1].top, "' dog' at step 4", int))
    await pilot.pause()


async def until(pilot: Pilot[None]) -> None:
    await generation(pilot)
    pilot.app.push_screen(UntilScreen("", ["max_length", "eos_token"]))
    await pilot.pause()


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", [(80, 24), (160, 50)], ids=["80x24", "160x50"])
@pytest.mark.parametrize(
    "screen", [generation, nothing_yet, facts, start, change, force, until], ids=lambda screen: screen.__name__
)
def test_screen(snap_compare: Compare, screen: Before, size: tuple[int, int], theme: str) -> None:
    app = Quiet()
    app.library.plugins = Plugins()
    app.library.views = {}
    app.theme = f"inspector-{theme}"
    assert snap_compare(app, terminal_size=size, run_before=steady(screen))
