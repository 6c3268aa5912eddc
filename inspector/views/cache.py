"""The key-value cache: what each layer is, holds and costs, how it grows, and what a full context would need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from inspector.analysis.checks import counted
from inspector.analysis.wording import in_bytes, summary
from inspector.errors import InputError
from inspector.parts import Cell, Column, Curve, Heatmap, Part, Table, Text, View
from inspector.trace import Trace
from inspector.views.asking import whole
from inspector.views.masks import step_of

if TYPE_CHECKING:
    from inspector.analysis.cache import Cache, LayerCache

CELLS = (64, 128)
"""The most rows and columns of a heatmap."""

FACTS = (Column("field"), Column("value"))
NONE = "No forward of this trace left a key-value cache: it was run with use_cache=False, or the model keeps none."


def show(trace: Trace, *, step: str = "", layer: str = "", row: str = "", head: str = "") -> Sequence[Part]:
    from inspector.analysis.cache import caches
    from inspector.analysis.cache_checks import cache_checks
    from inspector.views.positions import checked

    found = caches(trace)
    if not found:
        return [Table("Cache", FACTS, [], NONE)]
    number = step_of(trace, step) if step else found[-1].step
    cache = next((cache for cache in found if cache.step == number), None)
    if cache is None:
        raise InputError(
            f"Step {number} left no cache; these did: {', '.join(str(cache.step) for cache in found[:20])}."
        )
    states = contents(trace, cache, layer, row, head) if layer else []
    return [
        checked(list(cache_checks(trace, found, number))),
        facts(trace, cache),
        *states,
        layers(trace, cache),
        *([growth(found)] if len(found) > 1 else []),
    ]


def facts(trace: Trace, cache: Cache) -> Table:
    """The cache as a whole, and what a full context would need."""
    from inspector.analysis.cache import context_limit, sharing

    limit, shared = context_limit(trace), sharing(trace, cache.step)
    batch = next((layer.keys.shape[0] for layer in cache.layers if layer.keys is not None), 1)
    rows: list[tuple[Cell, ...]] = [
        ("class", cache.name + (", offloading layers to the CPU" if cache.offloading else "")),
        ("step", cache.step),
        ("layers", _kinds(cache)),
        ("tokens", f"{cache.tokens:,}" + (f", in each of {batch} rows" if batch > 1 else "")),
        ("bytes", in_bytes(cache.nbytes)),
        ("a further token", "; ".join([in_bytes(cache.growth), *_not_growing(cache)])),
    ]
    if limit is not None:
        rows.append((f"a context of {limit:,} tokens", in_bytes(cache.bytes_at(limit)) + _room(cache, limit)))
    if shared is not None and shared.factor > 1:
        without = cache.token_store * shared.factor
        rows.append(
            (
                "grouped-query attention",
                f"{shared.factor:g} query heads share one of the keys and values: {in_bytes(cache.token_store)} in "
                f"place of {in_bytes(without)}",
            )
        )
    return Table("Cache", FACTS, rows)


def _not_growing(cache: Cache) -> Iterator[str]:
    """Why layers do not grow by a further token, where some do not."""
    counts = (
        (sum(layer.is_static for layer in cache.layers), "room from the start"),
        (sum(layer.is_full for layer in cache.layers), "a full window"),
        (sum(bool(layer.state) and layer.keys is None for layer in cache.layers), "a state of one size"),
    )
    for count, why in counts:
        if count:
            yield f"{why} in {count} of {counted(len(cache.layers), 'layer')}"


def _room(cache: Cache, tokens: int) -> str:
    """How far the room of a static cache reaches, where it is not for so many tokens."""
    whole = (layer for layer in cache.layers if layer.is_static and not layer.is_sliding)
    room = max((layer.limit or 0 for layer in whole), default=0)
    return f"; this cache has room for {room:,}" if 0 < room < tokens else ""


def _kinds(cache: Cache) -> str:
    kinds = [layer.kind or "not recorded" for layer in cache.layers]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))


def layers(trace: Trace, cache: Cache) -> Table:
    """A row for each layer."""
    from inspector.analysis.cache import context_limit

    limit = context_limit(trace)
    columns = (
        Column("layer", "right"),
        Column("kind"),
        Column("tokens", "right", "count"),
        Column("held", "right", "count"),
        Column("most", "right", "count"),
        Column("keys"),
        Column("values"),
        Column("device"),
        Column("bytes", "right", "bytes"),
        *([Column("state")] if any(layer.state for layer in cache.layers) else []),
        Column("a further token", "right", "bytes"),
        *([Column("full context", "right", "bytes")] if limit is not None else []),
    )

    def cells(layer: LayerCache) -> tuple[Cell, ...]:
        keys, values = layer.keys, layer.values
        return (
            layer.number,
            layer.kind or None,
            layer.length,
            layer.held if keys is not None else None,
            layer.limit,
            None if keys is None else str(keys),
            None if values is None else str(values),
            None if keys is None else keys.device,
            layer.nbytes,
            *([layer.state or None] if any(one.state for one in cache.layers) else []),
            layer.growth,
            *([layer.bytes_at(limit)] if limit is not None else []),
        )

    quantised = any(layer.stored for layer in cache.layers)
    note = (
        "Keys and values are what is not quantised yet; bytes count both, and a full context as many of them as now."
        if quantised
        else ""
    )
    return Table("Layers of the cache", columns, [cells(layer) for layer in cache.layers], note)


def growth(found: Sequence[Cache]) -> Curve:
    """Bytes and tokens over the steps."""
    steps = [float(cache.step) for cache in found]
    series = {
        "tokens": [float(cache.tokens) for cache in found],
        "bytes": [float(cache.nbytes) for cache in found],
    }
    return Curve("Growth", steps, series, "step")


def contents(trace: Trace, cache: Cache, layer: str, row: str, head: str) -> list[Part]:
    """Keys and values of one layer as its kernel got them: in numbers, and one head as heatmaps [tokens, features]."""
    from inspector.analysis.cache import decoder_kernels
    from inspector.analysis.numbering import place_named
    from inspector.analysis.tensors import edges, grid

    found = decoder_kernels(trace, cache.step)
    kernel = found[place_named(trace, [own.call for own in found], layer)]
    place = whole(row or "0", "row", kernel.batch, "rows in the batch")
    number = whole(head or "0", "head", kernel.key_heads, "heads of keys")
    if trace.model.shape_only:
        return [Text(f"Keys of layer {layer}", "The model ran without weights (shape-only): its cache has no values.")]
    parts: list[Part] = []
    rows: list[tuple[Cell, ...]] = []
    for name in ("key", "value"):
        info, state = kernel.call.inputs[f"attention.{name}"], kernel.state(name, place, number)
        rows.append((f"{name}s", str(info), _numbers(state)))
        coarse = " A cell shows the mean of what it covers." if state.shape[0] > CELLS[0] else ""
        note = f"Of row {place} and head {number}.{coarse}"
        title = f"{name.capitalize()}s of {kernel.path}"
        cells = grid(state, *CELLS)
        parts.append(
            Heatmap(title, cells, f"tokens, {len(edges(state.shape[0], CELLS[0])) - 1} rows", "features", note)
        )
    columns = (Column("states"), Column("all"), Column(f"row {place}, head {number}"))
    return [Table(f"Keys and values of layer {layer}", columns, rows), *parts]


def _numbers(state: object) -> str:
    from torch import Tensor

    from inspector.analysis.stats import stats_of
    from inspector.trace import TensorInfo

    assert isinstance(state, Tensor)
    dtype = str(state.dtype).removeprefix("torch.")
    return summary(TensorInfo(tuple(state.shape), dtype, str(state.device), stats_of(state)))


def _needs(**asked: str) -> list[str]:
    """Keys and values of the layer that is asked for."""
    layer = asked.get("layer", "")
    if not layer:
        return []
    return [f"*.{layer}.*:attention.{name}*" for name in ("key", "value")]


VIEW = View(
    "cache",
    "The key-value cache: each layer's kind, length and bytes, its growth, and what a full context needs",
    show,
    {
        "step": "The step, from 0; by default the last one",
        "layer": "A decoder layer, from 0, whose keys and values are shown",
        "row": "The row of the batch of --layer, from 0",
        "head": "The head of keys of --layer, from 0",
    },
    needs=_needs,
)
