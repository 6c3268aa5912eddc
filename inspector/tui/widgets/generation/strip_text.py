"""What a strip shows of the steps of a generation: its tokens, read once each, and their lines. No drawing."""

from __future__ import annotations

import time
from collections.abc import Sequence

from inspector.trace.steps import Beam, Step
from inspector.tui.widgets.generation.strip_lines import Lines
from inspector.tui.widgets.generation.strip_tokens import Reader, StripToken, along_beam


class StripText:
    """The tokens of one row. `show` says of which steps; `read` goes on reading those that are new."""

    def __init__(self) -> None:
        self.steps: Sequence[Step] = ()
        self.row = 0
        self.tokens: list[StripToken] = []
        self.lines = Lines(self.tokens, 1)
        self._told = 0
        self._path: list[tuple[int, Beam]] = []
        self._last: Step | None = None
        self._reader = Reader()

    @property
    def unread(self) -> int:
        return self._told - len(self.tokens)

    def show(self, steps: Sequence[Step], row: int) -> None:
        """Show a row of other steps, or of the same and more. What is known of them is not read again; what a
        generation appends to them in its thread counts once they are shown again.
        """
        if not self._goes_on(steps, row):
            self.tokens.clear()
            self.lines = Lines(self.tokens, self.lines.width)
            self._reader = Reader()
            self._path = along_beam(steps, row)
        self.steps, self.row, self._told = steps, row, len(steps)

    def read(self, seconds: float | None = None) -> None:
        """Read the new steps, at most for so long, and lay them out."""
        end = None if seconds is None else time.perf_counter() + seconds
        for number in range(len(self.tokens), self._told):
            step = self.steps[number]
            row, beam = self._path[number] if self._path else (min(self.row, len(step.rows) - 1), None)
            self.tokens.append(self._reader.read(step.rows[row], row, beam))
            self._last = step
            if end is not None and time.perf_counter() > end:
                break
        self.lines.extend()

    def break_at(self, width: int) -> None:
        """Lay the tokens out again, in lines of another width."""
        self.lines = Lines(self.tokens, width)
        self.lines.extend()

    def _goes_on(self, steps: Sequence[Step], row: int) -> bool:
        """Whether the tokens that are known are those of the first of `steps`. Those of a file are read only where they
        are needed, and made anew each time; there are never more of them later on.
        """
        known = len(self.tokens)
        if not known or self._path or row != self.row or len(steps) < known:
            return False
        return steps[known - 1] is self._last or (steps is self.steps and not isinstance(steps, list))
