"""What a mask does to one query and one key, in words: who they are, whether the query may see the key, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from inspector.analysis.checks import counted
from inspector.analysis.forwards import layout
from inspector.analysis.kernels import Kernel, in_vision
from inspector.analysis.layers import run_of
from inspector.analysis.mask_report import forward_of
from inspector.analysis.masks import Applied
from inspector.analysis.patches import patches
from inspector.analysis.sequence import Place, Sequenced, key_offset, sequence
from inspector.analysis.spans import Bools, Spans
from inspector.analysis.tower import Block, blocks
from inspector.analysis.wording import visible

MOST_RUNS = 3
"""Runs of keys that are named; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Names:
    """What the queries and keys of a kernel stand for: tokens of a row, patches of pictures, or only places.

    `first` is the place of the first query, and `offset` that of the first key, among the `tokens`; `padding` is bool
    [tokens], True where a token is padding, None where no padding mask was given. In a vision tower `patch`
    says which patch stands at a place.
    """

    unit: str
    first: int = 0
    offset: int = 0
    tokens: Sequence[Place] = ()
    padding: Bools | None = None
    patch: Callable[[int], str] | None = None

    def query(self, index: int) -> str:
        """`query 5 (token 17, "cup")`."""
        return self._named("query", index, self.first + index)

    def key(self, index: int) -> str:
        """`key 3 (token 3, "is")`."""
        return self._named("key", index, self.offset + index)

    def padded_query(self, index: int) -> bool:
        return self._padded(self.first + index)

    def padded_key(self, index: int) -> bool:
        return self._padded(self.offset + index)

    def empty_key(self, index: int) -> bool:
        """Whether a key stands behind all tokens there are: a place of a static cache that nothing was written to."""
        return 0 < len(self.tokens) <= self.offset + index

    def text(self, place: int) -> str:
        """The text of a token, or where a patch stands; empty where it is not known."""
        if self.patch is not None:
            return self.patch(place)
        token = self.tokens[place] if 0 <= place < len(self.tokens) else None
        if token is None or (not token.text and token.id < 0):
            return ""
        return f"“{visible(token.text, spaces=True)}”" if token.text else f"id {token.id}"

    def _named(self, side: str, index: int, place: int) -> str:
        text = self.text(place)
        number = f"{self.unit} {place}" if place != index else ""
        said = ", ".join(part for part in (number, text) if part)
        return f"{side} {index} ({said})" if said else f"{side} {index}"

    def _padded(self, place: int) -> bool:
        return self.padding is not None and 0 <= place < len(self.padding) and bool(self.padding[place])


def names_of(kernel: Kernel, row: int, tokens: Sequenced | None = None) -> Names:
    """What the queries and keys of a kernel stand for in a row of the batch; `tokens` are its tokens, where read."""
    if in_vision(kernel.trace, kernel.path):
        return Names("place", patch=patches(kernel, row).name)
    own = sequence(kernel.trace, kernel.call.step, row) if tokens is None else tokens
    return Names("token", own.first, key_offset(kernel, own), own.places, _padding(kernel, own, row))


def _padding(kernel: Kernel, tokens: Sequenced, row: int) -> Bools | None:
    forward = forward_of(kernel.trace, kernel.call.step)
    if forward is None or forward.mask is None or forward.mask.shape[1] != len(tokens.places):
        return None
    padded: Bools = forward.mask[row % forward.mask.shape[0]].numpy(force=True) == 0
    return padded


def sight(found: Applied, names: Names, query: int, key: int) -> str:
    """Whether a query may see a key and why, in a sentence, and in a second one what else the query sees."""
    spans = found.spans
    if spans is None:
        return f"What {names.query(query)} sees is not known. {found.reason}"
    seen = bool(spans.part(range(query, query + 1), range(key, key + 1))[0, 0])
    verb = "may see" if seen else "may not see"
    why = (_why if seen else _why_not)(found, names, query, key)
    return f"Q{names.query(query)[1:]} {verb} {names.key(key)}: {why}. {reach(spans, query)}"


def reach(spans: Spans, query: int) -> str:
    """How many keys a query sees, and which: `It sees 312 of 321 keys: 5–316.`"""
    runs = runs_seen(spans, query)
    count = sum(len(run) for run in runs)
    if not count:
        return f"It sees none of {counted(spans.keys, 'key')}."
    listed = ", ".join(f"{run.start}–{run.stop - 1}" if len(run) > 1 else str(run.start) for run in runs[:MOST_RUNS])
    more = f" and {len(runs) - MOST_RUNS:,} more runs" if len(runs) > MOST_RUNS else ""
    return f"It sees {count:,} of {counted(spans.keys, 'key')}: {listed}{more}."


