"""Which keys each query may see, as a few runs of keys a query: a mask of any size in memory that grows with one side.

Every pattern that models use (causal, windows, chunks, packed sequences, padding) is a run or two of keys for each
query. So a mask of 32,768 by 32,768 is two vectors, its rows are counted without being drawn, and any part of it is
drawn without the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]

PIECE = 2**22
"""Elements of a part of a mask that are looked at together."""


@dataclass(frozen=True, slots=True)
class Spans:
    """Query q sees the keys from `low[i, q]` up to `high[i, q]`, for every i; of these only the `visible` ones.

    `low` and `high` are i32 [runs, queries] with 0 ≤ low ≤ high ≤ keys; the runs of a query are disjoint. `visible` is
    bool [keys], None where every key is.
    """

    low: Ints
    high: Ints
    keys: int
    visible: Bools | None = None

    @property
    def queries(self) -> int:
        return int(self.low.shape[1])

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for spans that were made in the same way and let the same be seen."""
        visible = None if self.visible is None else self.visible.tobytes()
        return self.low.shape, self.keys, self.low.tobytes(), self.high.tobytes(), visible

    def counts(self) -> Ints:
        """How many keys each query sees, i32 [queries]."""
        seen = self.high - self.low
        if self.visible is not None:
            below = self.below()
            seen = below[self.high] - below[self.low]
        counts: Ints = seen.sum(0, dtype=np.int32)
        return counts

    def part(self, rows: range, columns: range) -> Bools:
        """Whether each of some queries sees each of some keys, bool [rows, columns]."""
        key = np.arange(columns.start, columns.stop, columns.step, dtype=np.int32)
        seen = np.zeros((len(rows), len(key)), dtype=np.bool_)
        for low, high in zip(self.low, self.high, strict=True):
            at = slice(rows.start, rows.stop, rows.step)
            seen |= (key >= low[at, None]) & (key < high[at, None])
        return seen if self.visible is None else seen & self.visible[key]

    def cells(self, rows: Sequence[int], columns: Sequence[int]) -> list[list[float]]:
        """The share of each cell that is seen; a cell lies between each two of the ascending edges."""
        edges = np.asarray(columns)
        below = self.below().astype(np.int64)
        lines = []
        for top, bottom in pairwise(rows):
            reached = sum(
                _reached(low[top:bottom], high[top:bottom], edges, below)
                for low, high in zip(self.low, self.high, strict=True)
            )
            lines.append((np.diff(reached) / ((bottom - top) * np.diff(edges))).tolist())
        return lines

    def among(self, visible: Bools) -> Spans:
        """The same with only some of the keys visible, bool [keys]."""
        both = visible if self.visible is None else self.visible & visible
        return Spans(self.low, self.high, self.keys, None if both.all() else both)

    def __and__(self, other: Spans) -> Spans:
        """What both see."""
        low = np.maximum(self.low[:, None], other.low[None]).reshape(-1, self.queries)
        high = np.minimum(self.high[:, None], other.high[None]).reshape(-1, self.queries)
        found = Spans(*_tidy(low, high), self.keys, self.visible)
        return found if other.visible is None else found.among(other.visible)

    def __or__(self, other: Spans) -> Spans:
        """What either sees."""
        one, two = self._inlined(), other._inlined()
        low, high = [*one.low], [*one.high]
        for start, stop in zip(two.low, two.high, strict=True):
            rest = [(start, stop)]
            for before, after in zip(one.low, one.high, strict=True):
                rest = [piece for left, right in rest for piece in _without(left, right, before, after)]
            low += [left for left, _ in rest]
            high += [right for _, right in rest]
        return Spans(*_tidy(np.stack(low), np.stack(high)), self.keys)

    def below(self) -> Ints:
        """How many visible keys come before each key, i32 [keys + 1]."""
        if self.visible is None:
            return np.arange(self.keys + 1, dtype=np.int32)
        return np.concatenate([[0], np.cumsum(self.visible)]).astype(np.int32)

    def _inlined(self) -> Spans:
        """The same with what is hidden cut out of the runs."""
        if self.visible is None:
            return self
        starts, stops = runs_of(self.visible)
        shape = (len(starts), self.queries)
        shown = Spans(
            np.broadcast_to(starts[:, None], shape).astype(np.int32),
            np.broadcast_to(stops[:, None], shape).astype(np.int32),
            self.keys,
        )
        return Spans(self.low, self.high, self.keys) & shown


