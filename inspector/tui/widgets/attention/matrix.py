"""All queries of a head over all keys, worked out where it is looked at and no further.

A heatmap asks for the cells on the screen. Where a cell covers many queries of a long call, one of them stands for all:
the whole of 32,768 × 32,768 probabilities is never worked out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from inspector.analysis import tensors
from inspector.analysis.attention import Attention
from inspector.analysis.tensors import Reduction
from inspector.analysis.wording import number
from inspector.tui.widgets.planes import SAMPLE, Cells

if TYPE_CHECKING:
    from torch import Tensor

ALL = 2**21
"""Probabilities that are worked out for one picture; beyond, a query of each cell stands for it."""

ROWS = 16
"""Queries that the colours are scaled by."""


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """The plane of a head: queries down, keys across, each with what names one of them or, given as `a:b`, several."""

    attention: Attention
    head: int
    query: Callable[[int | str], str]
    key: Callable[[int | str], str]

    searched: ClassVar[int] = 1
    """A cell of many is not looked through: they would have to be worked out once more."""

    @property
    def rows(self) -> int:
        return self.attention.kernel.queries

    @property
    def columns(self) -> int:
        return self.attention.kernel.keys

    @property
    def sampled(self) -> bool:
        """Whether one query of a cell stands for all when the whole is looked at."""
        return self.rows * self.columns > ALL

    def cells(self, rows: Sequence[int], columns: Sequence[int], how: Reduction) -> Cells:
        if (rows[-1] - rows[0]) * self.columns <= ALL:
            found = self.attention.probabilities(self.head, range(rows[0], rows[-1]))
            return tensors.cells(found, [row - rows[0] for row in rows], columns, how)
        return [line for queries in spread(rows) for line in self._lines(queries, columns, how)]

    def values(self, rows: range, columns: range) -> list[list[Any]]:
        found = self.attention.probabilities(self.head, rows)[:, columns.start : columns.stop]
        values: list[list[Any]] = found.tolist()
        return values

    def sample(self) -> list[float]:
        step = max(1, self.rows // ROWS)
        found = self.attention.probabilities(self.head, range(step - 1, self.rows, step)).flatten()
        values: list[float] = found[:: max(1, found.shape[0] // SAMPLE)].tolist()
        return values

    def where(self, row: int | str, column: int | str) -> str:
        return f"{self.query(row)} → {self.key(column)}"

    def said(self, value: float) -> str:
        return number(value)

    def _lines(self, queries: range, columns: Sequence[int], how: Reduction) -> Cells:
        found: Tensor = self.attention.probabilities(self.head, queries)
        return tensors.cells(found, range(len(queries) + 1), columns, how)


def spread(edges: Sequence[int]) -> Iterator[range]:
    """A query from each cell between these edges, as few evenly spaced ranges: they are worked out together."""
    bounds = list(pairwise(edges))
    start = 0
    while start < len(bounds):
        together = _even(bounds[start:])
        yield together
        start += len(together)


def _even(bounds: Sequence[tuple[int, int]]) -> range:
    """As many cells, from the first on, as a step of one length meets once each. The first is met at its last query."""
    first = bounds[0][1] - 1
    step = max(1, bounds[1][1] - bounds[0][1]) if len(bounds) > 1 else 1
    count = 1
    for low, high in bounds[1:]:
        if not low <= first + count * step < high:
            break
        count += 1
    return range(first, first + count * step, step)