def runs_seen(spans: Spans, query: int) -> list[range]:
    """The runs of keys that a query sees, in order."""
    line = spans.part(range(query, query + 1), range(spans.keys))[0]
    edges = np.flatnonzero(np.diff(line.astype(np.int8), prepend=0, append=0))
    return [range(int(start), int(stop)) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def own_key(found: Applied, query: int) -> int | None:
    """The key of the query's own token; None where the mask does not tell."""
    own = found.read.own(query)
    return own if own is not None and found.spans is not None and 0 <= own < found.spans.keys else None


def _why(found: Applied, names: Names, query: int, key: int) -> str:
    spans, read, own = found.spans, found.read, own_key(found, query)
    assert spans is not None
    if read.name.startswith("within") and "block" in read.name:
        block = _run(spans, query)
        return f"both stand in the block of keys {block.start}–{block.stop - 1}"
    if read.name == "every key":
        return "every query sees every key" if spans.queries > 1 else "it sees every key that there is"
    if own is None:
        return "the mask lets it through"
    if key == own:
        return "it is the query's own"
    together = next((run for run in read.together if key in run and own in run), None)
    if together is not None:
        return f"both stand among the keys {together.start}–{together.stop - 1}, which see each other"
    return _apart(key, own) + (f", {read.back}" if read.back else "")


def _why_not(found: Applied, names: Names, query: int, key: int) -> str:
    spans, read = found.spans, found.read
    assert spans is not None
    if names.padded_key(key):
        return "it is padding, which is hidden from every query"
    if names.padded_query(query) and not runs_seen(spans, query):
        return "the query is padding itself, and nothing reads what becomes of it"
    if not runs_seen(spans, query):
        return "this query sees no key at all, and becomes nan or a mean of everything"
    if names.empty_key(key):
        return "it is an empty place of the cache, which has room for more"
    if spans.visible is not None and not spans.visible[key]:
        return "no query sees this key"
    run, own = _run(spans, query), own_key(found, query)
    if own is not None and "to either side" in read.name:
        return f"{_apart(key, own)}, and the mask lets through what is {read.name}"
    if key >= run.stop:
        if own is not None and key > own:
            return f"it comes {key - own:,} after the query, and the mask is causal"
        return f"it lies behind the block of keys {run.start}–{run.stop - 1}"
    if key < run.start:
        if "sliding window" in read.name:
            return f"it lies before the sliding window, which begins at key {run.start}"
        return f"it lies in another block; the query's begins at key {run.start}"
    return "it lies in a gap of what the query sees"


def _apart(key: int, own: int) -> str:
    return f"it stands {abs(own - key):,} {'before' if key < own else 'behind'} the query"


def _run(spans: Spans, query: int) -> range:
    """From the first to behind the last key that a query may see, hidden ones included."""
    low, high = spans.low[:, query], spans.high[:, query]
    some = high > low
    return range(int(low[some].min()), int(high[some].max())) if some.any() else range(0)


def pieces(kernel: Kernel) -> str:
    """The cumulative lengths of a vision block, as it was given them: `0, 64, 128 … 1176: 19 blocks`."""
    how = layout(kernel.trace)
    if not in_vision(kernel.trace, kernel.path) or not how.patch:
        return ""
    lengths = _lengths(kernel)
    if not lengths:
        return ""
    shown = ", ".join(map(str, lengths[:6])) + (f" … {lengths[-1]}" if len(lengths) > 6 else "")
    return f"cu_seqlens {shown}: {counted(len(lengths) - 1, 'block')}"


def blocks_of(found: Sequence[Kernel]) -> list[Block]:
    """The blocks of a vision tower with grids in which some kernels were called; none for other kernels."""
    run = run_of(found[0])
    paths = [kernel.path for kernel in found]
    own = [] if run is None or run.tower is None else blocks(found[0].trace, run.tower)
    return [block for block in own if any(path.startswith(f"{block.path}.") for path in paths)]


def _lengths(kernel: Kernel) -> list[int]:
    given = kernel.tensor("cu_seq_lens_k")
    if given is not None:
        return [int(item) for item in given.tolist()]
    sizes = kernel.tensor("lengths")
    if sizes is None:
        return []
    return [0, *(int(item) for item in np.cumsum(sizes.numpy(force=True)[:, 1]))]
