"""The mask that an attention call really applied, as spans, with where it is known from and why it is so.

It is read off the tensor that the kernel got, off the rule by which transformers made that tensor, or worked out from
what the kernel was told in place of a mask: `is_causal`, a sliding window, cumulative lengths, one call a window.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from inspector.analysis.checks import counted
from inspector.analysis.kernels import PORT, Kernel
from inspector.analysis.mask_makers import Made, left_out, maker
from inspector.analysis.mask_patterns import Pattern, pattern
from inspector.analysis.mask_rules import NoRule, words
from inspector.analysis.spans import Spans, from_rows, runs
from inspector.trace import TensorInfo

if TYPE_CHECKING:
    from torch import Tensor

HIDING = -1e4
"""An additive mask hides a key from this value on: beside any other, its probability is 0 in every dtype."""

PICTURES = words("blocks")
"""Words of a rule by which tokens of one picture see each other."""

Source = Literal["tensor", "rule", "kernel", "unknown"]


@dataclass(frozen=True)
class Applied:
    """The mask of one attention call for one row of the batch (and, where heads differ, one head).

    `spans` is None where the mask cannot be told. `source` says what it is read from, `rule` how transformers made it
    (in words, empty where that is not known), `reason` why it is as it is.
    """

    spans: Spans | None
    source: Source
    reason: str
    rule: str = ""

    @cached_property
    def read(self) -> Pattern:
        """What is read off its spans."""
        if self.spans is None:
            return Pattern("not known")
        return pattern(self.spans, "image tokens" if PICTURES in self.rule else "keys")

    @property
    def pattern(self) -> str:
        """What it is called: causal, within a sliding window of 4,096, every key, …"""
        if self.spans is None:
            return self.read.name
        hidden = 0 if self.spans.visible is None else int((~self.spans.visible).sum())
        name = self.read.name
        return f"{name}, {counted(hidden, 'hidden key')}" if hidden else name


def applied(kernel: Kernel, row: int = 0, head: int = 0) -> Applied:
    """The mask that a kernel applied to a row of the batch."""
    mask = kernel.mask
    if mask is None:
        return _without_tensor(kernel)
    tensor = kernel.tensor("mask")
    made = maker(kernel)
    rule = "" if made is None else made.words(row)
    by = f", made by {made.maker}" if made is not None else ""
    if not isinstance(mask, TensorInfo):
        return _from_rule(kernel, made, row, f"The kernel got {mask}{by}.", rule)
    if len(mask.shape) == 2:
        return _padding_only(kernel, tensor, row, rule)
    if tensor is None:
        return _from_rule(kernel, made, row, f"The kernel got {mask}{by}; its values were not kept.", rule)
    if kernel.name == "eager" and mask.dtype == "bool":
        reason = f"The kernel got {mask}{by}, and eager attention adds it to the scores as 0 and 1: nothing is hidden!"
        return Applied(everything(kernel), "tensor", reason, rule)
    plane = _plane(tensor, row, head)[:, : kernel.keys].expand(kernel.queries, -1)
    return Applied(from_rows(_Seen(plane)), "tensor", f"The kernel got {mask}{by}.", rule)


def by_head(kernel: Kernel) -> bool:
    """Whether the heads of a call may have masks of their own."""
    mask = kernel.mask
    return isinstance(mask, TensorInfo) and len(mask.shape) > 2 and mask.shape[-3] > 1


def seen(mask: Tensor) -> Any:
    """Which elements of a mask let a key be seen: where a bool one is True, and an additive one does not hide."""
    return (mask > HIDING if mask.dtype.is_floating_point else mask != 0).numpy(force=True)


@dataclass(frozen=True, slots=True)
class _Seen:
    """`seen` of a plane [queries, keys], of the part that is asked for."""

    plane: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.plane.shape)

    def __getitem__(self, rows: slice) -> Any:
        return seen(self.plane[rows])


def _from_rule(kernel: Kernel, made: Made | None, row: int, reason: str, rule: str) -> Applied:
    if made is not None:
        try:
            found = made.spans(row)
        except NoRule as error:
            return Applied(None, "unknown", f"{reason} Its rule is not understood: {error}.", rule)
        if (found.queries, found.keys) == (kernel.queries, kernel.keys):
            return Applied(found, "rule", f"{reason} It follows from its rule.", rule)
    keep = f"Trace again with --values '{kernel.path}:{PORT}mask' to see it."
    return Applied(None, "unknown", f"{reason} {keep}", rule)


def _plane(tensor: Tensor, row: int, head: int) -> Tensor:
    """The mask of one row and head, [queries, keys], from one that may have axes of size 1 or lack them."""
    while tensor.ndim > 2:
        index = (row, head)[tensor.ndim == 3]
        tensor = tensor[index % tensor.shape[0]]
    return tensor


def _padding_only(kernel: Kernel, tensor: Tensor | None, row: int, rule: str) -> Applied:
    """A 2-D mask [batch, keys], as flash attention takes it: what it hides is left out before the kernel runs."""
    own = _without_tensor(kernel)
    if tensor is None or own.spans is None:
        return Applied(None, "unknown", f"The kernel got {kernel.mask}; its values were not kept.", rule)
    real = seen(tensor[row % tensor.shape[0]])
    found = own.spans.among(real)
    if len(real) == kernel.queries:  # what is left out asks nothing either
        found = Spans(found.low, np.where(real, found.high, found.low), found.keys, found.visible)
    reason = f"The kernel got {kernel.mask}: padding is left out of queries and keys before it runs."
    return Applied(found, "tensor", f"{reason} {own.reason}", rule)


def _without_tensor(kernel: Kernel) -> Applied:
    """What a kernel does that gets no mask."""
    lengths = kernel.tensor("lengths")
    if lengths is not None:
        sizes = lengths.numpy(force=True)
        found = blocks(np.cumsum(sizes[:, 0]), np.cumsum(sizes[:, 1]))
        reason = f"The module calls its kernel {len(sizes):,} times, once for each block of queries and keys."
        return Applied(found, "kernel", reason)
    if "flash" in kernel.name:
        return _flash(kernel)
    if kernel.name in ("eager", "flex_attention"):
        return Applied(everything(kernel), "kernel", f"The kernel got no mask, and {kernel.name} adds none of its own.")
    return _sdpa(kernel)


def _sdpa(kernel: Kernel) -> Applied:
    """torch's scaled_dot_product_attention as transformers calls it; kernels of other names are taken for such."""
    if kernel.queries == 1:
        return Applied(everything(kernel), "kernel", "No mask, and one query: it sees every key that there is.")
    if not kernel.flag("is_causal"):
        return Applied(everything(kernel), "kernel", "No mask, and is_causal is False: every query sees every key.")
    found = runs(0, np.arange(kernel.queries) + 1, kernel.queries, kernel.keys)
    reason = f"No mask tensor: {kernel.name} was told is_causal, so query i sees the keys 0 to i."
    skipped = left_out(kernel)
    if skipped:
        same = "; ".join(dict.fromkeys(f"{made.maker} ({words(made.rule)})" for made in skipped))
        reason += f" transformers left out what comes to the same: {same}."
    return Applied(found, "kernel", reason)


