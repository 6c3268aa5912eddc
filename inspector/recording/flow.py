"""Follows tensors through the functions between two modules, so that an input knows the outputs it was made from.

A residual sum, a gate's product or an attention kernel makes tensors that no module returns. While `Flow` is open,
every torch function passes its origins on: what `o_proj` takes came from `q_proj`, `k_proj` and `v_proj` by way of the
kernel. Functions run as they would without it; only Python's calls are watched, so results stay bit-identical.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from inspector.recording.notes import Fact

MOST_SOURCES = 8
MOST_FUNCTIONS = 6
WHOLE = (torch.int64, torch.int32)


class Way(NamedTuple):
    """How a tensor came about: from the outputs of which calls, by way of which functions, the last one last.

    `order` is the index i64[rows] where that took all rows of one output in another order, as `merged[reverse]` does.
    """

    ref: weakref.ref[Tensor]
    sources: tuple[Fact, ...]
    functions: tuple[str, ...]
    order: Tensor | None = None


class Flow(TorchFunctionMode):
    """`facts` are the recorder's own: the tensors that modules took and returned, by `id`."""

    def __init__(self, facts: Mapping[int, Fact]) -> None:
        super().__init__()
        self._facts = facts
        self._ways: dict[int, Way] = {}

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **kwargs) if kwargs else func(*args)
        if torch.compiler.is_compiling():
            return result
        if isinstance(result, Tensor):
            self._note(func, args, kwargs, (result,))
        elif isinstance(result, (tuple, list)):
            self._note(func, args, kwargs, [item for item in result if isinstance(item, Tensor)])
        return result

    def forget(self) -> None:
        """Begin a new step: what an earlier one left behind, such as a cache, counts as its output, not as its way."""
        self._ways.clear()

    def way(self, tensor: Tensor) -> Way | None:
        """How a tensor came about; None when no recorded output went into it."""
        way = self._ways.get(id(tensor))
        return way if way is not None and way.ref() is tensor else None

    def _note(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None, results: Any) -> None:
        sources: dict[Fact, None] = {}
        functions: dict[str, None] = {}
        for tensor in _tensors(args, kwargs):
            fact = self._facts.get(id(tensor))
            if fact is not None and fact.call is not None and fact.ref() is tensor:
                sources[fact] = None
            elif (way := self.way(tensor)) is not None:
                sources.update(dict.fromkeys(way.sources))
                functions.update(dict.fromkeys(way.functions))
        if not sources or not results:
            return
        name = _name(func)
        functions.pop(name, None)
        kept = (*functions, name)[-MOST_FUNCTIONS:]
        order = _order(args) if name == "getitem" and not functions else None
        for tensor in results:
            self._ways[id(tensor)] = Way(weakref.ref(tensor), tuple(sources)[:MOST_SOURCES], kept, order)


def _tensors(args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Iterator[Tensor]:
    for arg in (*args, *kwargs.values()) if kwargs else args:
        if isinstance(arg, Tensor):
            yield arg
        elif isinstance(arg, (tuple, list)):
            yield from (item for item in arg if isinstance(item, Tensor))


def _order(args: tuple[Any, ...]) -> Tensor | None:
    """The index of `rows[index]` or `rows[index, :]` that takes as many rows as there are."""
    rows, index = args
    first, *rest = index if isinstance(index, tuple) and index else (index,)
    if not isinstance(first, Tensor) or not all(isinstance(part, slice) and part == slice(None) for part in rest):
        return None
    return first if first.dtype in WHOLE and first.shape == rows.shape[:1] else None


def _name(func: Any) -> str:
    name: str = getattr(func, "__name__", "function")
    return name.strip("_")
