"""What the pattern of a mask is called, read off its spans: causal, in windows, in blocks, or ahead within pictures.

Each name is given only where every query sees what it says; what fits none is irregular. Keys that nobody sees are left
out of account.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from inspector.analysis.spans import Bools, Ints, Spans

MOST_RUNS = 3
"""Runs of keys that see each other that are named; of more, the first are."""

IRREGULAR = "irregular"


@dataclass(frozen=True, slots=True)
class Pattern:
    """The name of a pattern. `ahead` says which key is a query's own: that of query i is i + `ahead`; None where the
    pattern does not tell. `together` are runs of keys whose queries see each other, ahead of what is causal.
    """

    name: str
    ahead: int | None = None
    together: tuple[range, ...] = ()

    def own(self, query: int) -> int | None:
        """The key of a query's own token; None where the pattern does not tell."""
        return None if self.ahead is None else query + self.ahead

    @property
    def back(self) -> str:
        """How far back a causal pattern sees, where that is not to the first key: `within a sliding window of 6`."""
        after = self.name.removeprefix("causal, ").partition(", ")[0]
        return after if after.startswith("within") and self.ahead is not None else ""


def pattern(found: Spans, together: str = "keys") -> Pattern:
    """The pattern of some spans; `together` is what keys are called that see each other ahead."""
    seeing = found.counts() > 0
    if not seeing.any():
        return Pattern("nothing at all")
    if found.low.shape[0] > 1:
        return Pattern(IRREGULAR)
    below = found.below()
    queries = np.flatnonzero(seeing).astype(np.int32)
    low, high = below[found.low[0][seeing]], below[found.high[0][seeing]]
    if (low == 0).all() and (high == below[-1]).all():
        return Pattern("every key")
    first = int(found.high[0][queries[0]]) - 1 - int(queries[0])
    places = [
        _Queries(low, high, below, queries, ahead)
        for ahead in dict.fromkeys((found.keys - found.queries, 0, first) if found.keys != found.queries else (0,))
        if queries[0] + ahead >= 0
    ]
    named = (name(place, together) for name in (_causal, _blocks, _band, _ahead) for place in places)
    return next((known for known in named if known is not None), Pattern(_few(found, queries)))


def _few(found: Spans, queries: Ints) -> str:
    """What a few runs of queries see, each the same keys: text that looks across at pictures."""
    sees = np.stack([found.low[0][queries], found.high[0][queries]])
    edges = np.flatnonzero((np.diff(sees, axis=1) != 0).any(0)) + 1
    if len(edges) >= MOST_RUNS:
        return IRREGULAR
    runs = [
        (sees[:, part[0]], range(int(queries[part[0]]), int(queries[part[-1]]) + 1))
        for part in np.split(np.arange(len(queries)), edges)
    ]
    return ", ".join(f"keys {_named(range(*seen.tolist()))} for queries {_named(asked)}" for seen, asked in runs)


@dataclass(frozen=True)
class _Queries:
    """The queries that see a key: how many visible keys come before the first and before the end of what each sees, if
    the key of query i is i + `ahead`. `below` counts the visible keys before each key.
    """

    low: Ints
    high: Ints
    below: Ints
    index: Ints
    ahead: int

    @property
    def own(self) -> Ints:
        """How many visible keys come before each query's own."""
        return self.before(0)

    @property
    def reached(self) -> Ints:
        """How many visible keys come up to each query's own."""
        return self.before(1)

    def before(self, by: int) -> Ints:
        """How many visible keys come before what stands `by` behind each query's own key."""
        found: Ints = self.below[np.clip(self.index + self.ahead + by, 0, len(self.below) - 1)]
        return found

    def only(self, which: Bools) -> _Queries:
        return _Queries(self.low[which], self.high[which], self.below, self.index[which], self.ahead)


def _causal(place: _Queries, _: str) -> Pattern | None:
    if (place.high != place.reached).any():
        return None
    back = _back(place)
    return Pattern("causal" + (f", {back}" if back else ""), place.ahead)


