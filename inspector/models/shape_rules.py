"""What single operators do when some operands are meta tensors and others are integers on the CPU.

Pure functions on an operator and its arguments; `shape_only` decides which of them applies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

aten = torch.ops.aten
META = torch.device("meta")
CPU = torch.device("cpu")

FACTORIES = frozenset(
    {
        *(aten.arange, aten.linspace, aten.logspace, aten.eye, aten.scalar_tensor, aten.tril_indices),
        *(aten.triu_indices, aten.empty, aten.empty_strided, aten.full, aten.ones, aten.zeros, aten.randint),
        *(aten.randperm, aten.empty_like, aten.full_like, aten.ones_like, aten.zeros_like, aten.randint_like),
        *(aten.new_empty, aten.new_empty_strided, aten.new_full, aten.new_ones, aten.new_zeros),
    }
)
"""What they return depends on no tensor's values, so an integer or bool result is made on the CPU."""

RAMPS = frozenset({aten.arange, aten.linspace, aten.logspace})
"""Factories whose floating-point results stay on the CPU too: positions and grids are rounded from them."""

CHOICES = frozenset(
    {
        *(aten.topk.default, aten.sort.default, aten.sort.stable),
        *(aten.argmax.default, aten.argmin.default, aten.multinomial.default),
    }
)
"""They choose indices by value. Without values the choice is spread evenly. (`max` over a dimension is not among them:
its indices are hardly ever used, and stay unknown.)"""

INDEXING = frozenset({aten.index, aten.index_put, aten.index_put_, aten._unsafe_index, aten._unsafe_index_put})


def is_exact(dtype: torch.dtype) -> bool:
    """Whether numbers of a dtype are integers or bools, which shape-only mode computes for real."""
    return not (dtype.is_floating_point or dtype.is_complex)


def as_meta(value: Any) -> Any:
    """An argument, or a container of arguments, with every tensor on the meta device."""
    if isinstance(value, Tensor):
        return value if value.is_meta else value.to(META)
    if isinstance(value, (tuple, list)):
        return type(value)(map(as_meta, value))
    if isinstance(value, dict):
        return {name: as_meta(item) for name, item in value.items()}
    return value


def _move(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    """A tensor to another device or dtype: what has no values stays meta, integers stay on the CPU."""
    tensor, device = args[0], kwargs.get("device")
    if tensor.is_meta:
        device = META
    elif is_exact(kwargs.get("dtype") or tensor.dtype):
        device = CPU
    return func(tensor, **{**kwargs, "device": device})  # type: ignore[no-any-return]


def _make(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    """A new tensor: on the CPU if it holds integers or a ramp, meta as asked otherwise."""
    result: Tensor = func(*args, **kwargs)
    if result.is_meta and (is_exact(result.dtype) or func.overloadpacket in RAMPS):
        return func(*args, **{**kwargs, "device": CPU})  # type: ignore[no-any-return]
    return result


def count(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    """A histogram of integers, which torch has on accelerators only; experts are counted with it."""
    tensor: Tensor = args[0]
    return func(tensor.float(), *args[1:], **kwargs).to(tensor.dtype)  # type: ignore[no-any-return]


def _grouped_product(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    """Rows times the matrix of their group, [rows, in] × [groups, in, out]; torch knows its shape for bf16 alone."""
    rows, matrices = as_meta(args[:2])
    if rows.ndim != 2 or matrices.ndim != 3:
        return func(*as_meta(args), **as_meta(kwargs))  # type: ignore[no-any-return]
    if rows.shape[1] != matrices.shape[1]:
        raise RuntimeError(f"grouped_mm: {tuple(rows.shape)} and {tuple(matrices.shape)} do not fit together.")
    dtype = kwargs.get("out_dtype") or rows.dtype
    return torch.empty(rows.shape[0], matrices.shape[2], dtype=dtype, device=META)


def _no(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    """False everywhere, without memory of its own: to whether values overflowed, where there are none."""
    return torch.zeros((), dtype=torch.bool).expand(args[0].shape)


def positions(indices: Sequence[Tensor | None]) -> list[Tensor | None]:
    """Indices with every bool mask on the CPU replaced by the positions where it is True."""
    found: list[Tensor | None] = []
    for index in indices:
        if index is not None and not index.is_meta and index.dtype in (torch.bool, torch.uint8):
            found.extend(index.nonzero().unbind(1))
        else:
            found.append(index)
    return found


def choose(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> Any:
    """The result of a choice, its indices filled in so that every index is chosen equally often.

    Row r of k choices among n gets (r·k) mod n and the k - 1 indices after it; a sort keeps the order that is there.
    """
    source: Tensor = args[0]
    dim = -1 if func is aten.multinomial.default else _argument(func, args, kwargs, "dim")
    size = math.prod(source.shape) if dim is None else source.shape[dim] if source.ndim else 1
    several = isinstance(result, (tuple, list))
    filled = [
        _even(item, size, 0 if dim is None or item.ndim < source.ndim else dim) if is_exact(item.dtype) else item
        for item in (result if several else [result])
    ]
    return tuple(filled) if several else filled[0]


def _even(indices: Tensor, size: int, dim: int) -> Tensor:
    if not indices.ndim:
        return torch.zeros((), dtype=indices.dtype)
    shape = indices.movedim(dim, -1).shape
    return torch.arange(math.prod(shape)).remainder(max(size, 1)).reshape(shape).movedim(-1, dim).contiguous()


def _argument(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], name: str) -> Any:
    """The value of an operator's argument, given by position, by name, or not at all."""
    for place, argument in enumerate(func._schema.arguments):
        if argument.name == name:
            return args[place] if place < len(args) else kwargs.get(name, argument.default_value)
    raise KeyError(name)


RULES: dict[Any, Callable[[Any, Sequence[Any], Mapping[str, Any]], Tensor]] = {
    aten._to_copy: _move,
    aten.isinf: _no,
    aten.isnan: _no,
    **dict.fromkeys(FACTORIES, _make),
}
"""Operators that keep integers on the CPU, or whose shape torch does not work out by itself."""

if hasattr(aten, "_grouped_mm"):  # not in older versions of torch
    RULES[aten._grouped_mm] = _grouped_product
