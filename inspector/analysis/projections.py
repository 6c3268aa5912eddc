"""Queries and keys of one attention call before and after they were turned, from what modules and kernels got."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from inspector.analysis.checks import some
from inspector.analysis.forwards import Forward, kept, vision_towers, within
from inspector.analysis.heads import by_head, fused, like
from inspector.trace import Call, TensorInfo, Trace

if TYPE_CHECKING:
    from torch import Tensor

Side = Literal["query", "key"]
NORMED = {"query": re.compile(r"q_?(uery)?_?(layer)?norm"), "key": re.compile(r"k_?(ey)?_?(layer)?norm")}
PROJECTED = {"query": "q_proj", "key": "k_proj"}
FUSED = "qkv_proj"


@dataclass(frozen=True, slots=True)
class Turned:
    """One head of the new tokens of one row. `before` and `after` are [tokens, dims] in the model's dtype, `came_from`
    is the module that put out what was turned. `normed` names the norm behind the rotation, whose input `after` is
    then; empty where the kernel got `after` as it is.
    """

    side: Side
    head: int
    came_from: str
    before: Tensor
    after: Tensor
    normed: str = ""


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
    modules = [f"*.{layer}.*{name}:output" for name in ("q_proj", "k_proj", "qkv*", "query_key_value", "Wqkv")]
    norms = [f"*.{layer}.*{name}*norm:{port}" for name in "qk" for port in ("input.*", "output")]
    ports = [f"*.{layer}.*:attention.{name}" for name in ("query", "key*", "value*")]
    return [*modules, *norms, *ports]


def turned(trace: Trace, call: Call, side: Side, row: int, head: int, forward: Forward) -> Turned | str:
    """A head before and after turning; why there is none where a value was not kept, or where queries and keys come
    about otherwise.
    """
    whole = _whole(trace, call, side, forward)
    if isinstance(whole, str):
        return whole
    path, before, after, normed = whole
    if before.shape != after.shape or row >= after.shape[0] or not 0 <= head < after.shape[1]:
        return f"What {path} put out has another shape than what the kernel got."
    return Turned(side, head, path, before[row, head], after[row, head], normed)


Whole = tuple[str, "Tensor", "Tensor", str]
"""Path of the module, before and after [batch, heads, tokens, dims], and the norm behind the rotation."""


def _whole(trace: Trace, call: Call, side: Side, forward: Forward) -> Whole | str:
    after = _new(trace, call, side, forward)
    if after is None:
        return _missing(call, side, "the kernel's input")
    children = [trace.calls[index] for index in trace.children(call.index)]
    projected = _projected(trace, call, children, side, after, forward)
    norm = next((child for child in children if NORMED[side].fullmatch(child.path.rpartition(".")[2])), None)
    if norm is not None:
        output = like(kept(trace, norm, "output"), after if isinstance(projected, str) else projected[1])
        if output is None:
            return _missing(call, side, norm.path.rpartition(".")[2])
        if not _equal(output, after):
            return norm.path, output, after, ""
    if isinstance(projected, str):
        return projected
    path, before = projected
    if norm is None:
        return path, before, after, ""
    given = like(_given(trace, norm), before)
    if given is None:
        return f"The kernel got what {norm.path} put out, and what went into it was not kept. {again(call)}"
    return path, before, given, norm.path  # it stands behind the rotation, or nothing was turned


def _new(trace: Trace, call: Call, name: str, forward: Forward) -> Tensor | None:
    """What the kernel got, for the new tokens: [batch, heads, tokens, dims].

    They stand behind those that the cache held, which a static cache has room after, and are the last where a window
    has dropped what was before.
    """
    tokens, past = forward.tokens, forward.past
    for port in (f"attention.{name}_rows", f"attention.{name}"):
        value = kept(trace, call, port)
        if value is not None and value.ndim == 4 and value.shape[2] >= tokens:
            room = value.shape[2] - tokens
            start = room if past is None or port.endswith("_rows") else min(past, room)
            return value[:, :, start : start + tokens]
    return None


def _projected(
    trace: Trace, call: Call, children: Sequence[Call], side: Side, after: Tensor, forward: Forward
) -> tuple[str, Tensor] | str:
    """Path and output of the projection, by head; why there is none."""
    own = next((child for child in children if child.role == PROJECTED[side]), None)
    if own is not None:
        value = kept(trace, own, "output")
        if value is None:
            return _missing(call, side, own.path.rpartition(".")[2])
        split = by_head(value, after.shape[1], after.shape[-1])
        more = f"What {own.path} puts out is not as wide as the heads of the kernel: it holds something else too."
        return (own.path, split) if split is not None else more
    joint = next((child for child in children if child.role == FUSED), None)
    if joint is not None:
        return _fused(trace, call, joint, side, forward)
    others = [child.path.rpartition(".")[2] for child in children if child.path.endswith("_proj")]
    made = f"its own are {some(others)}" if others else "no projection of it was seen"
    plural = {"query": "queries", "key": "keys"}[side]
    return f"This layer has no {side[0]}_proj: {made}. How its {plural} come about and are turned is not known here."


def _fused(trace: Trace, call: Call, joint: Call, side: Side, forward: Forward) -> tuple[str, Tensor] | str:
    name = joint.path.rpartition(".")[2]
    whole, values = kept(trace, joint, "output"), _new(trace, call, "value", forward)
    if whole is None or values is None:
        return _missing(call, side, f"{name} or the values")
    parts = fused(whole, heads(call, "query"), values)
    if parts is None:
        return (
            f"How {joint.path} puts queries, keys and values together is not known: no split gives the kernel's values."
        )
    return joint.path, parts[0] if side == "query" else parts[1]


def _given(trace: Trace, norm: Call) -> Tensor | None:
    """What went into a norm."""
    given = (kept(trace, norm, port) for port in norm.inputs if port.startswith("input."))
    return next((value for value in given if value is not None), None)


def _equal(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors hold the same numbers, up to rounding."""
    import torch

    return one.shape == other.shape and torch.allclose(one.float(), other.float(), rtol=1e-3, atol=1e-5)


def _missing(call: Call, side: Side, name: str) -> str:
    if f"attention.{side}" not in call.inputs:
        return f"The kernel of {call.path} was not seen: its module does not call transformers' attention."
    return f"The values of {name} were not kept. {again(call)}"


def again(call: Call) -> str:
    """How to keep what is missing of a layer."""
    layer = next((part for part in call.path.split(".") if part.isdecimal()), "*")
    ports = " ".join(f"--values '*.{layer}.*:{port}'" for port in ("input.*", "output", "attention.*"))
    return f"Trace again with {ports}."
