"""Records what a key-value cache is made of, layer by layer, on the call of the whole model.

The tensors of a cache are ports of the model's output already. What they do not tell stands beside them: `cache.class`
and, for all layers together in runs (`dynamic*24`), `cache.kinds`, `cache.lengths` (tokens that went in),
`cache.limits` (the most tokens that a layer holds, -1 without an end), `cache.stored` (bytes that are kept quantised),
`cache.states` (what linear attention keeps in place of keys, in words) and `cache.state_bytes`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn

from inspector.recording.probes import Pen
from inspector.trace import TensorInfo

KINDS = (
    ("BaseQuantizedLayer", "quantised"),
    ("StaticLayer", "static"),
    ("DynamicLayer", "dynamic"),
)
"""What the layers of transformers are called, by the class that they come from."""

LINEAR = "LinearAttentionCacheLayerMixin"
STATES = {"conv_states": "conv", "recurrent_states": "recurrent"}
"""Where a layer of linear attention keeps what it remembers, each a tensor for each of its states."""


class CacheProbe:
    """The probe of key-value caches."""

    @contextmanager
    def attach(self, pen: Pen) -> Iterator[None]:
        root = pen.modules[0][1]
        watch = _Watch(pen)
        before = root.register_forward_pre_hook(watch.before, with_kwargs=True)
        after = root.register_forward_hook(watch.after, with_kwargs=True)
        try:
            yield
        finally:
            before.remove()
            after.remove()


class _Watch:
    """The cache of the forward that is running."""

    def __init__(self, pen: Pen) -> None:
        self._pen = pen
        self._call: int | None = None

    def before(self, module: nn.Module, args: Any, kwargs: Mapping[str, Any]) -> None:
        self._call = self._pen.call(module)

    def after(self, module: nn.Module, args: Any, kwargs: Mapping[str, Any], output: Any) -> None:
        if self._call is None:
            return
        with torch._C.DisableTorchFunction():
            try:
                cache = kwargs.get("past_key_values")
                cache = returned(output) if cache is None else cache
                if hasattr(cache, "layers"):
                    self._pen.ports(self._call)["cache"] = facts(cache)
            except Exception as error:
                self._pen.notice(f"The cache could not be noted: {type(error).__name__}: {error}")


def returned(output: Any) -> Any:
    """The cache that a model put out; None without one."""
    if isinstance(output, Mapping):
        return output.get("past_key_values")
    if isinstance(output, tuple):
        return next((item for item in output if hasattr(item, "layers") and hasattr(item, "get_seq_length")), None)
    return getattr(output, "past_key_values", None)


def facts(cache: Any) -> dict[str, Any]:
    """What is written about a cache."""
    layers = list(cache.layers)
    found: dict[str, Any] = {
        "class": type(cache).__name__,
        "kinds": runs([kind_of(layer) for layer in layers]),
        "lengths": runs([_number(layer, "get_seq_length") for layer in layers]),
        "limits": runs([_number(layer, "get_max_length") for layer in layers]),
    }
    stored = [
        sum(bytes_in(item) for name, item in vars(layer).items() if name.startswith("_quantized")) for layer in layers
    ]
    if any(stored):
        found["stored"] = runs(stored)
    states = [list(_states(layer)) for layer in layers]
    if any(states):
        found["states"] = runs([" + ".join(f"{word} {_shape(state)}" for word, state in own) or None for own in states])
        found["state_bytes"] = runs([sum(state.nbytes for _, state in own) for own in states])
    if getattr(cache, "offloading", False):
        found["offloading"] = True
    return found


def kind_of(layer: Any) -> str:
    """What a layer is: dynamic, static or quantised, perhaps sliding, linear attention, or both; else the name of its
    class.
    """
    names = {kind.__name__ for kind in type(layer).__mro__}
    known = next((word for name, word in KINDS if name in names), None)
    if known is None:
        return "linear attention" if LINEAR in names else type(layer).__name__
    kind = f"sliding {known}" if getattr(layer, "is_sliding", False) is True else known
    return f"linear attention and {kind}" if LINEAR in names else kind


def _states(layer: Any) -> Iterator[tuple[str, Tensor]]:
    """The states of linear attention, each with a word for it."""
    for name, word in STATES.items():
        held = vars(layer).get(name)
        for state in held.values() if isinstance(held, Mapping) else (held,):
            if isinstance(state, Tensor):
                yield word, state


def _shape(tensor: Tensor) -> str:
    return str(TensorInfo(tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."), str(tensor.device)))


def _number(layer: Any, method: str) -> int | None:
    """A number that a layer tells of itself; None where it tells none, or a device would have to be waited for."""
    asked = getattr(layer, method, None)
    value = None if asked is None else asked()
    if isinstance(value, Tensor):
        return int(value) if value.device.type == "cpu" else None
    return value if isinstance(value, int) else None


def bytes_in(thing: Any) -> int:
    """Bytes of all tensors in a thing, those inside tensors that are only wrappers included."""
    if isinstance(thing, Tensor):
        inner = getattr(thing, "__tensor_flatten__", None)
        if inner is None:
            return thing.nbytes
        names, _ = inner()
        return sum(bytes_in(getattr(thing, name)) for name in names)
    if isinstance(thing, Mapping):
        return sum(map(bytes_in, thing.values()))
    return sum(map(bytes_in, thing)) if isinstance(thing, (tuple, list)) else 0


def runs(values: Sequence[object]) -> str:
    """Values as runs of equal ones: `dynamic*2, sliding dynamic*5`."""
    return ", ".join(f"{value}*{len(list(same))}" for value, same in groupby(values))
