"""The unchanged forward of a model that has shapes and no weights.

Weights are meta tensors. Whatever follows from integers alone (token ids, grids, positions, windows, masks) stays on
the CPU and is computed for real; where it meets a meta tensor, the result is a meta tensor: shape and dtype, no values.

    with shape_only(), torch.device("meta"):     # build, so that integer buffers hold their values
        model = auto_class.from_config(config)
    with shape_only(model) as mode, torch.no_grad():
        model(**inputs)                          # inputs on the CPU
    mode.notices                                 # what had to be assumed, for instance the routing to experts
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from inspector.errors import ModelError
from inspector.models import shape_rules as rules
from inspector.models.shape_rules import CPU, META, aten

NEEDS_VALUES = (torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape)
FROM_DATA = frozenset({torch.tensor, torch.as_tensor, torch.asarray})
READS = frozenset({Tensor.tolist, Tensor.numpy})


@contextmanager
def shape_only(model: nn.Module | None = None) -> Iterator[ShapeOnly]:
    """While it is open, a forward of a meta-device model runs, with integers computed for real.

    `model` gives messages the path of the module they are about. Raises `ModelError` from inside the forward when the
    model's control flow depends on the values of floating-point tensors.
    """
    mode = ShapeOnly(model)
    with mode, _Functions(mode):
        yield mode


class ShapeOnly(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Every operator that runs: on the CPU when all its operands are there, as shapes when one of them is meta."""

    def __init__(self, model: nn.Module | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.notices: list[str] = []
        self._paused = False
        self._paths = {} if model is None else {id(module): path for path, module in model.named_modules()}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func is aten.histc.default and rules.is_exact(args[0].dtype):  # an accelerator's, which the CPU lacks
            return rules.count(func, args, kwargs)
        if self._paused or not _concerns_meta(args, kwargs):
            return func(*args, **kwargs)
        if _is_composite(func):  # whole in inference mode; its parts come back here one by one
            with self:
                return func.decompose(*args, **kwargs)
        name = func.overloadpacket
        if name in rules.RULES:
            return rules.RULES[name](func, args, kwargs)
        if name is aten.masked_select:
            func, name, args = aten.index.Tensor, aten.index, (args[0], [args[1]])
        if name in rules.INDEXING:
            args = (args[0], rules.positions(args[1]), *args[2:])
        elif any(tag in func.tags for tag in NEEDS_VALUES):
            self.refuse(name.__name__)
        return self._run(func, args, kwargs)

    def _run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The operator on shapes alone."""
        name = func.overloadpacket.__name__
        if func.overloadpacket in rules.INDEXING and any(_is_mask(index) for index in args[1]):
            self.refuse(name)
        result = func(*rules.as_meta(args), **rules.as_meta(kwargs))
        if func in rules.CHOICES:
            self._assume(f"{name} chooses by value; without values the choice is spread evenly")
            return rules.choose(func, args, kwargs, result)
        if _is_in_place(func) and not args[0].is_meta:
            self._assume(f"{name} writes unknown values into a tensor on the CPU, which keeps its old ones")
            return args[0]
        return result

    def on_shapes(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A function on shapes alone, as torch itself runs it on meta tensors."""
        self._paused = True
        try:
            args, kwargs = rules.as_meta((args, kwargs))
            return function(*args, **kwargs)
        finally:
            self._paused = False

    def refuse(self, operator: str) -> None:
        """Raise the error for an operator that needs values, with the module that calls it."""
        raise ModelError(
            f"{self._caller()} decides by the values of a tensor ({operator}), and shape-only mode has none. "
            "Load the model with its weights, or with random ones (--random-weights)."
        )

    def _assume(self, what: str) -> None:
        notice = f"Shape-only: in {self._caller(of_class=True)}, {what}."
        if notice not in self.notices:
            self.notices.append(notice)

    def _caller(self, *, of_class: bool = False) -> str:
        """The innermost module whose forward is running."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            module = frame.f_locals.get("self")
            if frame.f_code.co_name == "forward" and isinstance(module, nn.Module):
                path, kind = self._paths.get(id(module)), type(module).__name__
                return kind if of_class or not path else f"{path} ({kind})"
            frame = frame.f_back
        return "the model"


class _Functions(TorchFunctionMode):
    """The few functions that have to be met before they are taken apart, or that never reach an operator."""

    def __init__(self, mode: ShapeOnly) -> None:
        super().__init__()
        self._mode = mode
        self._attended: dict[Any, torch.Size] = {}

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func in FROM_DATA and _is_meta(kwargs.get("device")):
            return func(*args, **{**kwargs, "device": CPU}).to(META)
        if func is Tensor.new_tensor and args[0].is_meta:
            return torch.tensor(*args[1:], **{**kwargs, "device": CPU}).to(META)
        if func is scaled_dot_product_attention:
            return self._attention(args, kwargs)
        if func in READS and args[0].is_meta:
            self._mode.refuse(func.__name__)
        return func(*args, **kwargs)

    def _attention(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """In one piece: on meta tensors torch would take it apart and build a causal mask for every layer.

        A vision tower calls it thousands of times, a window each, with few different shapes; each is worked out once.
        """
        if not _concerns_meta(args, kwargs):
            return scaled_dot_product_attention(*args, **kwargs)
        case = (*map(_case, args), *((name, _case(value)) for name, value in kwargs.items()))
        if case not in self._attended:
            self._attended[case] = self._mode.on_shapes(scaled_dot_product_attention, args, kwargs).shape
        return torch.empty(self._attended[case], dtype=args[0].dtype, device=META)


def _case(value: Any) -> Any:
    return (value.shape, value.dtype) if isinstance(value, Tensor) else value


def _concerns_meta(args: Iterable[Any], kwargs: dict[str, Any]) -> bool:
    """Whether an operator has a meta tensor, or is to make one. Its arguments hold lists of tensors at the deepest."""
    return any(map(_points_to_meta, args)) or any(map(_points_to_meta, kwargs.values()))


def _points_to_meta(value: Any) -> bool:
    if isinstance(value, Tensor):
        return value.is_meta
    if isinstance(value, (tuple, list)):
        return any(map(_points_to_meta, value))
    return isinstance(value, torch.device) and value == META


def _is_meta(device: Any) -> bool:
    return device is not None and torch.device(device) == META


def _is_mask(index: Tensor | None) -> bool:
    return index is not None and index.dtype in (torch.bool, torch.uint8)


@cache
def _is_in_place(func: Any) -> bool:
    first = func._schema.arguments[:1]
    return bool(first and first[0].alias_info is not None and first[0].alias_info.is_write)


@cache
def _is_composite(func: Any) -> bool:
    return bool(func.has_kernel_for_dispatch_key(torch._C.DispatchKey.CompositeImplicitAutograd))
