"""Layers of a cache are compared where they have to be alike."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForImageTextToText

from inspector.views.cache import VIEW
from tests.attention_cases import model, recorded, text
from tests.fakes import IMAGE, TEXT
from tests.views.shown import checks, run

ROPE = {
    "rope_type": "llama3",
    "rope_theta": 1e4,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
VISION: dict[str, Any] = {
    "hidden_size": 32,
    "attention_heads": 4,
    "num_hidden_layers": 2,
    "num_global_layers": 1,
    "intermediate_size": 48,
    "image_size": 28,
    "patch_size": 14,
    "vision_output_dim": 64,
    "intermediate_layers_indices": [0],
    "max_num_tiles": 2,
    "supported_aspect_ratios": [[1, 1], [1, 2], [2, 1]],
}


def test_layers_that_look_across_at_pictures_hold_what_they_look_at() -> None:
    config = AutoConfig.for_model(
        "mllama",
        text_config={
            **TEXT,
            "bos_token_id": 1,
            "num_hidden_layers": 4,
            "cross_attention_layers": [1, 3],
            "rope_parameters": ROPE,
        },
        vision_config=VISION,
        image_token_index=IMAGE,
    )
    ids = torch.tensor([[5, 6, 7, IMAGE, *range(8, 17)]])
    given = {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "pixel_values": torch.randn(1, 1, 2, 3, 28, 28),
        "aspect_ratio_ids": torch.tensor([[2]]),
        "aspect_ratio_mask": torch.ones(1, 1, 2, dtype=torch.long),
        "cross_attention_mask": torch.tensor([[[[0, 0]]] * 3 + [[[1, 1]]] * 10]),
    }
    found = checks(VIEW, run(AutoModelForImageTextToText.from_config(config).eval(), given))
    assert found["tokens in each layer"] == (
        "agrees",
        "13 tokens in 2 layers; left out: 1, 3 (looking across at something else than the tokens).",
    )
    assert found["keys in each full layer"][0] == "agrees"


@pytest.mark.parametrize(("name", "left"), [("minimax", "1"), ("qwen3_next", "0–2")])
def test_layers_of_linear_attention_hold_no_tokens(name: str, left: str) -> None:
    result, evidence = checks(VIEW, recorded(model(name), text(), steps=2))["tokens in each layer"]
    assert result == "agrees"
    assert evidence.endswith(f"left out: {left} (without an attention kernel).")
