"""What the tensor panel finds out about a port. Everything here may touch a file, a device or 100,000 calls: it runs in
a thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from inspector.analysis.tensors import Histogram, histogram, plane
from inspector.trace import Stats, TensorInfo, Trace
from inspector.tui.widgets.planes import TensorPlane
from inspector.tui.widgets.slicing import Slicing

if TYPE_CHECKING:
    from torch import Tensor

COUNTED = 2**25
"""Elements that are counted at most: of a larger tensor, evenly spaced slices along its longest axis."""


BINS, IN_A_BIN = 120, 8
"""A histogram has so many bins, fewer where not so many elements would fall into each."""


@dataclass(frozen=True, slots=True)
class Counts:
    """A histogram of `counted` of the `total` elements of a tensor, and its numbers."""

    histogram: Histogram
    counted: int
    total: int
    stats: Stats | None


@dataclass(frozen=True, slots=True)
class Link:
    """Where a tensor came from (`made`) or one of the places where it went."""

    made: bool
    call: int
    port: str


def plane_of(tensor: Tensor, slicing: Slicing) -> TensorPlane:
    """The plane that a slicing names. Shares the tensor's memory."""
    if tensor.ndim < 2:
        return TensorPlane(plane(tensor), slicing.address)
    return TensorPlane(plane(tensor, slicing.rows, slicing.columns, slicing.at), slicing.address)


def count(tensor: Tensor, info: TensorInfo) -> Counts:
    """A histogram of a tensor, and its statistics unless `info` has them already."""
    part = _part(tensor)
    stats = info.stats
    if stats is None and part.numel() and not part.is_complex():
        from inspector.analysis.stats import stats_of

        stats = stats_of(part)
    return Counts(histogram(part, max(8, min(BINS, part.numel() // IN_A_BIN))), part.numel(), tensor.numel(), stats)


def links(trace: Trace, call: int, port: str) -> list[Link]:
    """The calls that made the tensor at a port, unless it is this one, and the other calls that it went into."""
    made = [Link(True, *place) for place in trace.came_from(call, port)]
    return made + [Link(False, *place) for place in trace.went_to(call, port)]


def why_not_kept(trace: Trace, call: int, port: str) -> str:
    """Why there is no value to look at, and what to do about it."""
    if trace.model.shape_only:
        return (
            "Shape only: the model ran without weights, so floating-point tensors have a shape and no values. "
            "Open it with weights, or with random ones (--random-weights), to see values."
        )
    wanted = f"{trace.calls[call].path}:{port}"
    return f"This value was not kept. Ask again with {wanted} among the values, or * for all (--values '{wanted}')."


def _part(tensor: Tensor) -> Tensor:
    if tensor.numel() <= COUNTED:
        return tensor
    axis = max(range(tensor.ndim), key=lambda candidate: tensor.shape[candidate])
    every = -(-tensor.numel() // COUNTED)
    places: list[slice] = [slice(None)] * tensor.ndim
    places[axis] = slice(None, None, every)
    return tensor[tuple(places)]
