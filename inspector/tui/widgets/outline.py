"""Which lines of a hierarchy are visible, and how one moves in it. Plain integers, so that 100,000 lines are nothing.

Items are added in the order in which they are written, each below its parent (pre-order), and are known by their
number in that order. An outline may be read while it still grows.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence


class Outline:
    """A hierarchy with folded places and, when filtered, a selection of its items."""

    def __init__(self) -> None:
        self.parents: list[int | None] = []
        self.depths: list[int] = []
        self.folded: set[int] = set()
        self.rows: Sequence[int] = range(0)
        self.filtered = False
        self._ends: list[int] = []
        self._open: list[int] = []

    def __len__(self) -> int:
        return len(self.parents)

    def add(self, parent: int | None, *, folded: bool = False) -> int:
        """Add the next item; returns its number. `update` shows it."""
        number = len(self.parents)
        while self._open and self._open[-1] != parent:
            self._ends[self._open.pop()] = number
        self.parents.append(self._open[-1] if self._open else None)
        self.depths.append(len(self._open))
        self._ends.append(0)
        self._open.append(number)
        if folded:
            self.folded.add(number)
        return number

    def end(self, item: int) -> int:
        """The first item after `item` and everything below it."""
        return self._ends[item] or len(self.parents)

    def has_children(self, item: int) -> bool:
        return self.end(item) > item + 1

    def is_folded(self, item: int) -> bool:
        return item in self.folded and not self.filtered and self.has_children(item)

    def update(self) -> None:
        """Work out `rows` again, from what is folded."""
        if not self.filtered:
            self.rows = self._unfolded_rows()

    def select(self, items: Sequence[int] | None) -> None:
        """Show `items` alone, in order, whatever is folded; everything again for None."""
        self.filtered = items is not None
        if items is not None:
            self.rows = items
        self.update()

    def with_ancestors(self, items: Iterable[int]) -> list[int]:
        """`items` and everything that stands above them, in order."""
        found: set[int] = set()
        for item in items:
            above: int | None = item
            while above is not None and above not in found:
                found.add(above)
                above = self.parents[above]
        return sorted(found)

    def row_of(self, item: int) -> int | None:
        """The line on which `item` is shown, None where it is folded away or filtered out."""
        row = bisect_left(self.rows, item)
        return row if row < len(self.rows) and self.rows[row] == item else None

    def row_near(self, item: int) -> int:
        """The line of `item`, or of the nearest item above it that is shown; 0 where there is none at all."""
        above: int | None = item if self.parents else None
        while above is not None:
            row = self.row_of(above)
            if row is not None:
                return row
            above = self.parents[above]
        return max(0, bisect_left(self.rows, item) - 1)

    def reveal(self, item: int) -> None:
        """Unfold everything above `item`."""
        above = self.parents[item]
        while above is not None:
            self.folded.discard(above)
            above = self.parents[above]
        self.update()

    def fold(self, item: int, folded: bool = True) -> None:
        """Fold what hangs below `item`, or unfold it."""
        if folded and self.has_children(item):
            self.folded.add(item)
        else:
            self.folded.discard(item)
        self.update()

    def fold_below(self, depth: int | None) -> None:
        """Fold everything deeper than `depth`; unfold everything for None."""
        self.folded.clear()
        if depth is not None:
            self.folded.update(item for item, at in enumerate(self.depths) if at == depth and self.has_children(item))
        self.update()

    def next_sibling(self, item: int) -> int | None:
        after = self.end(item)
        return after if after < len(self) and self.parents[after] == self.parents[item] else None

    def previous_sibling(self, item: int) -> int | None:
        before: int | None = item - 1 if item else None
        while before is not None and self.depths[before] > self.depths[item]:
            before = self.parents[before]
        return before if before is not None and self.depths[before] == self.depths[item] else None

    def guides(self, item: int, *, gap: str = " ") -> str:
        """The lines of the tree to the left of `item`, a sign and `gap` for each level; none at the top."""
        if not self.depths[item]:
            return ""
        drawn = ("├" if self.next_sibling(item) is not None else "└") + gap
        above = self.parents[item]
        while above is not None and self.depths[above]:
            drawn = ("│" if self.next_sibling(above) is not None else " ") + gap + drawn
            above = self.parents[above]
        return drawn

    def guides_within(self, item: int, room: int) -> str:
        """The same in at most `room` cells: closer together, and of a deep item the end alone."""
        drawn = self.guides(item)
        if len(drawn) > room:
            drawn = self.guides(item, gap="")
        return drawn if len(drawn) <= room else f"…{drawn[len(drawn) - room + 1 :]}"

    def _unfolded_rows(self) -> Sequence[int]:
        rows: list[int] = []
        start = 0
        for item in sorted(self.folded):
            if item >= start and self.has_children(item):
                rows.extend(range(start, item + 1))
                start = self.end(item)
        return [*rows, *range(start, len(self))] if rows else range(len(self))
