"""Key-value caches of a trace, step by step: what each layer is, holds and costs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from inspector.analysis.kernels import Kernel, in_vision, kernels
from inspector.trace import Call, TensorInfo, Trace

TENSOR = re.compile(r"(?P<cache>.*)layers\[(?P<layer>\d+)\]\.(?P<side>keys|values|indexer_keys)")
RUN = re.compile(r"(.+)\*(\d+)")
UNLIMITED = -1
FIELDS = ("kinds", "lengths", "limits", "stored", "states", "state_bytes")


@dataclass(frozen=True, slots=True)
class LayerCache:
    """One layer of a cache after a step.

    `kind` is dynamic, static, quantised, sliding dynamic, …; empty where it was not recorded. `length` is how many
    tokens went in, `held` how many are there; a static layer has room for all of `held` from the start. `stored` are
    bytes that are kept quantised, beside those of `keys` and `values`; `indexer` are the keys by which sparse attention
    chooses. `limit` is the most tokens that it will hold, None without an end, `window` how far a sliding layer of the
    model reaches. Linear attention keeps a `state` of `state_bytes`, whatever the length.
    """

    number: int
    kind: str
    length: int | None
    limit: int | None
    keys: TensorInfo | None
    values: TensorInfo | None
    indexer: TensorInfo | None = None
    stored: int = 0
    state: str = ""
    state_bytes: int = 0
    window: int | None = None

    @property
    def held(self) -> int:
        return self.keys.shape[-2] if self.keys is not None and len(self.keys.shape) == 4 else 0

    @property
    def token_store(self) -> int:
        """Bytes of what is kept for tokens: all but the state."""
        return self._whole + self.stored

    @property
    def nbytes(self) -> int:
        return self.token_store + self.state_bytes

    @property
    def token_bytes(self) -> float:
        """Bytes that each token takes, in all rows of the batch together; 0 where the layer does not tell."""
        if self.stored:
            quantised = (self.length or 0) - self.held
            return self.stored / quantised if quantised > 0 else 0.0
        return self._whole / self.held if self.held else 0.0

    @property
    def is_static(self) -> bool:
        """Whether it has all of its room from the start."""
        return "static" in self.kind

    @property
    def is_sliding(self) -> bool:
        """Whether it keeps a window."""
        return "sliding" in self.kind

    @property
    def is_full(self) -> bool:
        """Whether a window slides: for each token that comes another one goes."""
        return self._reach is not None and not self.is_static and self.held >= self._reach

    @property
    def growth(self) -> float:
        """Bytes by which a further token makes it larger."""
        return 0.0 if self.is_static or self.is_full else self.token_bytes

    def bytes_at(self, tokens: int) -> float:
        """Bytes for a context of so many tokens; a static layer has to be made for as many. Of a quantised one, as many
        tokens are not quantised yet as now.
        """
        if self.stored:
            return self.state_bytes + self._whole + self.token_bytes * max(tokens - self.held, 0)
        return self.state_bytes + self.token_bytes * min(tokens, self._reach or tokens)

    @property
    def _whole(self) -> int:
        """Bytes of what is not quantised."""
        return sum(info.nbytes for info in (self.keys, self.values, self.indexer) if info is not None)

    @property
    def _reach(self) -> int | None:
        """The most tokens that a sliding layer keeps; None for one that keeps all."""
        if not self.is_sliding or self.limit is None:
            return None
        # a static one was made no larger than its cache; a dynamic one drops the key that the next query does not see
        return max(self.limit, self.window or 0) if self.is_static else self.limit - 1


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
    def token_store(self) -> int:
        return sum(layer.token_store for layer in self.layers)

    @property
    def growth(self) -> float:
        return sum(layer.growth for layer in self.layers)

    def bytes_at(self, tokens: int) -> float:
        return sum(layer.bytes_at(tokens) for layer in self.layers)


def caches(trace: Trace) -> list[Cache]:
    """The cache after each forward of the whole model that had one."""
    window = _window(trace)
    found = (cache_of(trace.calls[index], window) for index in trace.children(None))
    return [cache for cache in found if cache is not None]


def cache_of(call: Call, window: int | None = None) -> Cache | None:
    """The cache that a forward left; None where it left none. `window` is that of the model's sliding layers."""
    tensors: dict[int, dict[str, TensorInfo]] = {}
    for port, value in call.outputs.items():
        match = TENSOR.fullmatch(port)
        if match is not None and isinstance(value, TensorInfo):
            tensors.setdefault(int(match["layer"]), {})[match["side"]] = value
    told = {port.removeprefix("cache."): value for port, value in call.inputs.items() if port.startswith("cache.")}
    count = max(len(_runs(told.get("kinds"))), *(number + 1 for number in tensors), 0)
    if not count:
        return None
    fields = {name: dict(enumerate(_runs(told.get(name)))) for name in FIELDS}
    layers = tuple(_layer(number, tensors.get(number, {}), fields, window) for number in range(count))
    return Cache(call.step, call.index, str(told.get("class", "cache")), layers, bool(told.get("offloading")))


def _layer(
    number: int, tensors: Mapping[str, TensorInfo], fields: Mapping[str, Mapping[int, str]], window: int | None
) -> LayerCache:
    numbers = {name: _number(fields[name].get(number)) for name in ("lengths", "limits", "stored", "state_bytes")}
    limit, state = numbers["limits"], fields["states"].get(number, "None")
    return LayerCache(
        number=number,
        kind=fields["kinds"].get(number, ""),
        length=numbers["lengths"],
        limit=None if limit == UNLIMITED else limit,
        keys=tensors.get("keys"),
        values=tensors.get("values"),
        indexer=tensors.get("indexer_keys"),
        stored=numbers["stored"] or 0,
        state="" if state == "None" else state,
        state_bytes=numbers["state_bytes"] or 0,
        window=window,
    )


def _window(trace: Trace) -> int | None:
    """The window, or chunk, of the model's sliding layers, as its configuration names it."""
    text = trace.config.get("text_config", trace.config)
    window = text.get("sliding_window") or text.get("attention_chunk_size")
    return window if isinstance(window, int) else None


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
