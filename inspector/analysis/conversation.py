"""The tokens of a row up to a step, what was decoded included, each with the forward that brought it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from inspector.analysis.placement import Placement
from inspector.analysis.positions import Span
from inspector.analysis.sequence import Sequenced, sequence
from inspector.trace import Token, Trace


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a token of a picture stands in it: frame, row and column of merged tokens."""

    span: Span
    frame: int
    row: int
    column: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A token of a conversation: `index` counts in its row, `local` in the forward that brought it.

    `place` is its place among the forward's tokens that are no padding, None for padding.
    """

    placement: Placement
    index: int
    local: int
    place: int | None

    @property
    def span(self) -> Span | None:
        return None if self.place is None else self.placement.span_of(self.place)

    @property
    def spot(self) -> Spot | None:
        """Where it stands in its picture; None for text, and for placeholders beyond the grid."""
        span = self.span
        if span is None or span.grid is None or self.place is None:
            return None
        within = self.placement.begin + self.place - span.start
        if within >= span.expected:
            return None
        frame, rest = divmod(within, span.grid.rows * span.grid.columns)
        return Spot(span, frame, *divmod(rest, span.grid.columns))

    @property
    def found(self) -> tuple[int, ...] | None:
        """Its position as recorded."""
        if self.place is None or self.placement.actual is None:
            return None
        return tuple(self.placement.actual[:, self.place].tolist())

    @property
    def expected(self) -> tuple[int, ...] | None:
        return None if self.place is None else self.placement.expected(self.place)

    @property
    def wrong(self) -> bool:
        """Whether it stands elsewhere than it should."""
        return (
            self.place is not None
            and self.place < len(self.placement.differing)
            and bool(self.placement.differing[self.place])
        )


@dataclass(frozen=True)
class Conversation:
    """A row of a batch: its tokens, and the placements of the forwards that brought them, in order."""

    row: int
    sequenced: Sequenced
    placements: Sequence[Placement]

    @cached_property
    def _ends(self) -> list[int]:
        """Where each forward ends, the first one's beginning before them."""
        return list(accumulate((forward.tokens for forward in self.sequenced.forwards), initial=self.sequenced.before))

    @cached_property
    def _places(self) -> list[dict[int, int]]:
        """Of each forward, the place of each token that is no padding."""
        return [{token: place for place, token in enumerate(own.tokens)} for own in self.placements]

    @cached_property
    def tokens(self) -> list[Token]:
        """Every token with its position as found."""
        return [
            Token(
                place.index,
                place.id,
                place.text,
                place.kind,
                None if (at := self.at(place.index)) is None else at.found,
            )
            for place in self.sequenced.places
        ]

    def at(self, index: int) -> Standing | None:
        """The token at an index of the row; None where there is none, or its forward was not read."""
        forward = bisect_right(self._ends, index) - 1
        if not 0 <= forward < len(self.placements):
            return None
        local = index - self._ends[forward]
        return Standing(self.placements[forward], index, local, self._places[forward].get(local))

    def index_of(self, placement: Placement, place: int) -> int | None:
        """The index in the row of a token by its place in a placement."""
        for forward, own in enumerate(self.placements):
            if own is placement and 0 <= place < len(own.tokens):
                return self._ends[forward] + own.tokens[place]
        return None


def conversation(trace: Trace, placed: Sequence[Sequence[Placement]], step: int, row: int) -> Conversation:
    """The row of a batch up to a step; `placed` is `placements(trace)`."""
    tokens = sequence(trace, step, row)
    by_step = {rows[0].forward.step: rows for rows in placed if rows}
    own = [by_step[forward.step] for forward in tokens.forwards if forward.step in by_step]
    return Conversation(row, tokens, [rows[row % len(rows)] for rows in own])
