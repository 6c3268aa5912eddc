"""What a hook writes down about the objects that pass a module, without holding on to a single tensor.

A hook runs hundreds of times in a forward, so it takes notes in the cheapest form there is: the nesting of the object,
with a `Fact` in place of each tensor. Port names and records are made from the notes after the forward (`flatten`).
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from inspector.analysis.stats import Pending
    from inspector.recording.flow import Flow, Way
    from inspector.recording.keeper import Held, Keeper

INTEGERS = frozenset({torch.int64, torch.int32, torch.bool, torch.int16, torch.uint8, torch.int8})
"""Token ids, grids, positions, windows and masks: small, and what is asked for most often."""

SCALARS = frozenset({int, float, bool, str, type(None)})
LONGEST_TEXT = 120


class Fact:
    """A tensor as it was met.

    `first` is the fact of the same tensor when it was met first, None if this is it: a tensor that was changed in place
    has several. `call` and `port` say whose output it was; `call` is None when it was met as an input first. `inner`
    is set when it was met between modules first, `small` when its value is kept for being small, whatever was asked.
    `order` is the index that took another's rows for it (see `flow.Way`). `version` is torch's count of in-place
    changes where something was kept of it.
    """

    # Most facts keep these defaults. They stand on the class because setting them costs more than all of the rest.
    level = 0
    inner = False
    small = False
    first: Fact | None = None
    way: Way | None = None
    order: Fact | None = None
    port: str | None = None
    version: int | None = None
    held: Held | None = None
    pending: Pending | None = None

    def __init__(self, tensor: Tensor, call: int | None) -> None:
        self.ref = weakref.ref(tensor)
        self.shape = tensor.shape
        self.dtype = tensor.dtype
        self.device = tensor.device
        self.call = call


class Notes:
    """Takes notes of whatever carries tensors, and recognises a tensor that it has met before.

    A tensor is the same as long as the object lives: the weak reference tells it from a later one at its address.
    `facts` holds the latest fact by the tensor's `id`.
    """

    def __init__(self, keeper: Keeper) -> None:
        self.facts: dict[int, Fact] = {}
        self.flow: Flow | None = None
        self._keeper = keeper
        self._caches: dict[int, str] = {}
        self._how: dict[type[Any], Callable[[Any, int | None, int], Any]] = {}

    def begin_step(self) -> None:
        """A new forward of the whole model begins: caches have grown since the one before."""
        self._caches.clear()
        if self.flow is not None:
            self.flow.forget()

    def tensor(self, tensor: Tensor, call: int | None, level: int) -> Fact:
        """The fact of a tensor met as an output of `call` (as an input: None), with what `level` asks for kept."""
        key = id(tensor)
        old = self.facts.get(key)
        if old is not None and old.ref() is not tensor:
            old = None
        if old is not None:
            if call is not None and old.inner and old.call is None:
                (old.first or old).call = old.call = call
            if old.level | level == old.level and (not old.level or self._keeper.unchanged(old, tensor)):
                return old
        self.facts[key] = fact = Fact(tensor, call)
        if old is not None:
            fact.first, fact.call, fact.inner = old.first or old, old.call, old.inner
        if self.flow is not None:
            fact.way = self.flow.way(tensor)
            if fact.way is not None and fact.way.order is not None and call is not None:
                fact.order = self.tensor(fact.way.order, None, 0)
        if level or not fact.dtype.is_floating_point:
            self._keeper.keep(fact, tensor, level)
        return fact

    def inside(self, tensor: Tensor, level: int) -> Fact:
        """The fact of a tensor met between modules. The first call that puts it out counts as its maker."""
        old = self.facts.get(id(tensor))
        if old is not None and old.ref() is tensor:
            return self.tensor(tensor, None, level)
        if not level and self.flow is None and tensor.dtype.is_floating_point:
            return Fact(tensor, None)  # its shape is all that will be asked for
        fact = self.tensor(tensor, None, level)
        fact.inner = True
        return fact

    def value(self, thing: Any, call: int | None, level: int) -> Any:
        """Notes of anything: a fact, a scalar, a list or dict of notes, or a few words."""
        kind = type(thing)
        if kind in SCALARS:
            return thing
        how = self._how.get(kind)
        if how is None:
            self._how[kind] = how = self._way_to_note(kind)
        return how(thing, call, level)

    def _way_to_note(self, kind: type[Any]) -> Callable[[Any, int | None, int], Any]:
        if issubclass(kind, Tensor):
            return self.tensor
        if issubclass(kind, (tuple, list)):
            return self._sequence
        if hasattr(kind, "get_seq_length") and hasattr(kind, "update"):  # a key-value cache in transformers' sense
            return self._cache
        if issubclass(kind, Mapping):
            return self._mapping
        if is_dataclass(kind):
            return self._dataclass
        return lambda thing, call, level: describe(thing)

    def _sequence(self, items: Sequence[Any], call: int | None, level: int) -> Any:
        if not items or (type(items[0]) in SCALARS and all(type(item) in SCALARS for item in items)):
            text = repr(items)
            return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"
        return [self.value(item, call, level) for item in items]

    def _mapping(self, items: Mapping[Any, Any], call: int | None, level: int) -> Any:
        return {str(key): self.value(item, call, level) for key, item in items.items() if item is not None}

    def _dataclass(self, thing: Any, call: int | None, level: int) -> Any:
        present = ((field.name, getattr(thing, field.name)) for field in fields(thing))
        return {name: self.value(item, call, level) for name, item in present if item is not None}

    def _cache(self, cache: Any, call: int | None, level: int) -> Any:
        """A cache that is handed in is the output of an earlier call, so a few words do: its length when the step
        began. One that is handed out is noted whole, keys and values of every layer.
        """
        if call is None:
            words = self._caches.get(id(cache))
            if words is None:
                self._caches[id(cache)] = words = cache_summary(cache)
            return words
        layers = [
            {name: self.tensor(item, call, level) for name, item in vars(layer).items() if isinstance(item, Tensor)}
            for layer in getattr(cache, "layers", ())
        ]
        return {"layers": layers} if any(layers) else cache_summary(cache)


def cache_summary(cache: Any) -> str:
    """A cache in a few words."""
    try:
        length = cache.get_seq_length()
        known = not (isinstance(length, Tensor) and length.device.type != "cpu")  # a look at a GPU's number would wait
        return f"{type(cache).__name__}(length={int(length) if known else '?'})"
    except Exception:  # a cache of another kind, or one that holds nothing yet: its name still says something
        return type(cache).__name__


def describe(thing: Any) -> str:
    """A few words for an object that is neither tensor nor scalar."""
    if isinstance(thing, (torch.dtype, torch.device, Enum)):
        return str(thing)
    return getattr(thing, "__name__", None) or type(thing).__name__


def flatten(prefix: str, notes: Any) -> Iterator[tuple[str, Any]]:
    """Port name and fact or scalar of everything in the notes: `output[0]`, `input.position_embeddings[1]`, …"""
    if isinstance(notes, list):
        for number, item in enumerate(notes):
            yield from flatten(f"{prefix}[{number}]", item)
    elif isinstance(notes, dict):
        for name, item in notes.items():
            yield from flatten(f"{prefix}.{name}", item)
    else:
        yield prefix, notes
