"""Where one has been, as a browser keeps it."""

from __future__ import annotations


class History:
    """Calls that were left by a jump, and those that were gone back from."""

    def __init__(self) -> None:
        self._behind: list[int] = []
        self._ahead: list[int] = []

    def leave(self, call: int | None) -> None:
        """`call` is left for another; what lay ahead is forgotten."""
        self._ahead.clear()
        if call is not None and self._behind[-1:] != [call]:
            self._behind.append(call)

    def back(self, call: int | None) -> int | None:
        """Where to go from `call` when going back, None at the beginning."""
        return self._step(self._behind, self._ahead, call)

    def forward(self, call: int | None) -> int | None:
        """Where to go from `call` when going forward again, None at the end."""
        return self._step(self._ahead, self._behind, call)

    @staticmethod
    def _step(source: list[int], other: list[int], call: int | None) -> int | None:
        if not source:
            return None
        if call is not None:
            other.append(call)
        return source.pop()
