"""Queries and keys of one attention call before and after they were turned, from what modules and kernels got."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from inspector.analysis.forwards import kept, vision_towers, within
from inspector.trace import Call, TensorInfo, Trace

if TYPE_CHECKING:
    from torch import Tensor

Side = Literal["query", "key"]
NORMED = {"query": re.compile(r"q_?(uery)?_?(layer)?norm"), "key": re.compile(r"k_?(ey)?_?(layer)?norm")}
PROJECTED = {"query": "q_proj", "key": "k_proj"}


@dataclass(frozen=True, slots=True)
class Turned:
    """One head of the new tokens of one row. `before` and `after` are [tokens, dims] in the model's dtype, `came_from`
    is the module that put out what was turned.
    """

    side: Side
    head: int
    came_from: str
    before: Tensor
    after: Tensor


def decoder_attention(trace: Trace, step: int) -> list[Call]:
    """The attention calls of the decoder in a step, a layer each."""
    towers = vision_towers(trace)
    paths = [module.path for module in trace.modules if module.role == "attention" and not within(module.path, towers)]
    found = []
    for path in paths:
        calls = (trace.calls[index] for index in trace.occurrences(path))
        found += [call for call in calls if call.step == step][:1]
    return found


def heads(call: Call, side: Side) -> int:
    """How many heads of queries, or of keys, a call has; 0 where its kernel was not seen."""
    info = call.inputs.get(f"attention.{side}")
    return info.shape[1] if isinstance(info, TensorInfo) and len(info.shape) == 4 else 0


def wanted(layer: str) -> list[str]:
    """The globs over `path:port` that keep what `turned` reads of a layer."""
    modules = [f"*.{layer}.*{name}:output" for name in ("q_proj", "k_proj", "q_norm", "k_norm")]
    return [*modules, f"*.{layer}.*:attention.query", f"*.{layer}.*:attention.key*"]


def turned(trace: Trace, call: Call, side: Side, row: int, head: int, tokens: int) -> Turned | None:
    """A head before and after turning; None where a value was not kept, or the module's parts have other names."""
    after = _after(trace, call, side, tokens)
    found = next(_before(trace, call, side), None)
    if after is None or found is None or row >= after.shape[0] or not 0 <= head < after.shape[1]:
        return None
    path, value = found
    before = _by_head(value, after.shape[1], after.shape[-1])
    if before is None or before.shape[0] != after.shape[0] or before.shape[2] != after.shape[2]:
        return None
    return Turned(side, head, path, before[row, head], after[row, head])


def _after(trace: Trace, call: Call, side: Side, tokens: int) -> Tensor | None:
    """As the kernel got it, for the new tokens: [batch, heads, tokens, dims]."""
    for port in (f"attention.{side}_rows", f"attention.{side}"):
        value = kept(trace, call, port)
        if value is not None and value.ndim == 4 and value.shape[2] >= tokens:
            return value[:, :, -tokens:]
    return None


def _before(trace: Trace, call: Call, side: Side) -> Iterator[tuple[str, Tensor]]:
    """Path and output of what came last before turning: a norm over queries or keys, else the projection."""
    children = [trace.calls[index] for index in trace.children(call.index)]
    for child in children:
        value = kept(trace, child, "output")
        if value is not None and NORMED[side].fullmatch(child.path.rpartition(".")[2]):
            yield child.path, value
    for child in children:
        value = kept(trace, child, "output")
        if value is not None and child.role == PROJECTED[side]:
            yield child.path, value


def _by_head(value: Tensor, count: int, dims: int) -> Tensor | None:
    """[batch, heads, tokens, dims] of what is [batch, tokens, heads × dims], or has heads as an axis of its own."""
    if value.ndim == 3 and value.shape[-1] == count * dims:
        return value.reshape(*value.shape[:2], count, dims).transpose(1, 2)
    if value.ndim == 4 and value.shape[-1] == dims:
        return value if value.shape[1] == count else value.transpose(1, 2) if value.shape[2] == count else None
    return None
