"""The program as the tests run it: the real one, opened on a hand-built trace, and waited for."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot
from textual.screen import Screen

from inspector.trace import Trace
from inspector.tui.app import InspectorApp
from inspector.tui.bars import Breadcrumb, HeaderLine, NoticeLine, TabLine
from inspector.tui.messages import Painted
from inspector.tui.runs import Run

ALL = 3000
"""Looks at the screen before a test gives up waiting, 20 ms each."""


STEADY = 3
"""Looks in a row at which a screen must take keys."""


class Quiet(InspectorApp):
    """The program without its first steps: tests put in front what they are about."""

    def on_painted(self, event: Painted) -> None:
        """Neither lists models nor opens anything."""
        event.prevent_default()


async def opened(pilot: Pilot[None], trace: Trace, **origin: Any) -> None:
    """Show a trace, and wait until everything about it is on the screen."""
    app = pilot.app
    assert isinstance(app, InspectorApp)
    app.show(Run(trace, **origin))
    await settled(pilot)


async def settled(pilot: Pilot[None]) -> None:
    """Wait until nothing is under way any more."""
    await pilot.pause(0.1)
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


async def on_screen(pilot: Pilot[None], kind: type[Screen[Any]]) -> Any:
    """The screen in front, once it is of a kind and takes keys. Fails when that does not come about."""
    seen = 0
    for _ in range(ALL):
        screen = pilot.app.screen
        ready = isinstance(screen, kind) and screen.is_mounted and (screen.focused or not screen.focus_chain)
        seen = seen + 1 if ready else 0
        if seen == STEADY:  # a screen whose widgets are not there yet has no focus to wait for either
            return screen
        await pilot.pause(0.02)
    raise AssertionError(f"{type(pilot.app.screen).__name__} is in front, {kind.__name__} was expected")


def text_of(pilot: Pilot[None], kind: type[HeaderLine | NoticeLine | TabLine | Breadcrumb]) -> str:
    """What a bar of the screen in front says."""
    return pilot.app.screen.query_one(kind).render().plain