def _back(place: _Queries) -> str:
    """How far back some queries see: nothing to say where it is to the first key, else within what."""
    low = place.low
    if (low == 0).all():
        return ""
    places = place.index + place.ahead
    keys = np.searchsorted(place.below, low, side="right") - 1  # the key that each begins with
    size = int((places + 1 - keys).max())
    if (low == place.before(1 - size)).all():
        return f"within a sliding window of {size:,}"
    begins = low >= place.own  # a query that sees its own key alone begins a block
    begins[0] = True
    starts = np.maximum.accumulate(np.where(begins, low, 0))
    blocks = _sizes(np.unique(starts), int(place.reached.max()))
    if (low == starts).all():
        return blocks
    both = (low == np.maximum(starts, place.before(1 - size))).all()
    return f"within a sliding window of {size:,} and {blocks.removeprefix('within ')}" if both else IRREGULAR


def _blocks(place: _Queries, _: str) -> Pattern | None:
    """Blocks that see nothing of each other, and themselves whole."""
    low, high = place.low, place.high
    starts, which = np.unique(low, return_inverse=True)
    ends = np.zeros_like(starts)
    ends[which] = high
    whole = (high == ends[which]).all() and (np.diff(which) >= 0).all() and (ends[:-1] <= starts[1:]).all()
    own = (place.own >= low).all() and (place.own <= high).all()
    return Pattern(_sizes(starts, int(ends[-1]))) if whole and own and len(starts) > 1 else None


def _sizes(starts: Ints, end: int) -> str:
    sizes = np.diff(np.append(starts, end))
    even = len(sizes) > 1 and (sizes[:-1] == sizes[0]).all() and sizes[-1] <= sizes[0]
    return f"within {len(starts):,} block{'s' if len(starts) > 1 else ''}{f' of {int(sizes[0]):,}' if even else ''}"


def _band(place: _Queries, _: str) -> Pattern | None:
    """So many keys to either side."""
    size = int((place.high - place.reached).max())
    if size < 1 or (place.high != place.before(size + 1)).any() or (place.low != place.before(-size)).any():
        return None
    return Pattern(f"within {size:,} key{'s' if size > 1 else ''} to either side", place.ahead)


def _ahead(place: _Queries, together: str) -> Pattern | None:
    """Causal but for runs of queries that see each other whole: pictures, a prefix."""
    runs = list(_together(place))
    inside = np.zeros(len(place.index), np.bool_)
    for run in runs:
        inside |= (place.index + place.ahead >= run.start) & (place.index + place.ahead < run.stop)
    rest = place.only(~inside)
    if not runs or not len(rest.index) or (rest.high != rest.reached).any():
        return None
    if any((place.low[_at(place, run)] > place.below[run.start]).any() for run in runs):
        return None
    back = _back(rest)
    said = ", ".join(_named(run) for run in runs[:MOST_RUNS])
    more = f" and {len(runs) - MOST_RUNS:,} more runs" if len(runs) > MOST_RUNS else ""
    each = " each" if len(runs) > 1 else ""
    name = f"causal{f', {back}' if back else ''}, and {together} {said}{more}{each} see each other"
    return Pattern(name, place.ahead, tuple(runs))


def _together(place: _Queries) -> Iterator[range]:
    """The runs of keys up to whose end each query in them sees, where that is behind its own key."""
    beyond = place.high > place.reached
    ends = np.where(beyond, place.high, -1)
    edges = np.flatnonzero(np.diff(ends, prepend=-2, append=-2))
    for start in edges[:-1].tolist():
        if beyond[start]:
            first = int(place.index[start]) + place.ahead
            yield range(first, int(np.searchsorted(place.below, place.high[start])))


def _at(place: _Queries, run: range) -> Bools:
    keys = place.index + place.ahead
    found: Bools = (keys >= run.start) & (keys < run.stop)
    return found


def _named(run: range) -> str:
    return f"{run.start}–{run.stop - 1}" if len(run) > 1 else str(run.start)