def _flash(kernel: Kernel) -> Applied:
    """Flash attention: causal from the last query and key backwards, windows and packed sequences of its own."""
    lengths = [length for side in "qk" if (length := kernel.tensor(f"cu_seq_lens_{side}")) is not None]
    causal, window = kernel.flag("is_causal"), kernel.number("sliding_window")
    index = np.arange(kernel.queries) + kernel.keys - kernel.queries
    low: Any = 0
    high: Any = index + 1 if causal else kernel.keys
    said = "is_causal, so the last query sees every key and each one before it one less"
    if not causal:
        said = "that it is not causal"
    if window is not None and kernel.keys > window:
        low = index - int(window) + 1
        high = high if causal else index + int(window)
        said += f", and a sliding window of {int(window):,}"
    found = runs(low, high, kernel.queries, kernel.keys)
    if len(lengths) == 2:
        found &= blocks(*(length.numpy(force=True)[1:] for length in lengths))
        said += f", and the cumulative lengths of {len(lengths[0]) - 1:,} blocks"
    elif (packed := _packed(kernel)) is not None:
        found &= blocks(packed, packed)
        said += f", and positions that begin anew {len(packed):,} times: packed sequences"
    return Applied(found, "kernel", f"No mask tensor: {kernel.name} was told {said}.")


def _packed(kernel: Kernel) -> Any:
    """Where packed sequences end, from positions that begin anew in a single row; None without any."""
    positions = kernel.tensor("position_ids")
    if positions is None or positions.ndim != 2 or positions.shape[0] != 1 or positions.shape[1] != kernel.queries:
        return None
    line = positions[0].numpy(force=True)
    ends = np.flatnonzero(np.diff(line) != 1) + 1
    return np.append(ends, len(line)) if len(ends) else None


def everything(kernel: Kernel) -> Spans:
    """Every query sees every key."""
    return runs(0, kernel.keys, kernel.queries, kernel.keys)


def blocks(query_ends: Any, key_ends: Any) -> Spans:
    """Blocks on the diagonal, by where each ends: what a query sees is the block that it stands in."""
    sizes = np.diff(query_ends, prepend=0)
    starts = np.concatenate([[0], key_ends[:-1]])
    return runs(np.repeat(starts, sizes), np.repeat(key_ends, sizes), int(query_ends[-1]), int(key_ends[-1]))
