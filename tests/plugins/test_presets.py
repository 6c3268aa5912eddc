"""The published configurations of Qwen2.5 and Qwen2.5-VL."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch

from inspector.models import Options, find, load_model
from inspector.models.building import without_values
from inspector.models.configuration import read_config
from inspector.plugins import Plugins

PARAMETERS = {
    "Qwen2.5-0.5B": 494_032_768,
    "Qwen2.5-1.5B": 1_543_714_304,
    "Qwen2.5-3B": 3_085_938_688,
    "Qwen2.5-7B": 7_615_616_512,
    "Qwen2.5-14B": 14_770_033_664,
    "Qwen2.5-32B": 32_763_876_352,
    "Qwen2.5-72B": 72_706_203_648,
    "Qwen2.5-VL-3B": 3_754_622_976,
    "Qwen2.5-VL-7B": 8_292_166_656,
    "Qwen2.5-VL-32B": 33_452_718_336,
    "Qwen2.5-VL-72B": 73_410_777_344,
}
"""As the model cards count them."""


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    return Plugins.installed()


def family_of(config: Any, plugins: Plugins) -> Any:
    return next(family for family in plugins.families if family.matches(config))


def test_all_sizes_are_there(plugins: Plugins) -> None:
    assert set(PARAMETERS) <= set(plugins.presets)
    assert plugins.problems == []


@pytest.mark.parametrize("name", PARAMETERS)
def test_each_builds_with_the_published_number_of_parameters(name: str, plugins: Plugins) -> None:
    source = find(f"preset:{name.lower()}", plugins.presets)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no key that transformers has given up
        config = read_config(source)
        family = family_of(config, plugins)
        model = without_values(family.model_class(config), config, "bfloat16")
    assert family.name == ("qwen2_5_vl" if "VL" in name else "qwen2")
    assert sum(parameter.numel() for parameter in model.parameters()) == PARAMETERS[name]
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    head = config.get_text_config()
    assert head.hidden_size // head.num_attention_heads in (64, 128)
    assert head.vocab_size == (151936 if model.config.tie_word_embeddings else 152064)


@pytest.mark.parametrize("name", ["Qwen2.5-0.5B", "Qwen2.5-VL-7B"])
def test_generation_and_image_settings(name: str, plugins: Plugins) -> None:
    loaded = load_model(find(f"preset:{name}", plugins.presets), Options(), plugins.families)
    settings = loaded.model.generation_config
    assert (settings.do_sample, settings.eos_token_id) == (True, [151645, 151643])
    if "VL" in name:
        assert (settings.repetition_penalty, settings.temperature) == (1.05, 1e-06)
        images = loaded.processor.image_processor
        assert dict(images.size) == {"shortest_edge": 3136, "longest_edge": 12845056}
        assert (images.patch_size, images.merge_size, images.temporal_patch_size) == (14, 2, 2)
        assert loaded.config.text_config.rope_parameters["mrope_section"] == [16, 24, 24]
        assert loaded.config.vision_config.fullatt_block_indexes == [7, 15, 23, 31]
    else:
        assert (settings.repetition_penalty, settings.temperature) == (1.1, 0.7)
        assert (settings.top_p, settings.top_k) == (0.8, 20)
        assert loaded.processor.image_processor is None