def runs(low: Any, high: Any, queries: int, keys: int) -> Spans:
    """One run a query, from `low` up to `high` (numbers, or vectors [queries]), as far as there are keys."""
    shape = (1, queries)
    bounds = [np.broadcast_to(np.clip(np.asarray(side), 0, keys), shape).astype(np.int32) for side in (low, high)]
    return Spans(bounds[0], np.maximum(*bounds), keys)


def from_rows(seen: Any) -> Spans:
    """The spans of a mask that is there as bools [queries, keys]: a numpy array, or anything that slices into one.

    Runs reach over keys that no query sees at all. It is read twice, in pieces.
    """
    queries, keys = seen.shape
    step = max(1, PIECE // max(1, keys))
    parts = [slice(start, start + step) for start in range(0, queries, step)]
    visible = np.zeros(keys, np.bool_) if queries else np.ones(keys, np.bool_)
    for part in parts:
        visible |= np.asarray(seen[part], dtype=np.bool_).any(0)
    found = [_runs_of_rows(np.asarray(seen[part], dtype=np.bool_), visible) for part in parts]
    most = max((low.shape[0] for low, _ in found), default=1)
    sides = [[np.pad(piece[side], ((0, most - len(piece[side])), (0, 0))) for piece in found] for side in (0, 1)]
    low, high = (np.concatenate(side, axis=1) if side else np.zeros((1, 0), np.int32) for side in sides)
    return Spans(low, high, keys, None if visible.all() else visible)


def runs_of(line: Bools) -> tuple[Ints, Ints]:
    """Where the runs of True in a vector begin and end."""
    edges = np.flatnonzero(np.diff(line.astype(np.int8), prepend=0, append=0)).astype(np.int32)
    return edges[::2], edges[1::2]


def _reached(low: Ints, high: Ints, edges: Any, below: Any) -> Any:
    """How many visible keys before each edge some queries see together, a run each, [edges].

    A run that begins behind the edge counts the keys before its begin, so that differences of edges are right. Runs are
    sorted by begin and by end instead of being met with every edge.
    """
    low, high = np.sort(low), np.sort(high)
    begun, ended = np.searchsorted(low, edges, side="right"), np.searchsorted(high, edges, side="left")
    before_low, before_high = (np.concatenate([[0], np.cumsum(below[side])]) for side in (low, high))
    return before_low[-1] - before_low[begun] + (begun - ended) * below[edges] + before_high[ended]


def _runs_of_rows(seen: Bools, visible: Bools) -> tuple[Ints, Ints]:
    """The runs of every row, i32 [runs, rows], as if there were only the visible keys; missing ones are empty."""
    places = np.flatnonzero(visible).astype(np.int32)
    padded = np.zeros((seen.shape[0], len(places) + 2), dtype=np.int8)
    padded[:, 1:-1] = seen if visible.all() else seen[:, visible]
    row, edge = np.nonzero(np.diff(padded, axis=1))
    row, low, high = row[::2], places[edge[::2]], places[edge[1::2] - 1] + 1
    counts = np.bincount(row, minlength=seen.shape[0])
    number = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    shape = (max(1, int(counts.max(initial=0))), seen.shape[0])
    bounds = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    bounds[0][number, row], bounds[1][number, row] = low, high
    return bounds


def _without(left: Ints, right: Ints, before: Ints, after: Ints) -> list[tuple[Ints, Ints]]:
    """A run without another: what lies before that and what lies after it. An empty one takes nothing away."""
    before = np.where(before < after, before, right)
    after = np.where(before < after, after, right)
    first = left, np.maximum(left, np.minimum(right, before))
    second = np.maximum(left, after), np.maximum(right, np.maximum(left, after))
    return [first, second]


def _tidy(low: Ints, high: Ints) -> tuple[Ints, Ints]:
    """Runs that end before they begin made empty, and those that are empty for every query left out."""
    some = (high > low).any(1)
    if not some.any():
        return np.zeros((1, low.shape[1]), np.int32), np.zeros((1, low.shape[1]), np.int32)
    return low[some], np.maximum(low, high)[some]
