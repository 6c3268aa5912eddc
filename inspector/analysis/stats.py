"""A tensor in a few numbers, computed where it lives.

Three passes over memory (extremes, sum, sum of squares) instead of the seven that the plain formulas take; the numbers
stay on the device until they are asked for, so that nothing waits for an accelerator in the middle of a forward.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from inspector.trace import Stats

CANCELLED = 1e-4
"""Below this ratio of variance to squared mean, `E[x²] - E[x]²` in float32 keeps too few digits."""


class Pending:
    """Statistics whose numbers may still be on the device. `stats()` fetches them, once."""

    __slots__ = ("_numbers", "_stats")

    def __init__(self, numbers: Tensor | None, stats: Stats | None = None) -> None:
        self._numbers = numbers
        self._stats = stats

    def stats(self) -> Stats:
        if self._stats is None:
            assert self._numbers is not None
            low, high, mean, std, nan, inf, count = self._numbers.tolist()
            self._stats = Stats(low, high, mean, std, int(nan), int(inf)) if count else _nothing(int(nan), int(inf))
            self._numbers = None
        return self._stats


def measure(tensor: Tensor) -> Pending:
    """Statistics of a dense tensor of any shape, dtype and device. The tensor is neither kept nor changed.

    `min`, `max`, `mean` and `std` (population) are over the finite elements; of complex ones, over their magnitudes.
    """
    if tensor.numel() == 0:
        return Pending(None, _nothing(0, 0))
    if tensor.is_complex():
        tensor = tensor.abs()
    if not tensor.is_floating_point():
        tensor = tensor.double()
    elif tensor.dtype.itemsize == 1:  # float8 has no arithmetic of its own
        tensor = tensor.float()
    return Pending(None, _on_host(tensor)) if tensor.device.type == "cpu" else Pending(_on_device(tensor))


def stats_of(tensor: Tensor) -> Stats:
    """Statistics as numbers, at once; see `measure`."""
    return measure(tensor.detach()).stats()


def _on_host(tensor: Tensor) -> Stats:
    """A glance at the sum tells whether every element is finite, which nearly always spares looking for those that are
    not.
    """
    low, high = torch.aminmax(tensor)
    wide = torch.float64 if tensor.dtype == torch.float64 else torch.float32
    total = tensor.sum(dtype=wide).item()
    norm = torch.linalg.vector_norm(tensor, dtype=wide).item()
    if not (math.isfinite(total) and math.isfinite(norm)):
        return _with_gaps(tensor)
    count = tensor.numel()
    mean = total / count
    variance = norm * norm / count - mean * mean
    if variance < CANCELLED * mean * mean:
        variance = torch.var(tensor.double(), correction=0).item()
    return Stats(low.item(), high.item(), mean, math.sqrt(variance))


def _with_gaps(tensor: Tensor) -> Stats:
    """The slow and exact way, for a tensor with elements that are not finite, or whose sums overflow."""
    nan, inf = int(tensor.isnan().sum()), int(tensor.isinf().sum())
    finite = tensor[tensor.isfinite()].double()
    if not finite.numel():
        return _nothing(nan, inf)
    low, high = torch.aminmax(finite)
    std = torch.std(finite, correction=0)
    return Stats(low.item(), high.item(), finite.mean().item(), std.item(), nan, inf)


def _on_device(tensor: Tensor) -> Tensor:
    """The seven numbers as one small tensor, f64 or f32 [7], without asking the device for a single value."""
    wide = tensor.to(torch.float32) if tensor.device.type == "mps" else tensor.to(torch.float64)
    finite = wide.isfinite()
    count = finite.sum().to(wide.dtype)
    masked = torch.where(finite, wide, 0)
    mean = masked.sum() / count
    std = torch.sqrt(torch.where(finite, (wide - mean) ** 2, 0).sum() / count)
    low = torch.where(finite, wide, math.inf).amin()
    high = torch.where(finite, wide, -math.inf).amax()
    nan = wide.isnan().sum().to(wide.dtype)
    inf = wide.isinf().sum().to(wide.dtype)
    return torch.stack([low, high, mean, std, nan, inf, count])


def _nothing(nan: int, inf: int) -> Stats:
    return Stats(None, None, None, None, nan, inf)
