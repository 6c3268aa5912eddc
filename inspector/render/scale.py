"""From numbers to colours, the same in a terminal and in a picture. What is not finite has colours of its own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from inspector.analysis.tensors import edges

Rgb = tuple[int, int, int]

NAN: Rgb = (255, 0, 255)
INF: Rgb = (255, 140, 0)
SHADES = " ░▒▓█"
"""Five levels, for paper without colour."""

# Viridis, for values of one sign, and a blue-grey-red scale for both signs: evenly bright steps, and readable by
# people who see red and green alike.
RISING: tuple[Rgb, ...] = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
DIVERGING: tuple[Rgb, ...] = ((33, 102, 172), (146, 197, 222), (247, 247, 247), (244, 165, 130), (178, 24, 43))


@dataclass(frozen=True, slots=True)
class Scale:
    """A range of numbers. With both signs, zero stands in the middle of the colours."""

    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Scale:
        """The range of the finite `values` without the outermost hundredth at each end: outliers flatten the rest."""
        finite = sorted(value for value in values if math.isfinite(value))
        if not finite:
            return cls(0.0, 0.0)
        aside = len(finite) // 100
        low, high = finite[aside], finite[-1 - aside]
        if low == high:
            low, high = finite[0], finite[-1]
        if low < 0 < high:
            reach = max(-low, high)
            return cls(-reach, reach)
        return cls(low, high)

    def level(self, value: float) -> float:
        """Where a finite value stands, from 0 to 1."""
        if self.high <= self.low:
            return 0.5
        return min(1.0, max(0.0, (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)))

    def color(self, value: float) -> Rgb:
        if math.isnan(value):
            return NAN
        if math.isinf(value):
            return INF
        return _between(DIVERGING if self.low < 0 < self.high else RISING, self.level(value))

    def shade(self, value: float) -> str:
        """A sign for paper without colour: darker for larger, by magnitude where both signs occur."""
        if math.isnan(value):
            return "!"
        if math.isinf(value):
            return "∞"
        level = self.level(value)
        if self.low < 0 < self.high:
            level = abs(2 * level - 1)
        return SHADES[min(len(SHADES) - 1, int(level * len(SHADES)))]


def shrink(values: Sequence[Sequence[float]], height: int, width: int) -> list[list[float]]:
    """`values[row][column]` as at most `height` by `width` means; a cell with anything not finite in it shows that."""
    if not values or not values[0]:
        return []
    rows, columns = edges(len(values), height), edges(len(values[0]), width)
    if (len(rows), len(columns)) == (len(values) + 1, len(values[0]) + 1):
        return [list(row) for row in values]
    return [
        [mean([value for row in values[top:bottom] for value in row[left:right]]) for left, right in pairwise(columns)]
        for top, bottom in pairwise(rows)
    ]


def mean(values: Sequence[float]) -> float:
    """The mean; nan, or an infinity, where one is among the values."""
    if any(math.isnan(value) for value in values):
        return math.nan
    infinite = next((value for value in values if math.isinf(value)), None)
    return sum(values) / len(values) if infinite is None else infinite


def _between(stops: tuple[Rgb, ...], level: float) -> Rgb:
    place = level * (len(stops) - 1)
    index = min(len(stops) - 2, int(place))
    red, green, blue = (
        round(low + (high - low) * (place - index)) for low, high in zip(stops[index], stops[index + 1], strict=True)
    )
    return red, green, blue
