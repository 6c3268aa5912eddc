"""What the tests of tab 5 do and look at alike."""

from __future__ import annotations

from textual.pilot import Pilot
from textual.widgets import Input

from inspector.tui.generate.change import ChangeScreen
from inspector.tui.generate.start import StartScreen
from inspector.tui.generate.tab import GenerateTab, StateLine
from tests.tui.apps import on_screen, settled
from tests.tui.widgets.screens import until


def tab(pilot: Pilot[None]) -> GenerateTab:
    return pilot.app.screen_stack[1].query_one(GenerateTab)


def state(pilot: Pilot[None]) -> str:
    return tab(pilot).query_one(StateLine).render().plain


def told(pilot: Pilot[None]) -> list[str]:
    return [notification.message for notification in pilot.app._notifications]


async def fill(pilot: Pilot[None], **fields: str) -> None:
    for name, value in fields.items():
        pilot.app.screen.query_one(f"#{name}", Input).value = value
    await pilot.pause()


async def changed(pilot: Pilot[None], **fields: str) -> None:
    """Have other settings from the next step on."""
    await pilot.press("e")
    await on_screen(pilot, ChangeScreen)
    await fill(pilot, **fields)
    await pilot.press("enter")
    await settled(pilot)


async def refused(pilot: Pilot[None], words: str) -> None:
    """Take what stands in the dialog, and wait until it says why that cannot be: it stays, with what was typed."""
    screen = pilot.app.screen
    await pilot.press("enter")
    await until(pilot, lambda: words in str(screen.query_one("#state").content))
    assert pilot.app.screen is screen


async def begun(pilot: Pilot[None], **fields: str) -> None:
    """Begin with what is typed into these fields."""
    await pilot.press("N")
    await on_screen(pilot, StartScreen)
    await fill(pilot, **fields)
    await pilot.press("enter")
    await settled(pilot)
