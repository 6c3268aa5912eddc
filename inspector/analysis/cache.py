"""Key-value caches of a trace, step by step: what each layer is, holds and costs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from inspector.analysis.kernels import Kernel, in_vision, kernels
from inspector.trace import Call, TensorInfo, Trace

TENSOR = re.compile(r"(?P<cache>.*)layers\[(?P<layer>\d+)\]\.(?P<side>keys|values)")
RUN = re.compile(r"(.+)\*(\d+)")
UNLIMITED = -1


@dataclass(frozen=True, slots=True)
class LayerCache:
    """One layer of a cache after a step.

    `kind` is dynamic, static, quantised, sliding dynamic, …; empty where it was not recorded. `length` is how many
    tokens went in, `held` how many are there; a static layer has room for all of `held` from the start. `stored` are
    bytes that are kept quantised, beside those of `keys` and `values`. `limit` is the most tokens that it will hold,
    None without an end.
    """

    number: int
    kind: str
    length: int | None
    limit: int | None
    keys: TensorInfo | None
    values: TensorInfo | None
    stored: int = 0

    @property
    def held(self) -> int:
        return self.keys.shape[-2] if self.keys is not None and len(self.keys.shape) == 4 else 0

    @property
    def nbytes(self) -> int:
        return sum(info.nbytes for info in (self.keys, self.values) if info is not None) + self.stored

    @property
    def token_bytes(self) -> float:
        """Bytes that a further token takes, in all rows of the batch together; 0 where the layer does not tell."""
        if self.stored and self.length:
            return self.nbytes / self.length
        return self.nbytes / self.held if self.held else 0.0

    def bytes_at(self, tokens: int) -> float:
        """Bytes for a context of so many tokens."""
        if "static" in self.kind:
            return self.nbytes
        reach = tokens if self.limit is None else min(tokens, self.limit)
        return self.token_bytes * reach


@dataclass(frozen=True, slots=True)
class Cache:
    """A cache after a step. `tokens` is how many are in it by its longest layer."""

    step: int
    call: int
    name: str
    layers: tuple[LayerCache, ...]
    offloading: bool = False

    @property
    def tokens(self) -> int:
        return max((layer.length if layer.length is not None else layer.held for layer in self.layers), default=0)

    @property
    def nbytes(self) -> int:
        return sum(layer.nbytes for layer in self.layers)

    @property
    def token_bytes(self) -> float:
        return sum(layer.token_bytes for layer in self.layers)

    def bytes_at(self, tokens: int) -> float:
        return sum(layer.bytes_at(tokens) for layer in self.layers)


def caches(trace: Trace) -> list[Cache]:
    """The cache after each forward of the whole model that had one."""
    found = []
    for index in trace.children(None):
        call = trace.calls[index]
        cache = cache_of(call)
        if cache is not None:
            found.append(cache)
    return found


def cache_of(call: Call) -> Cache | None:
    """The cache that a forward left; None where it left none."""
    tensors: dict[int, dict[str, TensorInfo]] = {}
    for port, value in call.outputs.items():
        match = TENSOR.fullmatch(port)
        if match is not None and isinstance(value, TensorInfo):
            tensors.setdefault(int(match["layer"]), {})[match["side"]] = value
    told = {port.removeprefix("cache."): value for port, value in call.inputs.items() if port.startswith("cache.")}
    count = max(len(_runs(told.get("kinds"))), *(number + 1 for number in tensors), 0)
    if not count:
        return None
    fields = {name: dict(enumerate(_runs(told.get(name)))) for name in ("kinds", "lengths", "limits", "stored")}
    layers = tuple(_layer(number, tensors.get(number, {}), fields) for number in range(count))
    return Cache(call.step, call.index, str(told.get("class", "cache")), layers, bool(told.get("offloading")))


def _layer(number: int, tensors: Mapping[str, TensorInfo], fields: Mapping[str, Mapping[int, str]]) -> LayerCache:
    numbers = {name: _number(fields[name].get(number)) for name in ("lengths", "limits", "stored")}
    limit = numbers["limits"]
    return LayerCache(
        number=number,
        kind=fields["kinds"].get(number, ""),
        length=numbers["lengths"],
        limit=None if limit == UNLIMITED else limit,
        keys=tensors.get("keys"),
        values=tensors.get("values"),
        stored=numbers["stored"] or 0,
    )


def _runs(value: object) -> list[str]:
    """The values of runs such as `dynamic*2, sliding dynamic*5`, each as often as it is told."""
    matches = (RUN.fullmatch(part) for part in str(value or "").split(", ") if part)
    return [match[1] for match in matches if match is not None for _ in range(int(match[2]))]


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.removeprefix("-").isdecimal() else None


def context_limit(trace: Trace) -> int | None:
    """The longest context that the model's configuration names."""
    text = trace.config.get("text_config", trace.config)
    limit = text.get("max_position_embeddings", text.get("n_positions"))
    return limit if isinstance(limit, int) and limit > 0 else None


@dataclass(frozen=True, slots=True)
class Sharing:
    """What grouped-query attention saves: heads of queries, and of keys and values, in the decoder's layers."""

    heads: int
    key_heads: int

    @property
    def factor(self) -> float:
        return self.heads / self.key_heads


def sharing(trace: Trace, step: int) -> Sharing | None:
    """How heads share keys and values; None without a kernel that tells."""
    found = decoder_kernels(trace, step)
    if not found:
        return None
    return Sharing(sum(kernel.heads for kernel in found), sum(kernel.key_heads for kernel in found))


def decoder_kernels(trace: Trace, step: int) -> list[Kernel]:
    """The attention calls of the decoder's layers, in order."""
    return [kernel for kernel in kernels(trace, step) if not in_vision(trace, kernel.path)]
