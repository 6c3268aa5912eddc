"""What there is to say about the masks of a forward: which calls applied which, who sees nothing, padding, encoding."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from inspector.analysis.forwards import Forward, forwards
from inspector.analysis.kernels import PORT, Kernel, in_vision, kernels
from inspector.analysis.mask_rules import hidden_runs
from inspector.analysis.masks import Applied, applied, by_head
from inspector.analysis.spans import Bools
from inspector.analysis.wording import listed, number
from inspector.trace import TensorInfo, Trace

if TYPE_CHECKING:
    from torch import Tensor

STATES = frozenset({f"{PORT}{state}{rows}" for state in ("query", "key", "value") for rows in ("", "_rows")})
MOST_VALUES = 8
NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Group:
    """Attention calls that applied the same mask to a row of the batch.

    `blind` are the queries that see no key and are no padding, `blind_padding` counts those that are. `heads` are those
    that it is the mask of, where heads have masks of their own; none where all of them share it.
    """

    kernels: tuple[Kernel, ...]
    applied: Applied
    encoding: str
    blind: tuple[int, ...]
    blind_padding: int
    heads: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The paths of its modules as one, and its heads: `model.layers.0…27.self_attn`, `… heads 0, 2–3`."""
        return folded([kernel.path for kernel in self.kernels]) + self.of_heads

    @property
    def of_heads(self) -> str:
        """` head 0`, ` heads 0, 2–3`; empty where all heads share the mask."""
        return f" head{'s' if len(self.heads) > 1 else ''} {listed(self.heads)}" if self.heads else ""


@dataclass(frozen=True, slots=True)
class Padding:
    """A row of the batch by its 2-D padding mask: tokens, and padding to their left, between them, to their right."""

    row: int
    tokens: int
    left: int
    inside: int
    right: int

    @property
    def side(self) -> str:
        sides = [word for word in ("left", "inside", "right") if getattr(self, word)]
        return ", ".join(sides) or "none"


def groups(trace: Trace, step: int, row: int) -> list[Group]:
    """The attention calls of a step by the mask that they applied, in the order in which each first ran. Calls whose
    heads have masks of their own stand in a group for each that differs.
    """
    real = queries_of(trace, step, row)
    told: dict[tuple[object, ...], list[Group]] = {}
    merged: dict[tuple[object, ...], Group] = {}
    for kernel in kernels(trace, step):
        same = _told(kernel)
        if same not in told:
            told[same] = _by_head(kernel, row, real)
        for group in told[same]:
            key = _alike(group)
            known = merged.get(key)
            merged[key] = replace(group, kernels=(*(known.kernels if known else ()), kernel))
    return list(merged.values())


def _told(kernel: Kernel) -> tuple[object, ...]:
    """All that decides about a kernel's mask: calls that were told the same need not be looked at twice."""
    given = {port: value for port, value in kernel.call.inputs.items() if port.startswith(PORT)}
    tensors = {port: value for port, value in given.items() if isinstance(value, TensorInfo)}
    shapes = tuple((port, info.value if port not in STATES else info.shape) for port, info in tensors.items())
    mask = tensors.get(f"{PORT}mask")
    rest = tuple((port, value) for port, value in given.items() if port not in tensors and "_grown." not in port)
    origin = None if mask is None else (mask.origin, mask.shape, mask.dtype)
    return NUMBER.sub("#", kernel.path), shapes, rest, origin


def _by_head(kernel: Kernel, row: int, real: Bools | None) -> list[Group]:
    """The masks of a call: one, or where heads have masks of their own, one for each that differs."""
    encoded = encoding(kernel)
    heads: dict[object, list[int]] = {}
    masks: dict[object, Applied] = {}
    for head in range(kernel.heads if by_head(kernel) else 1):
        found = applied(kernel, row, head)
        same = None if found.spans is None else found.spans.key
        masks.setdefault(same, found)
        heads.setdefault(same, []).append(head)
    whole = len(masks) == 1
    return [
        Group((kernel,), found, encoded, *_blind(kernel, found, real), () if whole else tuple(heads[same]))
        for same, found in masks.items()
    ]


