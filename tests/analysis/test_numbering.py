"""Layers have the numbers that the model gives them, whether or not all of them have attention."""

from __future__ import annotations

from typing import Any

import pytest
from transformers import AutoConfig, AutoModel

from inspector import InputError, Trace
from inspector.analysis.kernels import kernels
from inspector.analysis.layers import choose, layer_names
from inspector.views import attention, cache, masks
from tests.attention_cases import model, recorded, text
from tests.fakes import TEXT
from tests.views.shown import checks, run


@pytest.fixture(scope="module")
def hybrid() -> Trace:
    """Qwen3-Next: layers 0 to 2 have linear attention, layer 3 calls a kernel."""
    return recorded(model("qwen3_next"), text(), steps=2)


def test_a_layer_is_named_by_its_number_in_the_model(hybrid: Trace) -> None:
    assert choose(hybrid, "3").path == "model.layers.3.self_attn"
    assert layer_names(kernels(hybrid)) == ["3"]


@pytest.mark.parametrize("view", [attention, masks, cache])
def test_every_view_counts_alike_and_says_which_layers_have_attention(hybrid: Trace, view: Any) -> None:
    assert view.VIEW(hybrid, layer="3")
    with pytest.raises(InputError, match=r"Layer 1 calls no attention kernel \(linear_attention .*layers do: 3"):
        view.VIEW(hybrid, layer="1")
    with pytest.raises(InputError, match="There is no layer 4; this step has attention in 3"):
        view.VIEW(hybrid, layer="4")


def test_what_a_view_keeps_of_a_layer_goes_by_the_same_number() -> None:
    assert attention.VIEW.needs is not None
    trace = run(model("qwen3_next"), text(), values=attention.VIEW.needs(layer="3"))
    assert attention.VIEW(trace, layer="3")


def test_masks_are_compared_with_the_kinds_of_their_own_layers(hybrid: Trace) -> None:
    found = checks(masks.VIEW, hybrid)["kinds of layers"]
    assert found == ("agrees", "The layer with attention sees as far as the configuration says: 1 full attention.")


def test_calls_are_counted_where_layers_share_a_module() -> None:
    config = AutoConfig.for_model("albert", **TEXT, embedding_size=16, num_hidden_groups=1)
    trace = run(AutoModel.from_config(config).eval(), text())
    found = kernels(trace)
    assert len({kernel.path for kernel in found}) == 1
    assert layer_names(found) == ["0", "1"]
    assert choose(trace, "1").call.index == found[1].call.index
