"""Keys of a cache, of whatever kind, are kept once, as the kernels got them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import DynamicCache, StaticCache

import inspector
from inspector.analysis.kernels import kernels
from inspector.analysis.layers import choose
from tests.attention_cases import STEPS, forwards, model, recorded, text


@pytest.mark.parametrize("name", ["qwen2", "gemma3_sliding", "llama4_chunks"])
def test_keys_of_a_growing_cache_are_kept_once(name: str) -> None:
    subject, steps = model(name), 12
    trace = recorded(subject, text(), steps=steps)
    held = sum(trace.values[key].numel() for key in trace.values if "/attention.key" in key)
    layers = len(kernels(trace, 0))
    whole = trace.values[f"{kernels(trace, 0)[0].call.index}/attention.key"]
    assert held == layers * whole.numel() * (17 + steps - 1) // 17
    with torch.no_grad():
        cache = forwards(subject, text(), steps)
    for number, kernel in enumerate(kernels(trace, steps - 1)):
        keys = cache.layers[number].keys[0, 1]
        assert torch.equal(kernel.state("key", 0, 1)[-len(keys) :], keys)


def test_a_static_cache_is_kept_once() -> None:
    subject = model("qwen2")
    with inspector.capture(subject, values="*:attention.*") as trace, torch.no_grad():
        cache = forwards(subject, text(), cache=StaticCache(config=subject.config, max_cache_len=24))
    assert len([key for key in trace.values if key.endswith("/attention.key")]) == 2
    last = kernels(trace, STEPS - 1)[1]
    assert last.keys == 24
    assert torch.equal(last.state("key", 0, 0), cache.layers[1].keys[0, 0])


def test_a_cache_that_was_cropped_or_reordered_shows_as_such() -> None:
    subject = model("qwen2")
    with inspector.capture(subject, values="*:attention.key*") as trace, torch.no_grad():
        cache = forwards(subject, text(True), 2)
        cache.crop(-6)
        subject(torch.ones(2, 2, dtype=torch.long), past_key_values=cache)
        cropped = cache.layers[0].keys.clone()
        cache.reorder_cache(torch.tensor([1, 0]))
        subject(torch.ones(2, 1, dtype=torch.long), past_key_values=cache)
    assert torch.equal(choose(trace, "0", 2).state("key", 1, 0), cropped[1, 0])
    grown = choose(trace, "0", 2).call.inputs
    assert (grown["attention.key_grown.start"], str(grown["attention.key_rows"])) == (12, "f32[2,2,2,8]")
    assert torch.equal(choose(trace, "0", 3).state("key", 1, 0), cache.layers[0].keys[1, 0])
    assert "attention.key_rows" not in choose(trace, "0", 3).call.inputs, "every row moved, so it is kept whole"


def test_a_quantised_cache_is_kept_as_the_kernel_got_it() -> None:
    from transformers.cache_utils import QuantizedLayer

    class Rounded(QuantizedLayer):
        """Keeps integers of one step, as a backend would; those backends are packages of their own."""

        def _quantize(self, tensor: Tensor, axis: int) -> Tensor:
            return (tensor * 8).round().to(torch.int8)

        def _dequantize(self, q_tensor: Tensor) -> Tensor:
            return q_tensor.float() / 8

    subject = model("qwen2")
    layers = [Rounded(residual_length=3) for _ in range(2)]
    seen: list[Tensor] = []
    update = Rounded.update

    def watched(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = update(self, *args, **kwargs)
        seen.append(result[0].clone())
        return result

    cache = DynamicCache()
    cache.layers[:] = layers
    with pytest.MonkeyPatch.context() as patch, torch.no_grad():
        patch.setattr(Rounded, "update", watched)
        with inspector.capture(subject, values="*:attention.key*") as trace:
            forwards(subject, text(), 7, cache)
    found = [kernel for step in range(7) for kernel in kernels(trace, step)]
    for kernel, real in zip(found, seen, strict=True):
        assert torch.equal(kernel.state("key", 0, 1), real[0, 1])
