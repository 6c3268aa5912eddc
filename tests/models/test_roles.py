"""Roles of every module of models that nobody wrote rules for."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from inspector.models.roles import ROLES, role_of
from tests.fakes import IMAGE_TEXT_MODELS, TEXT_MODELS, tiny


def roles(name: str) -> dict[str, str | None]:
    with torch.device("meta"):
        model = tiny(name)
    return {
        path: role_of(path, module)
        for path, module in model.named_modules()
        if not isinstance(module, (nn.ModuleList, nn.ModuleDict))
    }


@pytest.mark.parametrize("name", sorted({*TEXT_MODELS, *IMAGE_TEXT_MODELS}))
def test_every_module_has_a_known_role(name: str) -> None:
    found = roles(name)
    assert {path: role for path, role in found.items() if role not in ROLES} == {}
    values = list(found.values())
    for single in ("model", "language_model", "lm_head", "token_embedding"):
        assert values.count(single) == 1, single
    assert values.count("decoder_layer") == 2
    assert "norm" in values
    if name in IMAGE_TEXT_MODELS:
        assert values.count("vision_tower") == values.count("multimodal_model") == 1
        assert values.count("vision_block") == 2
        assert "patch_embed" in values
        assert "merger" in values or "projector" in values


def test_parts_of_layers() -> None:
    llama = roles("llama")
    assert llama["model.layers.0.self_attn"] == "attention"
    assert llama["model.layers.0.self_attn.o_proj"] == "o_proj"
    assert llama["model.layers.0.mlp.down_proj"] == "down_proj"
    assert llama["model.layers.0.mlp.act_fn"] == "activation"
    assert llama["model.rotary_emb"] == "rotary"

    gpt2 = roles("gpt2")
    assert gpt2["transformer.wpe"] == "position_embedding"
    assert gpt2["transformer.h.1.attn.c_attn"] == "qkv_proj"
    assert gpt2["transformer.h.1.attn.c_proj"] == "o_proj"
    assert gpt2["transformer.h.1.mlp.c_proj"] == "down_proj"

    mixtral = roles("mixtral")
    assert mixtral["model.layers.0.mlp"] == "moe"
    assert mixtral["model.layers.0.mlp.gate"] == "router"
    assert mixtral["model.layers.0.mlp.experts"] == "experts"

    vision = roles("qwen2_5_vl")
    assert vision["model.visual.patch_embed.proj"] == "conv"
    assert vision["model.visual.blocks.1.attn.qkv"] == "qkv_proj"
    assert vision["model.visual.merger"] == "merger"
    assert vision["model.visual.rotary_pos_emb"] == "rotary"


def test_a_list_of_experts_and_a_quantised_layer() -> None:
    class Linear4bit(nn.Module):
        pass

    assert role_of("model.layers.3.mlp.experts.7", nn.Sequential(nn.Linear(2, 2))) == "expert"
    assert role_of("model.layers.3.self_attn.q_proj", Linear4bit()) == "q_proj"
    assert role_of("model.layers", nn.ModuleList()) is None
    assert role_of("audio_tower.layers.0", nn.Sequential()) == "encoder_layer"
