"""A tensor made small enough to be looked at: a histogram, one plane of it, a plane as a grid of cells.

Not a number and infinities are never averaged away: they are counted beside a histogram and take over the cell of a
grid in which they stand. Every function reads the tensor where it lives, in pieces, and copies none of it whole.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from inspector.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

Reduction = Literal["mean", "min", "max", "extreme"]
REDUCTIONS: tuple[Reduction, ...] = get_args(Reduction)
"""How a cell sums up what it covers; `extreme` is the value farthest from 0, with its sign."""

PIECE = 2**20
"""Elements that are converted at a time."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Finite values counted between ascending `edges` (one more than `counts`), and what is not finite beside them."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    nan: int = 0
    positive_inf: int = 0
    negative_inf: int = 0


def histogram(tensor: Tensor, bins: int = 40) -> Histogram:
    """Count the values of `tensor`, any shape and dtype (a complex one by magnitude).

    Integers that span fewer than `bins` numbers get a bin each. No edges and no counts where nothing is finite.
    """
    low, high, nan, positive, negative = _extent(tensor)
    if low > high:
        return Histogram((), (), nan, positive, negative)
    if not (tensor.is_floating_point() or tensor.is_complex()) and high - low < bins:
        bins, low, high = int(high - low) + 1, low - 0.5, high + 0.5
    elif low == high:
        bins, low, high = 1, low - 0.5, high + 0.5
    scale = 1.0 if high - low < 1e300 else 2.0**-32  # near the limits of f64, histc overflows inside
    counts = [0.0] * bins
    for piece in _pieces(tensor):
        found = (piece * scale if scale < 1 else piece).histc(bins, min=low * scale, max=high * scale).tolist()
        counts = [total + more for total, more in zip(counts, found, strict=True)]
    edges = tuple(low * (1 - step / bins) + high * (step / bins) for step in range(bins + 1))
    return Histogram(edges, tuple(int(count) for count in counts), nan, positive, negative)


def plane(tensor: Tensor, rows: int = -2, columns: int = -1, at: Sequence[int] = ()) -> Tensor:
    """The plane [rows, columns] of `tensor` over two of its axes, without a copy.

    `at` holds an index for each other axis, in their order; missing ones are 0. A tensor of one axis is a single row,
    one without axes a single cell. Raises `InputError` for an axis or index that is not there.
    """
    if tensor.ndim < 2:
        return tensor.reshape(1, -1)
    rows, columns = _axis(tensor, rows), _axis(tensor, columns)
    if rows == columns:
        raise InputError(f"Rows and columns cannot both be axis {rows} of a tensor of shape {list(tensor.shape)}.")
    rest = [axis for axis in range(tensor.ndim) if axis not in (rows, columns)]
    indices = [*at, *[0] * (len(rest) - len(at))]
    if len(indices) > len(rest):
        raise InputError(f"{len(indices)} indices for the {len(rest)} other axes of a tensor {list(tensor.shape)}.")
    for axis, index in zip(reversed(rest), reversed(indices), strict=True):
        if not -tensor.shape[axis] <= index < tensor.shape[axis]:
            raise InputError(f"Axis {axis} of a tensor {list(tensor.shape)} has no index {index}.")
        tensor = tensor.select(axis, index)
    return tensor if rows < columns else tensor.T


def grid(values: Tensor, height: int, width: int, how: Reduction = "mean") -> list[list[float]]:
    """`values` [rows, columns] as at most `height` by `width` cells, each the reduction of what it covers.

    Cell i of n covers `edges(size, n)[i]` up to the next. A cell that covers a nan is nan; else one that covers an
    infinity is an infinity, whatever the reduction.
    """
    if 0 in values.shape:
        return []
    return cells(values, edges(values.shape[0], height), edges(values.shape[1], width), how)


