"""Whether a cache fits together: layers with each other, keys with values, steps with the tokens that were given."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import pairwise

from inspector.analysis.cache import Cache, decoder_kernels
from inspector.analysis.checks import Check, counted, some
from inspector.analysis.forwards import Forward, forwards
from inspector.analysis.kernels import Kernel
from inspector.analysis.numbering import layer_numbers
from inspector.analysis.wording import listed
from inspector.trace import TensorInfo, Trace


def cache_checks(trace: Trace, found: Sequence[Cache], step: int) -> Iterator[Check]:
    """The checks of the cache after a step. `found` are the caches after every step."""
    given = {forward.step: forward for forward in forwards(trace)}
    for cache in found:
        if cache.step == step:
            yield from _layers(cache, _apart(trace, cache))
            if step in given:
                yield from _tokens(cache, given[step])
    shorter = [
        f"from {before.tokens:,} to {after.tokens:,} tokens in step {after.step}"
        for before, after in pairwise(found)
        if after.tokens < before.tokens
    ]
    if shorter:
        yield Check("growth", None, f"It became shorter, cropped or begun anew: {some(shorter)}.")


def _apart(trace: Trace, cache: Cache) -> dict[int, str]:
    """The layers that need not hold every token, by number, and why not."""
    found = decoder_kernels(trace, cache.step)
    numbers = layer_numbers([kernel.call for kernel in found])
    within = {number for kernel, number in zip(found, numbers, strict=True) if not _looks_across(kernel)}
    across = {layer.number: ACROSS for layer in cache.layers if layer.number in numbers and layer.number not in within}
    without = [layer.number for layer in cache.layers if layer.number not in numbers and layer.keys is None]
    return {**across, **(dict.fromkeys(without, WITHOUT) if found else {})}


ACROSS = "looking across at something else than the tokens"
WITHOUT = "without an attention kernel"


def _looks_across(kernel: Kernel) -> bool:
    """Whether a module takes keys from other states than its queries: cross attention."""
    given = (port for port, value in kernel.call.inputs.items() if isinstance(value, TensorInfo))
    return any(
        port.startswith("input.") and port.endswith("_states") and port != "input.hidden_states" for port in given
    )


def _layers(cache: Cache, apart: Mapping[int, str]) -> Iterator[Check]:
    alike = [layer for layer in cache.layers if layer.number not in apart]
    numbers = {why: [number for number in apart if apart[number] == why] for why in apart.values()}
    beside = "".join(f"; left out: {listed(own)} ({why})" for why, own in numbers.items())
    lengths = {layer.number: layer.length for layer in alike if layer.length is not None}
    yield _alike("tokens in each layer", lengths, "tokens", beside)
    held = {layer.number: layer.held for layer in alike if layer.kind in ("dynamic", "static", "") and layer.keys}
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


def _alike(name: str, values: Mapping[int, Hashable], unit: str, beside: str = "") -> Check:
    """Whether all layers have the same; `beside` tells of layers that are left out."""
    counts: dict[Hashable, int] = {}
    for value in values.values():
        counts[value] = counts.get(value, 0) + 1
    if not counts:
        return Check(name, None, "Nothing was recorded.")
    usual = max(counts, key=lambda value: counts[value])
    said = f"{usual} {unit}".strip()
    if len(counts) == 1:
        return Check(name, True, f"{said} in {counted(len(values), 'layer')}{beside}.")
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
