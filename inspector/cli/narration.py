"""What a command tells while it works, on stderr: notices always, progress only where somebody watches a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable

from inspector.analysis.wording import visible

PAUSE = 0.1
"""Seconds between two paints of the progress line."""


class Narration:
    """One line of progress that is painted over, and notices that stay."""

    def __init__(self) -> None:
        self._watched = sys.stderr.isatty()
        self._painted = 0.0
        self._line = ""

    def stage(self, stage: str, fraction: float | None = None) -> None:
        """Where the loading of a model stands."""
        self._paint(stage if fraction is None else f"{stage} {fraction:4.0%}", at_once=fraction is None)

    def calls(self, count: int) -> None:
        """How many calls of a forward have begun."""
        self._paint(f"running: call {count:,}", at_once=False)

    def steps(self, count: int) -> None:
        """How many steps of a generation have been made."""
        self._paint(f"running: step {count:,}", at_once=False)

    def done(self) -> None:
        """Take the progress line away."""
        if self._line:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._line = ""

    def notices(self, notices: Iterable[str]) -> None:
        """Sentences that the reader must see, each once and on a line of its own."""
        self.done()
        for notice in dict.fromkeys(notices):
            print(f"note: {visible(notice)}", file=sys.stderr)

    def _paint(self, text: str, *, at_once: bool) -> None:
        now = time.monotonic()
        if not self._watched or text == self._line or not (at_once or now - self._painted >= PAUSE):
            return
        self._painted, self._line = now, text
        sys.stderr.write(f"\r\x1b[K{visible(text)[:100]}")
        sys.stderr.flush()