def cells(values: Tensor, rows: Sequence[int], columns: Sequence[int], how: Reduction = "mean") -> list[list[float]]:
    """Part of a grid: a cell between each two of the ascending edges `rows` and `columns` of `values`, as in `grid`."""
    if values.stride(0) < values.stride(1):  # a transposed plane: along its memory is ten times as fast
        return [list(row) for row in zip(*cells(values.T, columns, rows, how), strict=True)]
    part = values[:, columns[0] : columns[-1]]
    shifted = [column - columns[0] for column in columns]
    return [_band(part[top:bottom], shifted, how) for top, bottom in itertools.pairwise(rows)]


def edges(size: int, cells: int) -> list[int]:
    """Where `size` elements are cut into at most `cells` runs of near equal length: ascending, from 0 to `size`."""
    cells = max(1, min(size, cells))
    return [size * cell // cells for cell in range(cells + 1)]


def _band(band: Tensor, columns: list[int], how: Reduction) -> list[float]:
    """A row of cells from the rows that it covers: first down the rows, then along the runs of columns."""
    import numpy as np

    low, high, total = (array.numpy(force=True) for array in _down(band, how))
    starts = columns[:-1]
    least, most = np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)
    with np.errstate(invalid="ignore", over="ignore"):
        mean = np.add.reduceat(total, starts) / (np.diff(columns) * band.shape[0])
    extreme = np.where(-least > most, least, most)
    band_cells = {"mean": mean, "min": least, "max": most, "extreme": extreme}[how].copy()
    for loud in (least, most):
        band_cells[np.isinf(loud)] = loud[np.isinf(loud)]
    band_cells[np.isnan(most)] = np.nan
    found: list[float] = band_cells.tolist()
    return found


def _down(band: Tensor, how: Reduction) -> tuple[Tensor, Tensor, Tensor]:
    """Minimum, maximum and sum of each column, f64 [columns]; the sum only where a mean is asked for."""
    import torch

    low = high = total = torch.zeros(0)
    for part in torch.split(band, max(1, PIECE // band.shape[1])):
        real = _real(part)
        least, most = real.amin(0).double(), real.amax(0).double()
        summed = real.sum(0, dtype=torch.float64) if how == "mean" else most
        first = not low.numel()
        low = least if first else torch.minimum(low, least)
        high = most if first else torch.maximum(high, most)
        total = summed if first else total + summed
    return low, high, total


def _extent(tensor: Tensor) -> tuple[float, float, int, int, int]:
    """The finite minimum and maximum (inf and -inf where nothing is finite), and how many are nan, inf and -inf."""
    import torch

    low, high = math.inf, -math.inf
    nan = positive = negative = 0
    for piece in _pieces(tensor):
        finite = piece
        if not bool(torch.stack(torch.aminmax(piece)).isfinite().all()):
            nan += int(piece.isnan().sum())
            positive += int(piece.isposinf().sum())
            negative += int(piece.isneginf().sum())
            finite = piece[piece.isfinite()]
        if finite.numel():
            least, most = torch.aminmax(finite)
            low, high = min(low, float(least)), max(high, float(most))
    return low, high, nan, positive, negative


def _pieces(tensor: Tensor) -> Iterator[Tensor]:
    """The elements as f64 vectors of at most `PIECE`."""
    import torch

    for piece in torch.split(tensor.reshape(-1), PIECE) if tensor.numel() else ():
        yield _real(piece).double()


def _real(part: Tensor) -> Tensor:
    """A small piece in a dtype, and on a device, whose reductions torch implements."""
    import torch

    if part.device.type == "mps":  # has no f64
        part = part.cpu()
    if part.is_complex():
        return part.abs()
    if part.dtype == torch.bool:
        return part.to(torch.uint8)
    return part.float() if part.is_floating_point() and part.element_size() == 1 else part


def _axis(tensor: Tensor, axis: int) -> int:
    if not -tensor.ndim <= axis < tensor.ndim:
        raise InputError(f"A tensor of shape {list(tensor.shape)} has no axis {axis}; it has 0 to {tensor.ndim - 1}.")
    return axis % tensor.ndim
