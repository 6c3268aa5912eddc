"""What each screen looks like: small and large, dark and light. `pytest --snapshot-update` takes new pictures.

Fed with hand-built traces; no number in them comes from a model, no time from a clock.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import torch
from textual.app import App
from textual.pilot import Pilot

from inspector.models.inputs import Request
from inspector.plugins import Plugins
from inspector.tui.app import InspectorApp
from inspector.tui.entries import Entry
from inspector.tui.jobs import Job
from inspector.tui.runs import Question
from inspector.tui.screens.ask import AskScreen
from inspector.tui.screens.launcher import LauncherScreen
from inspector.tui.screens.menu import MenuScreen
from inspector.tui.screens.message import MessageScreen
from inspector.tui.screens.progress import ProgressScreen
from inspector.tui.widgets.attention.map_pane import MapPane
from inspector.views import BUILT_IN
from tests.placed_trace import LENGTH, placed_trace
from tests.traces import failing_trace, small_trace
from tests.tui.apps import Quiet, on_screen, opened, settled
from tests.tui.attention_traces import attention_trace

Before = Callable[[Pilot[None]], Awaitable[None]]
Compare = Callable[..., bool]

ENTRIES = [
    Entry("Recent", "/home/me/models/tiny-vl", "qwen2_5_vl · 445 KiB"),
    Entry("Traces", "/home/me/models/one.trace", "trace"),
    Entry("Presets", "preset:Qwen2.5-VL-72B", "qwen2_5_vl, no weights"),
    Entry("Presets", "preset:Qwen2.5-VL-7B", "qwen2_5_vl, no weights"),
    Entry("Presets", "preset:Qwen2.5-0.5B", "qwen2, no weights"),
    Entry("Hugging Face cache", "Qwen/Qwen2.5-VL-3B-Instruct", "qwen2_5_vl · 7 GiB"),
]
FACTS = [
    ("architecture", "Qwen2_5_VLForConditionalGeneration"),
    ("decoder", "28 layers of width 3584"),
    ("attention", "28 heads, 4 for keys and values"),
    ("weights", "none: opens shape-only"),
]


async def launcher(pilot: Pilot[None]) -> None:
    screen = await on_screen(pilot, LauncherScreen)
    screen.show(ENTRIES)
    await pilot.press("down", "down", "down")
    await settled(pilot)
    screen.show_facts("preset:Qwen2.5-VL-7B", FACTS)
    await pilot.pause()


async def forward(pilot: Pilot[None]) -> None:
    await opened(pilot, small_trace())
    await pilot.app.screen.go(13)  # type: ignore[attr-defined]
    await settled(pilot)


async def zoomed_heatmap(pilot: Pilot[None]) -> None:
    await forward(pilot)
    await pilot.press("enter", "enter", "z")
    await settled(pilot)


async def modules(pilot: Pilot[None]) -> None:
    await forward(pilot)
    await pilot.press("shift+tab", "slash", *"norm")
    await settled(pilot)


async def tokens(pilot: Pilot[None]) -> None:
    await opened(pilot, small_trace())
    await pilot.press("2", "down", "down", "down")
    await settled(pilot)


async def masks(pilot: Pilot[None]) -> None:
    mask = torch.ones(1, 1, LENGTH, LENGTH, dtype=torch.bool).tril()
    mask[..., 5, :] = False
    await opened(pilot, placed_trace(mask=mask))
    await pilot.press("3", "enter", "b", "right")
    await settled(pilot)


async def positions(pilot: Pilot[None]) -> None:
    await opened(pilot, placed_trace(types=False))
    await pilot.press("2", "a", "down", "right")
    await settled(pilot)


async def attention(pilot: Pilot[None]) -> None:
    await opened(pilot, attention_trace())
    await pilot.press("4")
    await settled(pilot)
    await pilot.press("e", "e", "left", "left")
    await settled(pilot)


async def attention_matrix(pilot: Pilot[None]) -> None:
    await attention(pilot)
    while not pilot.app.screen.query_one(MapPane).title.startswith("Head"):  # where it is hidden, x shows it first
        await pilot.press("x")
        await settled(pilot)


async def attention_missing(pilot: Pilot[None]) -> None:
    await opened(pilot, small_trace())
    await pilot.press("4")
    await settled(pilot)


async def views(pilot: Pilot[None]) -> None:
    await opened(pilot, small_trace())
    await pilot.press("8")
    await settled(pilot)


async def failure(pilot: Pilot[None]) -> None:
    await opened(pilot, failing_trace())


async def ask(pilot: Pilot[None]) -> None:
    loading: Job[None] = Job("Loading", lambda job: None)
    loading.report("reading weights", 0.4)
    request = Request(("What is in the picture?",), ("bus.jpg",))
    pilot.app.push_screen(AskScreen("preset:Qwen2.5-VL-7B", Question(request), loading))
    await pilot.pause()


async def progress(pilot: Pilot[None]) -> None:
    job: Job[None] = Job("Running preset:Qwen2.5-VL-7B", lambda job: None)
    job.report("forward", 0.6)
    job.count(412)
    pilot.app.push_screen(ProgressScreen(job))
    await pilot.pause()


async def message(pilot: Pilot[None]) -> None:
    await opened(pilot, small_trace(values=False))
    text = "There is no preset 'Qwen2.5-VL-7X'. Did you mean preset:Qwen2.5-VL-7B?"
    pilot.app.push_screen(MessageScreen("preset:Qwen2.5-VL-7X could not be opened", text, "Traceback: …"))
    await pilot.pause()


async def copy(pilot: Pilot[None]) -> None:
    await forward(pilot)
    await pilot.press("y")
    await on_screen(pilot, MenuScreen)


async def help_screen(pilot: Pilot[None]) -> None:
    await forward(pilot)
    await pilot.press("question_mark")
    await settled(pilot)


async def palette(pilot: Pilot[None]) -> None:
    await forward(pilot)
    await pilot.press("ctrl+p", *"save")
    await settled(pilot)
    pilot.app.screen.query_one("CommandInput").cursor_blink = False  # type: ignore[attr-defined]
    await pilot.pause()


SCREENS: list[Before] = [
    launcher,
    forward,
    zoomed_heatmap,
    modules,
    tokens,
    masks,
    attention,
    attention_matrix,
    attention_missing,
    positions,
    views,
    failure,
    ask,
    progress,
    message,
    copy,
    help_screen,
    palette,
]


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", [(80, 24), (160, 50)], ids=["80x24", "160x50"])
@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.__name__)
def test_screen(snap_compare: Compare, screen: Before, size: tuple[int, int], theme: str) -> None:
    app = Quiet()
    app.library.plugins = Plugins()
    app.library.views = {name: BUILT_IN[name] for name in ("modules", "calls", "tokens", "tensor", "memory")}
    app.theme = f"inspector-{theme}"
    assert snap_compare(app, terminal_size=size, run_before=steady(screen))


def steady(screen: Before) -> Before:
    """The steps to a screen, without the cursors that blink."""

    async def before(pilot: Pilot[None]) -> None:
        app: App[Any] = pilot.app
        assert isinstance(app, InspectorApp)
        app.animation_level = "none"
        await screen(pilot)
        for field in app.screen.query("Input"):
            field.cursor_blink = False  # type: ignore[attr-defined]
        await pilot.pause()

    return before
