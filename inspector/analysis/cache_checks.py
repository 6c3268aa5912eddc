"""Whether a cache fits together: layers with each other, keys with values, steps with the tokens that were given."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import pairwise

from inspector.analysis.cache import Cache
from inspector.analysis.checks import Check, counted, some
from inspector.analysis.forwards import Forward, forwards
from inspector.trace import Trace


def cache_checks(trace: Trace, found: Sequence[Cache], step: int) -> Iterator[Check]:
    """The checks of the cache after a step. `found` are the caches after every step."""
    given = {forward.step: forward for forward in forwards(trace)}
    for cache in found:
        if cache.step == step:
            yield from _layers(cache)
            if step in given:
                yield from _tokens(cache, given[step])
    shorter = [
        f"from {before.tokens:,} to {after.tokens:,} tokens in step {after.step}"
        for before, after in pairwise(found)
        if after.tokens < before.tokens
    ]
    if shorter:
        yield Check("growth", None, f"It became shorter, cropped or begun anew: {some(shorter)}.")


def _layers(cache: Cache) -> Iterator[Check]:
    lengths = {layer.number: layer.length for layer in cache.layers if layer.length is not None}
    yield _alike("tokens in each layer", lengths, "tokens")
    held = {
        layer.number: layer.held for layer in cache.layers if layer.kind in ("dynamic", "static", "") and layer.keys
    }
    if held:
        yield _alike("keys in each full layer", held, "keys")
    odd = [
        f"layer {layer.number} {layer.keys} and {layer.values}"
        for layer in cache.layers
        if layer.keys is not None and layer.values is not None and layer.keys.shape[:-1] != layer.values.shape[:-1]
    ]
    yield Check("keys and values", not odd, f"They differ: {some(odd)}." if odd else "Every key has a value.")
    dtypes = {layer.number: layer.keys.dtype for layer in cache.layers if layer.keys is not None}
    yield _alike("dtype", dtypes, "")


def _alike(name: str, values: Mapping[int, Hashable], unit: str) -> Check:
    """Whether all layers have the same."""
    counts: dict[Hashable, int] = {}
    for value in values.values():
        counts[value] = counts.get(value, 0) + 1
    if not counts:
        return Check(name, None, "Nothing was recorded.")
    usual = max(counts, key=lambda value: counts[value])
    said = f"{usual} {unit}".strip()
    if len(counts) == 1:
        return Check(name, True, f"{said} in {counted(len(values), 'layer')}.")
    others = [f"layer {layer} has {value}" for layer, value in values.items() if value != usual]
    return Check(name, False, f"{said} in most layers, but {some(others)}.")


def _tokens(cache: Cache, forward: Forward) -> Iterator[Check]:
    """Whether the cache holds what was in it before and what was given, and the mask covers as much."""
    if forward.past is None:
        return
    expected = forward.past + forward.tokens
    told = f"{forward.past:,} before, {forward.tokens:,} given, {cache.tokens:,} now"
    yield Check("tokens in the cache", cache.tokens == expected, f"{told}.")
    if forward.mask is not None:
        columns = forward.mask.shape[1]
        text = f"The padding mask has {columns:,} columns for {expected:,} tokens."
        yield Check("length of the padding mask", columns == expected, text)
