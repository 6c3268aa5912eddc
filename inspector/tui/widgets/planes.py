"""What a heatmap draws: numbers over two axes, read in pieces. A tensor's plane, or the rows of a `parts.Heatmap`.

Reading may touch a file or a device: it happens in a thread. Nothing here imports torch; a plane of a tensor comes from
one that has been read already.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

from inspector.analysis import tensors
from inspector.analysis.tensors import Reduction
from inspector.tui.widgets.palette import Scale

if TYPE_CHECKING:
    from torch import Tensor

SAMPLE = 2**16
"""Elements that the colour scale is taken from, at most: evenly spaced ones of a larger plane."""

OUTLYING = 4.0
"""Values beyond so many times the 99.5th percentile are left off the scale: one outlier must not wash out the rest."""

Cells = list[list[float]]


class Plane(Protocol):
    """Numbers over `rows` and `columns`."""

    @property
    def rows(self) -> int: ...
    @property
    def columns(self) -> int: ...

    def cells(self, rows: Sequence[int], columns: Sequence[int], how: Reduction) -> Cells:
        """One number between each two of the ascending edges, as `analysis.tensors.cells` reduces them."""
        ...

    def values(self, rows: range, columns: range) -> list[list[Any]]:
        """The numbers themselves, unrounded."""
        ...

    def sample(self) -> list[float]:
        """At most `SAMPLE` of the numbers, evenly spaced."""
        ...

    def where(self, row: int | str, column: int | str) -> str:
        """How an element, or with ranges in Python's notation a part, is addressed: `[0, 3, 17]`, `[0, 3:6, 17]`."""
        ...


@dataclass(frozen=True, slots=True)
class TensorPlane:
    """A tensor [rows, columns]; `address` writes the index that an element has in the tensor it came from."""

    tensor: Tensor
    address: Callable[[int | str, int | str], str]

    @property
    def rows(self) -> int:
        return self.tensor.shape[0]

    @property
    def columns(self) -> int:
        return self.tensor.shape[1]

    def cells(self, rows: Sequence[int], columns: Sequence[int], how: Reduction) -> Cells:
        return tensors.cells(self.tensor, rows, columns, how)

    def values(self, rows: range, columns: range) -> list[list[Any]]:
        found: list[list[Any]] = self.tensor[rows.start : rows.stop, columns.start : columns.stop].tolist()
        return found

    def sample(self) -> list[float]:
        down, across = _steps(self.rows, self.columns)
        part = self.tensor[::down, ::across].cpu()
        found: list[float] = (part.abs() if part.is_complex() else part).double().flatten().tolist()
        return found

    def where(self, row: int | str, column: int | str) -> str:
        return self.address(row, column)


@dataclass(frozen=True, slots=True)
class ListPlane:
    """Rows of numbers, each as long as the first."""

    data: Sequence[Sequence[float]]

    @property
    def rows(self) -> int:
        return len(self.data)

    @property
    def columns(self) -> int:
        return len(self.data[0]) if len(self.data) else 0

    def cells(self, rows: Sequence[int], columns: Sequence[int], how: Reduction) -> Cells:
        return [
            [reduced(_block(self.data, top, bottom, left, right), how) for left, right in pairwise(columns)]
            for top, bottom in pairwise(rows)
        ]

    def values(self, rows: range, columns: range) -> list[list[Any]]:
        return [list(self.data[row][columns.start : columns.stop]) for row in rows]

    def sample(self) -> list[float]:
        down, across = _steps(self.rows, self.columns)
        return [value for row in range(0, self.rows, down) for value in self.data[row][::across]]

    def where(self, row: int | str, column: int | str) -> str:
        return f"[{row}, {column}]"


def reduced(values: Sequence[float], how: Reduction) -> float:
    """Numbers as one; nan if any is, else an infinity if any is. As in `analysis.tensors`, without torch."""
    if len(values) == 1:
        return values[0]
    loud = [value for value in values if not math.isfinite(value)]
    if loud:
        return math.nan if any(map(math.isnan, loud)) else loud[0]
    if how == "mean":
        return math.fsum(value / len(values) for value in values)
    low, high = min(values), max(values)
    return low if how == "min" or (how == "extreme" and -low > high) else high


def colour_scale(sample: Sequence[float], *, centred: bool = True) -> Scale:
    """A scale for a plane, around 0 or (not `centred`) from its least to its greatest number.

    Numbers that are not finite play no part. Where few lie far out, the scale ends at the 99.5th percentile.
    """
    finite = sorted(value for value in sample if math.isfinite(value))
    if not finite:
        return Scale()
    farthest = max(-finite[0], finite[-1])
    if not centred:
        return Scale((finite[0] + finite[-1]) / 2, (finite[-1] - finite[0]) / 2)
    sizes = sorted(map(abs, finite))
    usual = sizes[min(len(sizes) - 1, int(len(sizes) * 0.995))]
    return Scale(0.0, usual if 0 < usual * OUTLYING < farthest else farthest)


def _block(data: Sequence[Sequence[float]], top: int, bottom: int, left: int, right: int) -> Sequence[float]:
    if bottom - top == 1:
        return data[top][left:right]
    return [value for row in range(top, bottom) for value in data[row][left:right]]


def _steps(rows: int, columns: int) -> tuple[int, int]:
    """How many rows and columns to step over, so that at most `SAMPLE` elements are met."""
    across = max(1, -(-columns // max(1, SAMPLE // max(1, min(rows, 512)))))
    down = max(1, -(-rows * -(-columns // across) // SAMPLE))
    return down, across
