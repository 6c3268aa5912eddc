"""Leads through the stops: takes the actions that lead to one, and keeps its text below whatever trace is in front."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from textual.app import App
from textual.screen import Screen
from textual.widgets import Footer

from inspector.tui.generate.tab import GenerateTab
from inspector.tui.palette import Command, commands, take
from inspector.tui.screens.attention import AttentionTab
from inspector.tui.screens.inspector import InspectorScreen
from inspector.tui.screens.within import WithinScreen
from inspector.tui.tour.bar import TourBar
from inspector.tui.tour.stops import STOPS, Stop

PAUSE = 0.05
PATIENCE = 10.0
"""Seconds, while nothing is under way, after which an action that an earlier one should have made possible is left out.
"""

LOOK = 0.2
"""Seconds between two looks at which screen is in front: the reader goes into steps and comes back as they like."""


class Guide:
    """Where the reader is on the tour. Every call is made in the program's own thread."""

    def __init__(self, app: App[None], stops: Sequence[Stop] = STOPS) -> None:
        self._app = app
        self._stops = stops
        self._at = 0
        self._going = asyncio.Lock()
        self._begun = self._moved = False
        self._timer = app.set_interval(LOOK, self._keep)

    @property
    def stop(self) -> Stop:
        return self._stops[self._at]

    def move(self, way: int) -> None:
        """Go `way` stops further, or back; nowhere beyond the first and the last one."""
        self._at = min(max(self._at + way, 0), len(self._stops) - 1)
        self._moved = True
        self._app.run_worker(self._show(), group="tour")

    async def _show(self) -> None:
        """Put the text of the stop below the trace in front, and take its actions. A worker: actions take time.

        Who goes on meanwhile comes to the next stop as soon as the action under way is done.
        """
        async with self._going:
            while self._moved:
                self._moved = False
                await self._come_out()
                await self._put_bar()
                for action in (*self._unasked(), *self.stop.actions):
                    await self._act(action)
                await self._put_bar()

    async def _come_out(self) -> None:
        """Leave what the reader went into from a generation: every stop begins on the screen of the tour itself."""
        while isinstance(screen := self._app.screen, WithinScreen):
            await screen.dismiss()

    def _unasked(self) -> Sequence[str]:
        """What lets the model answer first, at a stop that is about its answer: the one where it did may be skipped."""
        answered = any(tab.driver.live for tab in self._app.screen.query(GenerateTab))
        return () if answered or not self.stop.answered else ("tab.generate", "generate.record")

    async def leave(self) -> None:
        """End the tour, on whatever screen."""
        self._timer.stop()
        self._app.workers.cancel_group(self._app, "tour")
        for screen in self._app.screen_stack:
            await screen.query(TourBar).remove()

    async def _keep(self) -> None:
        """Begin when the first trace comes to the front; later on follow the reader to where they went."""
        if isinstance(self._app.screen, InspectorScreen) and not self._begun:
            self._begun = True
            self.move(0)
        elif self._begun and not self._going.locked():
            await self._put_bar()

    async def _act(self, action: str) -> None:
        """Take an action by its binding's id, once it can be taken and what went before is done."""
        patience = PATIENCE
        while patience > 0 and not self._moved:
            if not self._busy():
                command = self._command(action)
                if command is not None:
                    await take(self._app, command)
                    patience = 0.0
                patience -= PAUSE
            await asyncio.sleep(PAUSE)  # a key would come no sooner after the one before

    async def _put_bar(self) -> None:
        screen = self._app.screen
        if isinstance(screen, InspectorScreen) and not self._has_bar(screen):
            await screen.query(TourBar).remove()
            bar = TourBar(self.stop, self._at + 1, len(self._stops))
            await screen.mount(bar, before=next(iter(screen.query(Footer)), None))

    def _has_bar(self, screen: Screen[None]) -> bool:
        return any(bar.stop == self.stop for bar in screen.query(TourBar))

    def _busy(self) -> bool:
        """Whether a generation, or a first look at attention, is on its way to where the next action begins."""
        tabs = self._app.screen.query(AttentionTab)
        looking = any(tab.sight is None and not tab.has_class("-nothing") for tab in tabs)
        generating = any(tab.driver.doing for screen in self._app.screen_stack for tab in screen.query(GenerateTab))
        return looking or generating

    def _command(self, action: str) -> Command | None:
        screen = self._app.screen
        if not screen.is_mounted:
            return None
        return next((command for command in commands(screen) if command.binding.id == action), None)
