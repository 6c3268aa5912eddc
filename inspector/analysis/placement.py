"""Where every token of a run should stand, worked out independently, beside where it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from inspector.analysis.forwards import Forward, forwards, layout, placeholders
from inspector.analysis.layout import Layout
from inspector.analysis.positions import AXES, After, Grid, Grids, Span, Walk, differing
from inspector.analysis.rope import sections_of
from inspector.trace import Trace

if TYPE_CHECKING:
    from torch import Tensor

    from inspector.analysis.windows import Size


@dataclass(frozen=True, slots=True)
class Placement:
    """The tokens that one forward adds to one row, padding left out.

    `tokens` are their indices in the forward, `begin` tokens of the conversation came before them. `spans` say where
    they should stand, none where the conversation began before the trace; `delta` is the rope delta behind them.
    `actual` i64 [axes, tokens] is where they stand, None where that was not recorded. A row may stand `offset`
    positions further throughout, which rotary attention does not notice; `differing` bool [tokens] marks what stands
    elsewhere than that. `restarts` are the places among `tokens` at which another packed sequence begins.
    """

    forward: Forward
    row: int
    tokens: list[int]
    begin: int
    spans: list[Span]
    delta: int
    offset: int
    actual: Tensor | None
    differing: Tensor
    restarts: Sequence[int] = ()

    @property
    def wrong(self) -> int:
        """How many tokens stand elsewhere."""
        return int(self.differing.sum())

    def span_of(self, place: int) -> Span | None:
        """The span of the token at a place among `tokens`."""
        token = self.begin + place
        return next((span for span in self.spans if span.start <= token < span.stop), None)

    def expected(self, place: int) -> tuple[int, ...] | None:
        """Where the token at a place among `tokens` should stand, the row's offset added."""
        span = self.span_of(place)
        return None if span is None else tuple(axis + self.offset for axis in span.at(self.begin + place))


def placements(trace: Trace) -> list[list[Placement]]:
    """For each forward, in order, the placement of each of its rows.

    Where it makes a difference how text goes on behind a video, the rule is taken that the model follows.
    """
    read, known, how = forwards(trace), placeholders(trace), layout(trace)
    if not _by_axis(trace, read):
        return _placed(read, known, _Book(how, "flat"))
    found = _placed(read, known, _Book(how, "side"))
    if any(span.reaches_beyond for rows in found for row in rows for span in row.spans):
        other = _placed(read, known, _Book(how, "last"))
        if _wrong(other) < _wrong(found):
            return other
    return found


def _by_axis(trace: Trace, read: Sequence[Forward]) -> bool:
    """Whether positions have the axes time, height and width, as far as configuration and recording tell."""
    sections = len(sections_of(trace.config))
    axes = {forward.positions.shape[0] for forward in read if forward.positions is not None}
    return sections == len(AXES) or (not sections and axes != {1})


def _placed(read: Sequence[Forward], known: dict[int, str], book: _Book) -> list[list[Placement]]:
    return [book.add(forward, known) for forward in read]


def _wrong(found: Sequence[Sequence[Placement]]) -> int:
    return sum(row.wrong for rows in found for row in rows)


@dataclass(slots=True)
class _Row:
    """A row of a conversation as it was walked so far; `offset` is set by its first token."""

    walk: Walk
    kinds: list[str] = field(default_factory=list)
    padding: int = 0
    offset: int | None = None


