"""What it takes to go on from a step: the sequence so far, the model's arguments cut to it, and the cropped cache."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from inspector.generation.loop import CACHES


class NotCroppable(Exception):
    """A cache that cannot go back; its words say why."""


def crop(cache: Any, length: int) -> Any:
    """A cache of the first `length` tokens, which shares its memory with `cache` until it grows; that one stays whole.

    Raises `NotCroppable` for a cache that keeps too little to go back, or that is written in place.
    """
    kind = type(cache).__name__
    layers = getattr(cache, "layers", None)
    if layers is None or not getattr(cache, "is_croppable", kind == "DynamicCache"):
        raise NotCroppable(f"the {kind} of this model cannot be cropped")
    cropped = copy.copy(cache)
    cropped.layers = [copy.copy(layer) for layer in layers]
    for layer in cropped.layers:
        if not hasattr(layer, "get_seq_length"):
            continue
        surplus = int(layer.get_seq_length()) - length
        if surplus < 0:
            raise NotCroppable(f"the cache holds {length + surplus} tokens and not {length}")
        try:
            layer.crop(-surplus)
        except (RuntimeError, ValueError) as error:
            reason = str(error).split(". ")[0].split(", but ")[-1]
            raise NotCroppable(f"a {type(layer).__name__} of the cache cannot be cropped: {reason}") from error
    return cropped


def shapes_of(kwargs: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The shapes of the tensors among a model's arguments, by name."""
    return {name: tuple(item.shape) for name, item in kwargs.items() if isinstance(item, Tensor)}


def cut(kwargs: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], new: int, cached: int) -> dict[str, Any]:
    """A model's arguments as they stood when `new` tokens had been generated, with a cache of `cached` tokens.

    `shapes` are those before the first. What has grown since grows by one a token: masks, positions, token types.
    Raises `NotCroppable`.
    """
    made = dict(kwargs)
    for name, item in kwargs.items():
        if name in CACHES and item is not None:
            made[name] = crop(item, cached)
        elif isinstance(item, Tensor) and name in shapes:
            for axis, (now, then) in enumerate(zip(item.shape, shapes[name], strict=True)):
                if now != then:
                    made[name] = made[name].narrow(axis, 0, then + new)
    return made


class RopeDeltas:
    """The offsets that a vision-language model keeps between two forwards (`rope_deltas`). They belong to one
    conversation: each generation has its own, and leaves what it found.
    """

    def __init__(self, model: nn.Module) -> None:
        self._holders = [module for module in model.modules() if "rope_deltas" in vars(module)]
        self.values: list[Any] = [None for _ in self._holders]

    @contextmanager
    def installed(self) -> Iterator[None]:
        outside = [module.rope_deltas for module in self._holders]
        self._write(self.values)
        try:
            yield
        finally:
            self.values = [module.rope_deltas for module in self._holders]
            self._write(outside)

    def copied(self) -> RopeDeltas:
        """The same offsets, for a branch."""
        twin = copy.copy(self)
        twin.values = list(self.values)
        return twin

    def _write(self, values: list[Any]) -> None:
        for module, value in zip(self._holders, values, strict=True):
            module.rope_deltas = value