def _blind(kernel: Kernel, found: Applied, real: Bools | None) -> tuple[tuple[int, ...], int]:
    """The queries that see no key: those that are tokens, and how many are padding."""
    if found.spans is None:
        return (), 0
    nothing = found.spans.counts() == 0
    is_token = np.ones(kernel.queries, np.bool_)
    if real is not None and len(real) == kernel.queries and not in_vision(kernel.trace, kernel.path):
        is_token = real
    return tuple(np.flatnonzero(nothing & is_token).tolist()), int((nothing & ~is_token).sum())


def _alike(group: Group) -> tuple[object, ...]:
    """What calls of one group have in common."""
    kernel, found = group.kernels[0], group.applied
    place = NUMBER.sub("#", kernel.path)
    same = None if found.spans is None else found.spans.key
    return place, same, found.reason, kernel.queries, kernel.keys, group.encoding, group.heads


def folded(paths: Sequence[str]) -> str:
    """Paths that differ in one number as one: `layers.0…3.attn`, `layers.0,2,4.attn`."""
    if len(paths) == 1:
        return paths[0]
    numbers = [NUMBER.findall(path) for path in paths]
    for place, column in enumerate(zip(*numbers, strict=False)):
        if len(set(column)) > 1:
            listed = [int(item) for item in column]
            even = listed == list(range(listed[0], listed[-1] + 1))
            span = f"{listed[0]}…{listed[-1]}" if even else ",".join(map(str, listed))
            matches = list(NUMBER.finditer(paths[0]))
            return paths[0][: matches[place].start()] + span + paths[0][matches[place].end() :]
    return paths[0]


def encoding(kernel: Kernel) -> str:
    """A mask tensor's dtype and distinct values: `bool: False, True`; empty where the kernel got none."""
    if not isinstance(kernel.mask, TensorInfo):
        return "" if kernel.mask is None else str(kernel.mask)
    values = distinct(kernel.tensor("mask"))
    return f"{kernel.mask.dtype}: {', '.join(values)}" if values else kernel.mask.dtype


def distinct(tensor: Tensor | None) -> list[str]:
    """The distinct values of a tensor, ascending; beyond a few, how many. None without a value."""
    import torch

    if tensor is None:
        return []
    found: Tensor = torch.empty(0, dtype=tensor.dtype)
    for piece in torch.split(tensor.flatten(), 2**22):
        found = torch.cat([found, piece]).unique()  # type: ignore[no-untyped-call]
        if len(found) > 2**16:
            return [f"more than {2**16:,} values"]
    if tensor.dtype == torch.bool:
        return [str(bool(item)) for item in found.tolist()]
    shown = [number(item) for item in found[:MOST_VALUES].tolist()]
    return shown if len(found) <= MOST_VALUES else [*shown, f"and {len(found) - MOST_VALUES:,} more"]


def forward_of(trace: Trace, step: int) -> Forward | None:
    """What the forward of a step was given."""
    return next((forward for forward in forwards(trace) if forward.step == step), None)


def queries_of(trace: Trace, step: int, row: int) -> Bools | None:
    """Which queries of a row are tokens and no padding; None where no padding mask was given, or kept."""
    forward = forward_of(trace, step)
    if forward is None or forward.mask is None:
        return None
    found: Bools = forward.mask[row % forward.mask.shape[0], -forward.tokens :].numpy(force=True) != 0
    return found


def paddings(trace: Trace, step: int) -> list[Padding]:
    """The rows of a forward by its padding mask; none where it was given none."""
    forward = forward_of(trace, step)
    if forward is None or forward.mask is None:
        return []
    found = []
    for row, line in enumerate(forward.mask.numpy(force=True) != 0):
        left, inside, right = hidden_runs(line)
        found.append(Padding(row, int(line.sum()), left, inside, right))
    return found
