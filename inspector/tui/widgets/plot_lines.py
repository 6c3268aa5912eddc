"""Series of numbers as bars of eighth blocks or as lines of quarter blocks. No widgets here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

EIGHTHS = " ▁▂▃▄▅▆▇█"
QUADRANTS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"
"""A character for each set of quarters: upper left is 1, upper right 2, lower left 4, lower right 8."""


@dataclass(frozen=True, slots=True)
class Span:
    """The values between which a chart extends."""

    low: float
    high: float

    @classmethod
    def of(cls, series: Sequence[Sequence[float]], *, from_zero: bool) -> Span:
        finite = [value for values in series for value in values if math.isfinite(value)]
        low, high = min(finite, default=0.0), max(finite, default=1.0)
        if from_zero:
            low, high = min(low, 0.0), max(high, 0.0)
        return cls(low, high) if high > low else cls(low - 0.5, low + 0.5)

    def share(self, value: float) -> float:
        """0 at the bottom, 1 at the top."""
        return (value - self.low) / (self.high - self.low)


def bars(values: Sequence[float], span: Span, width: int, height: int) -> list[str]:
    """Lines from the top: a bar for each value, or for the greatest of those that share a column. None is invisible."""
    heights = [0.0 if value is None else span.share(value) for value in _columns(values, width)]
    lines = []
    for row in reversed(range(height)):
        drawn = [max(round(share * height * 8), 1 if share > 0 else 0) - 8 * row for share in heights]
        lines.append("".join(EIGHTHS[max(0, min(eighths, 8))] for eighths in drawn))
    return lines


def line(values: Sequence[float], span: Span, width: int, height: int) -> list[str]:
    """Lines from the top: the values from left to right as a line of quarter blocks, with gaps at nan."""
    cells = [[0] * width for _ in range(height)]
    before: int | None = None
    for x in range(2 * width):
        found = _at(values, x, 2 * width)
        if found is None:
            before = None
            continue
        y = round((1 - span.share(found)) * (2 * height - 1))
        start = y if before is None else before
        for quarter in range(min(y, start), max(y, start) + 1):
            cells[quarter // 2][x // 2] |= 1 << (2 * (quarter % 2) + x % 2)
        before = y
    return ["".join(QUADRANTS[bits] for bits in row) for row in cells]


def bar_column(index: int, count: int, width: int) -> int:
    """The first cell in which `bars` draws the value at `index` of `count`."""
    return -(-index * width // count) if count <= width else index * width // count


def line_column(index: int, count: int, width: int) -> int:
    """The cell in which `line` draws the value at `index` of `count`."""
    return bar_column(index, count, width) if count > width else index * (width - 1) // max(count - 1, 1)


def index_at(column: int, count: int, width: int) -> int:
    """The value that is drawn in a cell of `bars`, and near it in one of `line`."""
    return max(0, min(column * count // width, count - 1))


def _columns(values: Sequence[float], width: int) -> list[float | None]:
    """One number a column: values side by side, or of several that share a column the one farthest from 0."""
    count = len(values)
    if not count:
        return []
    if count <= width:
        return [_finite([values[x * count // width]]) for x in range(width)]
    return [_finite(values[count * x // width : count * (x + 1) // width]) for x in range(width)]


def _at(values: Sequence[float], x: int, width: int) -> float | None:
    """The value at a place of `width`, taken between two values, or of several the one farthest from 0."""
    count = len(values)
    if count > width:
        return _finite(values[count * x // width : count * (x + 1) // width])
    place = x * (count - 1) / max(width - 1, 1)
    left = min(int(place), count - 1)
    right = min(left + 1, count - 1)
    share = place - left
    found = values[left] * (1 - share) + values[right] * share if share else values[left]
    return found if math.isfinite(found) else None


def _finite(values: Sequence[float]) -> float | None:
    return max((value for value in values if math.isfinite(value)), key=abs, default=None)
