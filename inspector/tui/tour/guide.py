"""Leads through the stops: takes the actions that lead to one, and puts its text below the screen in front."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.widgets import Footer

from inspector.tui.palette import Command, commands, take
from inspector.tui.tour.bar import TourBar
from inspector.tui.tour.stops import STOPS, Stop

if TYPE_CHECKING:
    from inspector.tui.app import InspectorApp

PAUSE = 0.05
PATIENCE = 10.0
"""Seconds after which an action that an earlier one should have made possible is left out."""


class Guide:
    """Where the reader is on the tour. Every call is made in the program's own thread."""

    def __init__(self, app: InspectorApp, stops: Sequence[Stop] = STOPS) -> None:
        self._app = app
        self._stops = stops
        self._at = 0
        self._begun = False

    @property
    def stop(self) -> Stop:
        return self._stops[self._at]

    async def move(self, way: int) -> None:
        """Go `way` stops further, or back; nowhere beyond the first and the last one."""
        self._at = min(max(self._at + way, 0), len(self._stops) - 1)
        await self.show()

    async def arrive(self) -> None:
        """Another run is in front: that of the tour, which begins with it, or one that the reader went to."""
        if self._begun:
            await self._put_bar()
        else:
            self._begun = True
            await self.show()

    async def show(self) -> None:
        """Put the text of the stop on the screen in front, and take its actions."""
        await self._put_bar()
        for action in self.stop.actions:
            await self.act(action)

    async def act(self, action: str) -> None:
        """Take an action by its binding's id, once it can be taken and what went before is done."""
        for _ in range(int(PATIENCE / PAUSE)):
            command = None if self._busy() else self._command(action)
            if command is not None:
                await take(self._app, command)
                return
            await asyncio.sleep(PAUSE)

    async def leave(self) -> None:
        await self._app.screen.query(TourBar).remove()

    async def _put_bar(self) -> None:
        screen = self._app.screen
        await screen.query(TourBar).remove()
        bar = TourBar(self.stop, self._at + 1, len(self._stops))
        await screen.mount(bar, before=next(iter(screen.query(Footer)), None))

    def _busy(self) -> bool:
        return any(job.alive for job in self._app.jobs)

    def _command(self, action: str) -> Command | None:
        screen = self._app.screen
        return next((command for command in commands(screen) if command.binding.id == action), None)
