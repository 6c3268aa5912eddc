"""Answers the last question that was asked, in threads, and shows it as far as it is worked out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from textual.widget import Widget

from inspector.analysis.regions import Region
from inspector.errors import InspectorError
from inspector.parts import Part
from inspector.tui.widgets.attention.bench import Bench
from inspector.tui.widgets.attention.looking import Looker, Sight
from inspector.tui.widgets.attention.spot import Spot

REST = 0.04
"""Seconds for which nothing may be asked before what can wait is begun: a key that is held asks more often."""

PIECE = 0.004
"""Seconds of what can wait that are worked off in one go: for so long, and a piece, a key press may have to wait."""


class Watching:
    """Questions to a `Looker` on behalf of a widget, one thread at a time.

    `show(sight, whole)` is called when a look is there, when the picture of `region` is, and when all about it is
    (`whole`); `fail(why, parts)` where nothing can be looked at.
    """

    def __init__(
        self,
        owner: Widget,
        looker: Looker,
        show: Callable[[Sight, bool], None],
        fail: Callable[[str, Sequence[Part]], None],
    ) -> None:
        self.looker = looker
        self.wanted: Spot | None = None
        self._owner = owner
        self._show, self._fail = show, fail
        self.region: Region | None = None
        self._at_work = False
        self._asked = asyncio.Event()
        self._bench = Bench()

    def ask(self, spot: Spot) -> None:
        """Answer this, and no longer what was asked before."""
        self.wanted = spot
        self._asked.set()
        if not self._at_work:
            self._at_work = True
            self._bench.open(self._owner.app)
            self._owner.run_worker(self._work(), group="look")

    def close(self) -> None:
        """Nothing more will be asked."""
        self._bench.close()

    async def _work(self) -> None:
        try:
            while (spot := self.wanted) is not None:
                self.wanted = None
                self._asked.clear()
                await self._answer(spot)
        finally:
            self._at_work = False

    async def _answer(self, spot: Spot) -> None:
        try:
            sight = await self._bench.run(lambda: self.looker.look(spot))
        except InspectorError as error:
            self._fail(str(error), await self._bench.run(self.looker.instead))
            return
        self._show(sight, False)
        region = self.region
        if region is not None and self.wanted is None and not self.looker.has_picture(region):
            await self._bench.run(lambda: self.looker.picture(region))
            self._show(sight, False)
        await self._painted()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._asked.wait(), REST)
        rest = self.looker.rest(sight)
        while self.wanted is None:
            if not await self._bench.run(lambda: _some(rest)):
                self._show(sight, True)
                return

    async def _painted(self) -> None:
        """Wait until what was shown is on the screen: until then, nothing else is to take the processor."""
        painted = asyncio.Event()
        if self._owner.call_after_refresh(painted.set):
            await painted.wait()


def _some(rest: Iterator[None]) -> bool:
    """Work off some pieces. Says whether there may be more."""
    until = time.perf_counter() + PIECE
    while time.perf_counter() < until:
        try:
            next(rest)
        except StopIteration:
            return False
    return True
