"""What does not fit together in a cache, injected, where a reader of its view sees it."""

from __future__ import annotations

from dataclasses import replace

import torch

import inspector
from inspector import TensorInfo
from inspector.analysis.cache import caches
from inspector.analysis.cache_checks import cache_checks
from inspector.views.cache import VIEW
from tests.attention_cases import forwards, model, text
from tests.views.shown import checks


def test_a_cache_that_was_sliced_wrongly() -> None:
    """One layer cropped and the other not, and keys without their values."""
    subject = model("qwen2")
    with inspector.capture(subject) as trace, torch.no_grad():
        cache = forwards(subject, text(), 2)
        cache.layers[1].keys = cache.layers[1].keys[:, :, 3:]
        cache.layers[1].values = cache.layers[1].values[:, :, 3:]
        subject(torch.tensor([[5]]), past_key_values=cache)
    assert checks(VIEW, trace)["tokens in each layer"] == ("≠ differs", "19 tokens in most layers, but layer 1 has 16.")
    assert checks(VIEW, trace)["keys in each full layer"][0] == "≠ differs"
    whole = caches(trace)[0]
    layer = whole.layers[0]
    assert isinstance(layer.values, TensorInfo)
    lopsided = replace(layer, values=replace(layer.values, shape=(1, 2, 4, 8)))
    broken = replace(whole, layers=(lopsided, whole.layers[1]))
    found = {item.name: item for item in cache_checks(trace, [broken], whole.step)}
    assert found["keys and values"].ok is False


def test_a_padding_mask_of_another_length() -> None:
    subject = model("qwen2")
    with inspector.capture(subject) as trace, torch.no_grad():
        out = subject(**text())
        mask = torch.ones(1, 20, dtype=torch.long)
        subject(torch.tensor([[5]]), attention_mask=mask, past_key_values=out.past_key_values)
    assert checks(VIEW, trace, step="1")["length of the padding mask"] == (
        "≠ differs",
        "The padding mask has 20 columns for 18 tokens.",
    )


def test_a_cache_that_became_shorter_is_told() -> None:
    subject = model("qwen2")
    with inspector.capture(subject) as trace, torch.no_grad():
        cache = forwards(subject, text(), 3)
        cache.crop(-6)
        subject(torch.tensor([[5]]), past_key_values=cache)
    assert checks(VIEW, trace)["growth"] == (
        "cannot be told",
        "It became shorter, cropped or begun anew: from 19 to 14 tokens in step 3.",
    )


def test_an_option_that_is_called_states_makes_no_cross_attention() -> None:
    subject = model("qwen2")
    with inspector.capture(subject) as trace, torch.no_grad():
        subject(**text(), output_hidden_states=True)
    assert checks(VIEW, trace)["tokens in each layer"][0] == "agrees"
