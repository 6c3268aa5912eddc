"""A slice of a tensor from what a user typed: `[0, :, ::4]`, as Python would read it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import EllipsisType
from typing import TYPE_CHECKING

from inspector.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

Index = int | slice | EllipsisType

HELP = (
    "Write one entry an axis, as in [0, :, ::4] or [..., :8]: an index, start:stop:step, or ... for the axes between."
)


@dataclass(frozen=True, slots=True)
class Selection:
    """Part of a tensor. `values` shares its memory; each axis that is left came from `axes[i]`, at `indices[i]`."""

    values: Tensor
    axes: tuple[int, ...]
    indices: tuple[range, ...]


def parse_slice(text: str) -> tuple[Index, ...]:
    """Read a slice expression, with or without brackets. Raises `InputError` that quotes the entry it cannot read."""
    inner = text.strip()
    if inner.startswith("[") and inner.endswith("]"):
        inner = inner[1:-1]
    entries = [entry.strip() for entry in inner.split(",")]
    if len(entries) > 1 and not entries[-1]:  # Python allows a comma at the end
        entries.pop()
    parsed = tuple(_entry(entry, text) for entry in entries if inner.strip())
    if sum(entry is Ellipsis for entry in parsed) > 1:
        raise InputError(f"The slice {text!r} has more than one '...'. {HELP}")
    return parsed


def select(tensor: Tensor, expression: str) -> Selection:
    """The part of `tensor` that a slice expression names. Axes that it leaves out are taken whole.

    Raises `InputError` for too many entries, an index that is out of range, and a step below 1.
    """
    entries = _one_an_axis(parse_slice(expression), tensor, expression)
    axes, indices, position = [], [], 0
    for axis, entry in enumerate(entries):
        size = tensor.shape[position]
        if isinstance(entry, int):
            if not -size <= entry < size:
                raise InputError(f"Index {entry} of {expression!r} is outside axis {axis}, whose size is {size}.")
            tensor = tensor.select(position, entry)
            continue
        kept = range(*entry.indices(size))
        tensor = tensor[(slice(None),) * position + (slice(kept.start, max(kept.start, kept.stop), kept.step),)]
        axes.append(axis)
        indices.append(kept)
        position += 1
    return Selection(tensor, tuple(axes), tuple(indices))


def _entry(entry: str, text: str) -> Index:
    if entry == "...":
        return Ellipsis
    if re.fullmatch(r"[+-]?\d+", entry):
        return int(entry)
    fields = [field.strip() for field in entry.split(":")]
    if not 2 <= len(fields) <= 3 or not all(re.fullmatch(r"([+-]?\d+)?", field) for field in fields):
        raise InputError(f"{entry!r} in the slice {text!r} cannot be read. {HELP}")
    found = slice(*(int(field) if field else None for field in fields))
    if found.step is not None and found.step < 1:
        raise InputError(f"The step of {entry!r} in the slice {text!r} must be 1 or more.")
    return found


def _one_an_axis(entries: tuple[Index, ...], tensor: Tensor, text: str) -> list[int | slice]:
    """Write out `...` and the axes that were left out at the end."""
    given = sum(entry is not Ellipsis for entry in entries)
    if given > tensor.ndim:
        shape = list(tensor.shape)
        raise InputError(f"The slice {text!r} names {given} axes; a tensor of shape {shape} has {tensor.ndim}.")
    between = [slice(None)] * (tensor.ndim - given)
    found: list[int | slice] = []
    for entry in entries if Ellipsis in entries else (*entries, Ellipsis):
        if isinstance(entry, EllipsisType):
            found.extend(between)
        else:
            found.append(entry)
    return found
