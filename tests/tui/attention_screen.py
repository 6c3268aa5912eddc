"""The tab of attention as its tests use it: opened on a trace, waited for, read off."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from inspector import Trace
from inspector.tui.screens.attention import AttentionTab
from inspector.tui.widgets.attention.looking import Sight
from tests.tui.apps import Quiet, opened, settled


@asynccontextmanager
async def looking(trace: Trace, size: tuple[int, int] = (160, 50)) -> AsyncIterator[tuple[Pilot[None], AttentionTab]]:
    """The tab on a trace, with everything about its first look worked out."""
    async with Quiet().run_test(size=size) as pilot:
        await opened(pilot, trace)
        await press(pilot, "4")
        yield pilot, pilot.app.screen.query_one(AttentionTab)


async def press(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


def sight(tab: AttentionTab) -> Sight:
    assert tab.sight is not None
    return tab.sight


def screen(pilot: Pilot[None]) -> str:
    """All that stands on the screen."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)
