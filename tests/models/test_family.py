"""What the generic family says of models that no plugin describes."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText, PreTrainedConfig

from inspector.errors import ModelError
from inspector.models.family import Family
from inspector.models.inputs import Request
from inspector.models.presets import Preset
from inspector.models.sources import Source
from tests.fakes import EOS, IMAGE, IMAGE_TEXT_MODELS, TEXT_MODELS, VIDEO, tiny_config, tiny_tokenizer


@pytest.mark.parametrize("name", sorted({*TEXT_MODELS, *IMAGE_TEXT_MODELS}))
def test_the_class_that_builds_a_model(name: str) -> None:
    expected = AutoModelForCausalLM if name in TEXT_MODELS else AutoModelForImageTextToText
    assert Family().model_class(tiny_config(name)) is expected


def test_remote_code_names_its_auto_class() -> None:
    config = PreTrainedConfig()
    config.auto_map = {"AutoModelForCausalLM": "modeling.Model"}
    assert Family().model_class(config) is AutoModelForCausalLM


def test_what_is_no_language_model() -> None:
    with pytest.raises(ModelError, match="'vit' is neither a causal language model nor an image-text model"):
        Family().model_class(AutoConfig.for_model("vit"))


def test_kinds_from_configuration_mask_and_tokenizer() -> None:
    config = tiny_config("qwen2_5_vl")
    ids = torch.tensor([[EOS, 72, 257, IMAGE, VIDEO, 260, EOS]])
    mask = torch.tensor([[0, 1, 1, 1, 1, 1, 1]])
    kinds = Family().token_kinds(ids, mask, config, tiny_tokenizer("qwen2_5_vl"))
    assert kinds == [["pad", "text", "special", "image", "video", "special", "special"]]
    alone = Family().token_kinds(ids, None, config)
    assert alone == [["special", "text", "text", "image", "video", "special", "special"]]


def test_without_a_mask_the_padding_id_is_padding() -> None:
    config = tiny_config("llama")
    config.pad_token_id = 7
    assert Family().token_kinds(torch.tensor([[7, 72, EOS]]), None, config) == [["pad", "text", "special"]]


def test_positions_of_one_axis_and_of_three() -> None:
    assert Family().positions(torch.tensor([[0, 1], [3, 4]])) == [[(0,), (1,)], [(3,), (4,)]]
    axes = torch.arange(6).reshape(3, 1, 2)
    assert Family().positions(axes) == [[(0, 2, 4), (1, 3, 5)]]


def test_a_preset_without_a_vocabulary_gets_bytes() -> None:
    config = tiny_config("llama")
    config.eos_token_id = 300
    preset = Preset("Tiny", config.to_dict(), tokenizer="unknown")
    processor = Family().processor(Source("preset:Tiny", "preset", preset=preset), config)
    assert "stand-in" in processor.notices[0]
    inputs = Family().inputs(Request(("Hi",)), processor, config)
    assert inputs.tensors["input_ids"].tolist() == [[72, 105]]
    assert processor.tokenizer is not None
    assert processor.tokenizer.decode([72, 105, 300]) == "Hi<|eos|>"
