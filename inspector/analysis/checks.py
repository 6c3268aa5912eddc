"""Questions that have an answer: what was compared, whether it agrees, and the numbers that say so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """`ok` is None where there was nothing to compare with; `evidence` is a sentence with the numbers."""

    name: str
    ok: bool | None
    evidence: str

    @property
    def result(self) -> str:
        """In a word."""
        return {True: "agrees", False: "≠ differs", None: "cannot be told"}[self.ok]


def counted(count: int, one: str, many: str = "") -> str:
    """`1 token`, `1,234 tokens`."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def every(count: int, one: str, does: str, do: str, many: str = "") -> str:
    """`The token stands`, `All 1,234 tokens stand`."""
    return f"The {one} {does}" if count == 1 else f"All {counted(count, one, many)} {do}"


def some(items: Iterable[object], most: int = 6) -> str:
    """The first of some items, and how many more there are."""
    found = [str(item) for item in items]
    rest = len(found) - most
    return ", ".join(found[:most]) + (f" and {rest:,} more" if rest > 0 else "")