class _Book:
    """Walks the rows of a run, forward by forward. A forward with an empty cache begins a new conversation."""

    def __init__(self, how: Layout, after: After) -> None:
        self._layout = how
        self._after = after
        self._rows: list[_Row] = []
        self._seen: dict[str, list[Size]] = {}
        self._grids: dict[str, list[Grid]] = {}
        self._supply: dict[str, Grids] = {}

    def add(self, forward: Forward, known: dict[int, str]) -> list[Placement]:
        if not forward.past:
            self._rows = [_Row(Walk(self._after)) for _ in range(forward.batch)]
            self._seen, self._grids, self._supply = {}, {}, {}
        kinds = [forward.kinds(row, known) for row in range(forward.batch)]
        self._take_sizes(forward, has_pictures=any(kind != "text" for row in kinds for kind in row))
        found = []
        supply = self._supply
        for row, own in enumerate(kinds):
            before = {kind: grids.copy() for kind, grids in supply.items()}
            found.append(self._place(forward, row, own, supply))
            if (row + 1) % forward.copies:
                supply = before
        self._supply = supply
        return found

    def _take_sizes(self, forward: Forward, *, has_pictures: bool) -> None:
        """Add the pictures that are new: those behind what earlier forwards were given, or all of another list."""
        for kind, sizes in forward.sizes.items():
            seen = self._seen.get(kind, [])
            grids = self._layout.grids(sizes, kind, forward.seconds if kind == "video" else ())
            if forward.positions is not None and forward.positions.shape[0] not in (1, len(AXES)):
                grids = []  # it is not known how many tokens such models give to a picture
            same = sizes[: len(seen)] == seen
            new = grids[len(seen) :] if same else grids if has_pictures else []
            if new:
                self._seen[kind] = sizes if same else [*seen, *sizes]
                self._grids[kind] = [*self._grids.get(kind, []), *new]
                self._supply.setdefault(kind, Grids([])).add(new)

    def _place(self, forward: Forward, number: int, kinds: list[str], supply: dict[str, Grids]) -> Placement:
        row, tokens = self._row_of(forward, number), forward.attended(number)
        begin = row.walk.tokens if row is not None else forward.past or 0
        actual = _actual(forward, number, tokens)
        restarts = _restarts(forward, actual)
        counts_on = forward.positions_given
        spans = [] if row is None else row.walk.extend(kinds, supply, counts_on=counts_on, restarts=restarts)
        wrong, offset = _compared(actual, spans, row)
        if row is not None:
            row.kinds.extend(kinds)
            row.padding += forward.tokens - len(tokens)
        delta = row.walk.delta if row is not None else 0
        return Placement(forward, number, tokens, begin, spans, delta, offset, actual, wrong, restarts)

    def _row_of(self, forward: Forward, number: int) -> _Row | None:
        """The row as far as the cache holds it: a run that stepped back goes on from there. None for a row whose
        beginning was not recorded.
        """
        if number >= len(self._rows):
            return None
        row = self._rows[number]
        past = None if forward.past is None else forward.past - row.padding
        if past is None or past == row.walk.tokens:
            return row
        if past > row.walk.tokens:
            return None
        supply = {kind: Grids(grids) for kind, grids in self._grids.items()}
        again = _Row(Walk(self._after), padding=row.padding, offset=row.offset)
        again.kinds = row.kinds[:past]
        again.walk.extend(again.kinds, supply)
        self._rows[number] = again
        return again


def _actual(forward: Forward, row: int, tokens: list[int]) -> Tensor | None:
    positions = forward.positions
    if positions is None or positions.shape[-1] != forward.tokens:
        return None
    own = positions[:, row % positions.shape[1]]
    return own if len(tokens) == forward.tokens else own[:, tokens]


def kept_apart(trace: Trace, step: int) -> bool | None:
    """Whether the masks of a step keep packed sequences apart; None where their rules are not known, or where a kernel
    may do so by itself.
    """
    made = [call.inputs for call in trace.calls if call.step == step and "masks[0].rule" in call.inputs]
    if any("packed" in str(inputs["masks[0].rule"]) for inputs in made):
        return True
    plain = all(str(inputs.get("masks[0].function")).startswith(("sdpa", "eager")) for inputs in made)
    return False if made and plain else None


def _restarts(forward: Forward, actual: Tensor | None) -> list[int]:
    """Where positions that were given without a padding mask return to 0: transformers takes those for sequences that
    were packed into one row.
    """
    if actual is None or not forward.positions_given or forward.past or forward.mask is not None:
        return []
    at_zero = (actual == 0).all(dim=0)
    begins: list[int] = (at_zero[1:] & ~at_zero[:-1]).nonzero().flatten().tolist()
    return [place + 1 for place in begins] if bool(at_zero[:1].all()) else []


def _compared(actual: Tensor | None, spans: list[Span], row: _Row | None) -> tuple[Tensor, int]:
    """Which tokens stand elsewhere, and by how much the row stands further throughout."""
    import torch

    if actual is None or row is None or not spans or not actual.shape[1]:
        count = 0 if actual is None else actual.shape[1]
        return torch.zeros(count, dtype=torch.bool), 0
    if row.offset is None:
        row.offset = int(actual[0, 0]) - spans[0].at(spans[0].start)[0]
    return differing(actual - row.offset, spans), row.offset
