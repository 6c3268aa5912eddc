"""Rotary variants worked out independently equal transformers' own, and pairs belong to the axes that models use."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from transformers import AutoConfig, LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from inspector.analysis.rope import pair_axes, ropes, wavelength
from inspector.analysis.rope_variants import FREQUENCIES, VARIANTS

TRAINED = 64
VARIANT_PARAMETERS: dict[str, list[dict[str, Any]]] = {
    "default": [{}, {"rope_theta": 500.0}],
    "linear": [{"factor": 4.0}],
    "dynamic": [{"factor": 2.0}],
    "yarn": [
        {"factor": 4.0},
        {"factor": 8.0, "beta_fast": 16, "beta_slow": 2, "truncate": False},
        {"factor": 40.0, "mscale": 0.7, "mscale_all_dim": 1.0},
        {"factor": 4.0, "attention_factor": 1.5},
    ],
    "longrope": [
        {"short_factor": [1.0 + i / 9 for i in range(8)], "long_factor": [2.0 + i for i in range(8)], "factor": 4.0},
        {"short_factor": [1.0] * 8, "long_factor": [3.0] * 8, "attention_factor": 1.2},
    ],
    "llama3": [{"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}],
    "proportional": [{"partial_rotary_factor": 0.25}],
}
CASES = [(name, given) for name, all_given in VARIANT_PARAMETERS.items() for given in all_given]


def config(name: str, given: dict[str, Any], **changes: Any) -> LlamaConfig:
    parameters = {"rope_type": name, "rope_theta": 10000.0, **given}
    if name in ("yarn", "longrope", "llama3"):
        parameters["original_max_position_embeddings"] = TRAINED
    return LlamaConfig(
        hidden_size=64, num_attention_heads=4, max_position_embeddings=256, rope_parameters=parameters, **changes
    )


@pytest.mark.parametrize("length", [10, 100, 1000])
@pytest.mark.parametrize(("name", "given"), CASES)
def test_every_variant_equals_the_librarys(name: str, given: dict[str, Any], length: int) -> None:
    asked = config(name, given)
    found = ropes(asked.to_dict(), length)[""]
    if name == "default":
        inv_freq, scaling = LlamaRotaryEmbedding.compute_default_rope_parameters(asked)
    else:
        inv_freq, scaling = ROPE_INIT_FUNCTIONS[name](asked, seq_len=length)
    torch.testing.assert_close(torch.tensor(found.inv_freq), inv_freq, rtol=1e-5, atol=0)
    assert found.scaling == pytest.approx(scaling)
    assert (found.type, found.head_dim, found.base) == (name, 16, asked.rope_parameters["rope_theta"])


def test_every_variant_of_the_library_is_known() -> None:
    assert set(ROPE_INIT_FUNCTIONS) <= set(FREQUENCIES)
    assert set(FREQUENCIES) <= set(VARIANTS)


def test_the_effective_base() -> None:
    assert ropes(config("default", {}).to_dict())[""].effective_base == pytest.approx(10000)
    dynamic = ropes(config("dynamic", {"factor": 2.0}).to_dict(), 512)[""]
    assert dynamic.effective_base == pytest.approx(10000 * 3 ** (16 / 14))
    slower = ropes(config("linear", {"factor": 4.0}).to_dict())[""]
    assert slower.effective_base == pytest.approx(10000 * 4 ** (16 / 14))


def test_a_part_of_the_head() -> None:
    found = ropes(config("default", {"partial_rotary_factor": 0.5}).to_dict())[""]
    assert (found.head_dim, found.dim, len(found.inv_freq)) == (16, 8, 4)


def test_layer_types_have_their_own() -> None:
    found = ropes(AutoConfig.for_model("gemma3_text").to_dict())
    assert set(found) == {"sliding_attention", "full_attention"}
    assert (found["sliding_attention"].base, found["full_attention"].base) == (10000, 1000000)


def test_configurations_as_they_were_written_before() -> None:
    old = {"hidden_size": 64, "num_attention_heads": 4, "rope_theta": 1e6, "max_position_embeddings": 256}
    assert ropes(old)[""].base == 1e6
    sections = {**old, "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]}}
    assert (ropes(sections)[""].type, ropes(sections)[""].sections) == ("default", (2, 3, 3))
    linear = {**old, "rope_scaling": {"type": "linear", "factor": 2.0}}
    assert ropes({"text_config": linear})[""].inv_freq[0] == 0.5


@pytest.mark.parametrize(
    "data",
    [{}, {"n_embd": 32, "n_head": 4}, {"hidden_size": 8, "rope_theta": 1e4}, {"rope_parameters": {"rope_type": "new"}}],
)
def test_models_without_a_known_rotary_embedding(data: dict[str, Any]) -> None:
    assert ropes(data) == {}


def test_wavelengths() -> None:
    assert wavelength(1.0) == pytest.approx(2 * math.pi)
    assert wavelength(0.0) == math.inf


@pytest.mark.parametrize("name", ["qwen2_5_vl", "qwen3_vl"])
def test_pairs_turn_by_the_axes_that_the_model_uses(name: str) -> None:
    """Each axis is moved alone; the pairs whose cosines move are its own."""
    from tests.analysis.test_positions import model

    rotary = type(model(name).language_model.rotary_emb)(model(name).config.text_config)
    still = torch.zeros(3, 1, 1, dtype=torch.long)
    found = ropes(model(name).config.to_dict())[""]
    assert len(found.axes()) == 8
    for axis in range(3):
        moved = still.clone()
        moved[axis] = 1
        changed = (rotary(torch.zeros(1), moved)[1] != rotary(torch.zeros(1), still)[1])[0, 0, :8]
        assert changed.tolist() == [own == axis for own in found.axes()]


def test_sections_that_do_not_cover_the_pairs() -> None:
    assert pair_axes(4, (1, 1)) == [0, 1, 0, 0]
    assert pair_axes(2, (1, 4)) == [0, 1]
    assert pair_axes(7, (3, 2, 2), interleaved=True) == [0, 1, 2, 0, 1, 2, 0]
