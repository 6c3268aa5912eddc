"""A program that knows when it painted, without a terminal: what one would be sent is put together and thrown away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from textual.app import App

PATIENCE = 1.0
"""Seconds after which a paint is no longer waited for."""


class Painting(App[None]):
    """`painted` is the moment of the last paint."""

    painted = 0.0

    def _display(self, screen: Any, renderable: Any) -> None:
        super()._display(screen, renderable)
        if hasattr(renderable, "render_segments"):
            renderable.render_segments(self.console)
            self.drawn()

    def drawn(self) -> None:
        """Something has just been painted."""
        self.painted = time.perf_counter()

    async def painted_after(self, work: Callable[[], Any]) -> float:
        """Seconds from the begin of `work` to the next paint."""
        start = time.perf_counter()
        work()
        while self.painted < start and time.perf_counter() - start < PATIENCE:
            await asyncio.sleep(0)
        return time.perf_counter() - start
