"""A widget on a screen of its own, for the tests: what it draws as text, and what it says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.widget import Widget

from inspector.tui.theme import DARK, THEMES

M = TypeVar("M", bound=Message)

PATIENCE = 10.0
"""Seconds after which what was awaited is taken not to come."""


class Stage(App[None]):
    """Shows one widget, and keeps what it posts."""

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget = widget
        self.heard: list[Message] = []

    def compose(self) -> ComposeResult:
        yield self.widget

    def on_mount(self) -> None:
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DARK.name

    def said(self, kind: type[M]) -> list[M]:
        """The messages of a kind so far, each once."""
        return [message for message in {id(heard): heard for heard in self.heard}.values() if isinstance(message, kind)]


@asynccontextmanager
async def shown(widget: Widget, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Pilot[None]]:
    app = Stage(widget)
    async with app.run_test(size=size, message_hook=app.heard.append, notifications=True, tooltips=True) as pilot:
        widget.focus()
        await pilot.pause()
        yield pilot


def stage(pilot: Pilot[None]) -> Stage:
    assert isinstance(pilot.app, Stage)
    return pilot.app


def text(widget: Widget) -> list[str]:
    """The lines of a widget as they stand on the screen, without blanks at their ends."""
    screen = widget.screen
    region = widget.region
    strips = screen._compositor.render_strips()
    lines = [strip.crop(region.x, region.right).text for strip in strips[region.y : region.bottom]]
    return [line.rstrip() for line in lines]


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    """Wait for something that a thread brings about."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "what was awaited did not come"
        await asyncio.sleep(0.01)
    await pilot.pause()
