"""The published sizes: CLIP-ViT-L/14 before Qwen-7B and Qwen-1_8B. Plain data; nothing of torch is imported."""

from __future__ import annotations

from typing import Any

from inspector import Preset

from .published import CLIP_SETTINGS, IMAGE_TOKEN_ID, VIT_L_14

SIZES = {
    # size: hidden, twice the MLP's width, layers, heads, max positions
    "7B": (4096, 22016, 32, 32, 32768),
    "1_8B": (2048, 11008, 24, 16, 8192),
}


def text_config(size: str) -> dict[str, Any]:
    """What the published `config.json` of a decoder says."""
    hidden, intermediate, layers, heads, positions = SIZES[size]
    return {
        "architectures": ["QWenLMHeadModel"],
        "attn_dropout_prob": 0.0,
        "emb_dropout_prob": 0.0,
        "hidden_size": hidden,
        "initializer_range": 0.02,
        "intermediate_size": intermediate,
        "kv_channels": 128,
        "layer_norm_epsilon": 1e-06,
        "max_position_embeddings": positions,
        "model_type": "qwen",
        "no_bias": True,
        "num_attention_heads": heads,
        "num_hidden_layers": layers,
        "rotary_emb_base": 10000,
        "rotary_pct": 1.0,
        "seq_length": 8192,
        "tie_word_embeddings": False,
        "use_cache": True,
        "use_dynamic_ntk": True,
        "use_logn_attn": True,
        "vocab_size": 151936,
    }


def preset(size: str) -> Preset:
    return Preset(
        name=f"CLIP-ViT-L-14+Qwen-{size}",
        config={
            "architectures": ["ClipQwenForConditionalGeneration"],
            "dtype": "bfloat16",
            "image_seq_length": 256,
            "image_token_id": IMAGE_TOKEN_ID,
            "model_type": "clip_qwen",
            "text_config": text_config(size),
            "vision_config": {"model_type": "clip_vision_model", **VIT_L_14},
        },
        generation={
            "do_sample": True,
            "eos_token_id": 151643,
            "max_new_tokens": 512,
            "pad_token_id": 151643,
            "top_k": 0,
            "top_p": 0.8,
        },
        image_processor=CLIP_SETTINGS,
        source=f"openai/clip-vit-large-patch14 and Qwen/Qwen-{size}",
    )
