"""Where multimodal rotary positions (M-RoPE) put every token, worked out from token kinds and grids alone.

An independent account of what transformers' `get_rope_index` should arrive at: text counts on, a picture lays its
merged patches out on the axes time, height and width, and the text behind it goes on after the picture's longer side.
A row is walked forward by forward, so that decoding steps and later turns continue where the last forward ended.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

SpanKind = Literal["text", "image", "video"]
AXES = ("t", "h", "w")

After = Literal["side", "last", "flat"]
"""Where the text behind a picture goes on: behind its longer side, as transformers 5 has it, or behind its largest
position, as the models were published. The two differ for a video whose time reaches beyond its sides. "flat" is for
models with one axis, whose pictures count on like text.
"""


@dataclass(frozen=True, slots=True)
class Grid:
    """A picture or video after the merge of patches: frames (of temporal patches), rows and columns of tokens.

    `interval` is how many positions lie between two frames, `number` counts pictures (or videos) of the batch from 0.
    """

    number: int
    frames: int
    rows: int
    columns: int
    interval: float = 1.0

    @property
    def tokens(self) -> int:
        return self.frames * self.rows * self.columns


@dataclass(frozen=True, slots=True)
class Span:
    """A run of tokens that take their positions together.

    `start` and `stop` count the row's tokens without padding, over all its forwards. `first` is the position at which
    the span begins. A picture's span has its `grid`, of a video perhaps one `frame` alone; `stop - start` differs from
    `expected` where the ids hold more or fewer placeholders than the grid has tokens. A picture without a grid counts
    on like text. `after` is the rule by which what follows goes on.
    """

    kind: SpanKind
    start: int
    stop: int
    first: int
    grid: Grid | None = None
    frame: int | None = None
    after: After = "side"

    @property
    def count(self) -> int:
        return self.stop - self.start

    @property
    def expected(self) -> int:
        """How many tokens the grid asks for."""
        if self.grid is None:
            return self.count
        return self.grid.tokens if self.frame is None else self.grid.rows * self.grid.columns

    @property
    def spread(self) -> Grid | None:
        """The grid that the tokens stand on; None where they count on like text."""
        return None if self.after == "flat" else self.grid

    @property
    def next(self) -> int:
        """The position of the first token behind the span."""
        if self.spread is None:
            return self.first + self.count
        if self.after == "last":
            return self.last + 1
        return self.first + max(self.spread.rows, self.spread.columns)

    @property
    def reaches_beyond(self) -> bool:
        """Whether the time of a video goes on beyond the position of what follows."""
        return self.spread is not None and self.last >= self.next

    @property
    def last(self) -> int:
        """The largest position in the span, on any axis; one less than `first` where the span is empty."""
        if self.spread is None or not self.count:
            return self.first + self.count - 1
        frame, place = divmod(self.count - 1, self.spread.rows * self.spread.columns)
        row = (self.spread.rows if frame else place // self.spread.columns + 1) - 1
        column = min(self.count, self.spread.columns) - 1
        return self.first + max(self.time(frame), row, column)

    def at(self, token: int) -> tuple[int, int, int]:
        """Time, height and width of a token, `start <= token < stop`."""
        place = token - self.start
        if self.spread is None:
            return self.first + place, self.first + place, self.first + place
        frame, place = divmod(place, self.spread.rows * self.spread.columns)
        row, column = divmod(place, self.spread.columns)
        return self.first + self.time(frame), self.first + row, self.first + column

    def time(self, frame: int) -> int:
        """How far a frame of the span stands behind its first, in positions; in float32, as the models compute it."""
        interval = 1.0 if self.spread is None else self.spread.interval
        return int(_float32(_float32(interval) * frame))

    def positions(self) -> Tensor:
        """All of it: i64 [3, tokens]."""
        import torch

        place = torch.arange(self.count)
        if self.spread is None:
            return (self.first + place).expand(3, -1)
        area = self.spread.rows * self.spread.columns
        frames = torch.tensor([self.time(frame) for frame in range(-(-self.count // area))])
        within = place % area
        return self.first + torch.stack(
            [frames[place // area], within // self.spread.columns, within % self.spread.columns]
        )


class Grids:
    """The pictures, or videos, that no placeholder has used yet, in their order in the batch."""

    def __init__(self, grids: Sequence[Grid]) -> None:
        self._left = list(grids)
        self._frame = 0

    def copy(self) -> Grids:
        """The same supply, to be taken from independently."""
        twin = Grids(self._left)
        twin._frame = self._frame
        return twin

    def add(self, grids: Sequence[Grid]) -> None:
        """Pictures that came with a later forward."""
        self._left.extend(grids)

    def take(self, count: int) -> Iterator[tuple[Grid | None, int | None, int]]:
        """Deal a run of `count` placeholders out to pictures: grid, frame (None for all of them) and tokens of each.

        A run that fits one picture, several in a row, or frames of a video that stand apart, is dealt out exactly. Of
        any other the first picture takes all, so that one wrong count does not shift the pictures behind it.
        """
        if not self._left:
            yield None, None, count
            return
        fitting = self._fitting(count)
        if fitting:
            for _ in range(fitting):
                grid = self._left.pop(0)
                yield grid, None, grid.tokens
            return
        grid = self._left[0]
        area = grid.rows * grid.columns
        if grid.frames > 1 and count % area == 0 and self._frame + count // area <= grid.frames:
            for _ in range(count // area):
                yield grid, self._frame, area
                self._frame += 1
            if self._frame < grid.frames:
                return
            self._frame, count = 0, 0
        self._left.pop(0)
        if count:
            yield grid, None, count

    def _fitting(self, count: int) -> int:
        """How many of the next pictures make up a run exactly; 0 where none do."""
        if self._frame:
            return 0
        total = 0
        for number, grid in enumerate(self._left, start=1):
            total += grid.tokens
            if total >= count:
                return number if total == count else 0
        return 0


class Walk:
    """The positions of one row of a batch, extended by the tokens of each forward.

    `tokens` were walked so far, padding left out; `delta` is how far a later token's position is ahead of its index.
    """

    def __init__(self, after: After = "side") -> None:
        self.after = after
        self.tokens = 0
        self.delta = 0
        self._next = 0
        self._largest = -1

    def extend(
        self,
        kinds: Sequence[str],
        grids: Mapping[str, Grids],
        *,
        counts_on: bool = False,
        restarts: Sequence[int] = (),
    ) -> list[Span]:
        """Spans of the tokens that a forward adds, padding left out.

        `kinds` are token kinds; all but image and video count as text. `grids` hold pictures by kind; a run of
        placeholders takes those that it uses. What follows without a picture, a decoding step above all, stands at
        its index plus the delta of the pictures before it; or `counts_on` from the last position, as in `generate`.
        At `restarts`, places among the kinds, another packed sequence begins, which counts from 0 again.
        """
        if restarts:
            spans = self.extend(kinds[: restarts[0]], grids, counts_on=counts_on)
            self._next, self._largest, self.delta = 0, -1, -self.tokens
            rest = [place - restarts[0] for place in restarts[1:]]
            return spans + self.extend(kinds[restarts[0] :], grids, counts_on=counts_on, restarts=rest)
        runs = [(kind, sum(1 for _ in run)) for kind, run in groupby(map(_span_kind, kinds))]
        if self.tokens and all(kind == "text" for kind, _ in runs):
            first = self._next if counts_on else self.tokens + self.delta
            spans = [Span(kind, self.tokens, self.tokens + count, first) for kind, count in runs]
            self._advance(sum(count for _, count in runs))
            return spans
        spans = [span for kind, count in runs for span in self._pieces(kind, count, grids.get(kind))]
        self.delta = self._largest + 1 - self.tokens
        return spans

    def _pieces(self, kind: SpanKind, count: int, grids: Grids | None) -> Iterator[Span]:
        """A run of tokens of one kind: one span for text, one for each picture in it."""
        dealt = [(None, None, count)] if kind == "text" or grids is None else grids.take(count)
        for grid, frame, tokens in dealt:
            span = Span(kind, self.tokens, self.tokens + tokens, self._next, grid, frame, self.after)
            self.tokens, self._next = span.stop, span.next
            self._largest = max(self._largest, span.last)
            yield span

    def _advance(self, count: int) -> None:
        self.tokens += count
        self._next += count
        self._largest = max(self._largest, self._next - 1)


def _float32(number: float) -> float:
    """A number as float32 holds it."""
    rounded: float = struct.unpack("f", struct.pack("f", number))[0]
    return rounded


def _span_kind(kind: str) -> SpanKind:
    return kind if kind in ("image", "video") else "text"  # type: ignore[return-value]


def differing(actual: Tensor, spans: Sequence[Span]) -> Tensor:
    """Which tokens stand elsewhere than their spans say: bool [tokens]. `actual` is i64 [axes, tokens], padding left
    out; models with one axis are compared on each axis of the span. Of other axes than time, height and width it is not
    known where pictures stand on them: those are compared on the first, which counts on.
    """
    import torch

    if not spans:
        return torch.zeros(actual.shape[-1], dtype=torch.bool)
    expected = torch.cat([span.positions() for span in spans], dim=1)
    if actual.shape[0] in (1, len(AXES)):
        return (actual.expand(len(AXES), -1) != expected).any(dim=0)
    is_text = torch.cat([torch.full((span.count,), span.kind == "text") for span in spans])
    wrong = actual != expected[:1]
    return wrong[0] | (wrong.any(dim=0) & is_text)
