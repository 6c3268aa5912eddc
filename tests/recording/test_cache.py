"""What a cache is made of is told whatever its kind."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from transformers import DynamicCache, StaticCache, cache_utils

import inspector
from inspector.recording.cache import bytes_in, runs
from tests.attention_cases import WINDOW, forwards, model, text


def told(subject: Any, cache: Any = None, steps: int = 2) -> dict[str, Any]:
    with inspector.capture(subject) as trace, torch.no_grad():
        forwards(subject, text(), steps, cache)
    root = trace.call("", -1)
    return {port: value for port, value in root.inputs.items() if port.startswith("cache.")}


def test_a_dynamic_cache() -> None:
    assert told(model("qwen2")) == {
        "cache.class": "DynamicCache",
        "cache.kinds": "dynamic*2",
        "cache.lengths": "18*2",
        "cache.limits": "-1*2",
    }


def test_a_cache_with_sliding_layers() -> None:
    found = told(model("gemma2_softcap", "eager"))
    assert found["cache.kinds"] == "sliding dynamic*1, dynamic*1"
    assert found["cache.limits"] == f"{WINDOW}*1, -1*1"
    assert found["cache.lengths"] == "18*2"


def test_a_static_cache() -> None:
    subject = model("qwen2")
    found = told(subject, StaticCache(config=subject.config, max_cache_len=24))
    assert (found["cache.kinds"], found["cache.lengths"], found["cache.limits"]) == ("static*2", "18*2", "24*2")


@pytest.mark.skipif(not hasattr(cache_utils, "Fp8QuantizedLayer"), reason="transformers has no such layer yet")
def test_a_quantised_cache() -> None:
    cache = DynamicCache()
    cache.layers[:] = [cache_utils.Fp8QuantizedLayer() for _ in range(2)]
    found = told(model("qwen2"), cache)
    assert (found["cache.kinds"], found["cache.lengths"]) == ("quantised*2", "18*2")
    scales = 2 * 4
    assert found["cache.stored"] == f"{2 * 2 * 18 * 8 + scales}*2"


def test_offloading_is_told() -> None:
    cache = DynamicCache()
    cache.offloading = False
    assert "cache.offloading" not in told(model("qwen2"), cache)
    from inspector.recording.cache import facts

    cache.offloading = True  # needs an accelerator to run
    assert facts(cache)["offloading"] is True


def test_layers_of_other_kinds_are_named() -> None:
    class Mine:
        pass

    from inspector.recording.cache import facts

    class Cache:
        layers = (Mine(), Mine())

    assert facts(Cache()) == {"class": "Cache", "kinds": "Mine*2", "lengths": "None*2", "limits": "None*2"}


def test_without_a_cache_nothing_is_told() -> None:
    subject = model("qwen2")
    with inspector.capture(subject) as trace, torch.no_grad():
        subject(**text(), use_cache=False)
    assert not [port for port in trace.calls[0].inputs if port.startswith("cache.")]


def test_a_cache_in_a_tuple() -> None:
    subject = model("qwen2")
    with inspector.capture(subject) as trace, torch.no_grad():
        subject(**text(), return_dict=False)
    assert trace.calls[0].inputs["cache.kinds"] == "dynamic*2"


def test_a_cache_that_cannot_be_read_stops_nothing() -> None:
    class Rude:
        layers = (object(),)

        def __getattribute__(self, name: str) -> Any:
            if name == "layers":
                raise RuntimeError("no")
            return object.__getattribute__(self, name)

    class Model(nn.Module):
        def forward(self, x: torch.Tensor, past_key_values: Any = None) -> torch.Tensor:
            return x

    with inspector.capture(subject := Model()) as trace:
        subject(torch.ones(1), past_key_values=Rude())
    assert any("The cache could not be noted" in notice for notice in trace.notices)


@pytest.mark.parametrize(
    ("thing", "size"),
    [
        (None, 0),
        (torch.ones(3), 12),
        ((torch.ones(2, dtype=torch.int8), {"scale": torch.ones(1), "name": "x"}), 6),
        ([torch.ones(1)], 4),
    ],
)
def test_bytes_of_what_is_stored(thing: Any, size: int) -> None:
    assert bytes_in(thing) == size


def test_runs() -> None:
    assert runs(["a", "a", "b", "a"]) == "a*2, b*1, a*1"
    assert runs([]) == ""
