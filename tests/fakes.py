"""Tiny random models of real transformers classes, with tokenizers and image processors that fit them.

model = tiny("qwen2_5_vl")            the real class, seeded random weights, eval mode
tokenizer = tiny_tokenizer("llama")   byte-level: id n is byte n, special tokens from 256 on
save_tiny("llava", directory)         a whole checkpoint directory, as `save_pretrained` writes it
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

VOCABULARY = 320
EOS, START, END, IMAGE, VIDEO = 256, 257, 258, 261, 262

TEXT = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": 4096,
    "bos_token_id": None,
    "eos_token_id": EOS,
    "pad_token_id": EOS,
}
HEADS_OF_8 = {**TEXT, "head_dim": 8}
MROPE = {
    **TEXT,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]},
}
VISION = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 28,
    "patch_size": 14,
}
QWEN_VISION = {"depth": 2, "hidden_size": 32, "num_heads": 2}
QWEN_IDS = {"image_token_id": IMAGE, "video_token_id": VIDEO, "vision_start_token_id": 259, "vision_end_token_id": 260}

TEXT_MODELS: dict[str, dict[str, Any]] = {
    "gemma3_text": HEADS_OF_8,
    "gpt2": {
        "n_embd": 32,
        "n_layer": 2,
        "n_head": 4,
        "vocab_size": VOCABULARY,
        "eos_token_id": EOS,
        "bos_token_id": EOS,
    },
    "llama": TEXT,
    "mixtral": {**TEXT, "num_local_experts": 4, "num_experts_per_tok": 2},
    "phi3": TEXT,
    "qwen2": TEXT,
    "qwen3": HEADS_OF_8,
    "qwen3_moe": {**HEADS_OF_8, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16},
}
IMAGE_TEXT_MODELS: dict[str, dict[str, Any]] = {
    "gemma3": {
        "text_config": HEADS_OF_8,
        "vision_config": {**VISION, "image_size": 56},
        "mm_tokens_per_image": 4,
        "image_token_id": IMAGE,
        "boi_token_id": 259,
        "eoi_token_id": 260,
    },
    "idefics3": {
        "text_config": {"model_type": "llama", **TEXT},
        "vision_config": VISION,
        "image_token_id": IMAGE,
        "scale_factor": 2,
    },
    "llava": {
        "text_config": {"model_type": "llama", **TEXT},
        "vision_config": {"model_type": "clip_vision_model", **VISION},
        "image_token_id": IMAGE,
        "image_seq_length": 4,
    },
    "qwen2_5_vl": {
        "text_config": MROPE,
        "vision_config": {
            **QWEN_VISION,
            "intermediate_size": 48,
            "out_hidden_size": 32,
            "window_size": 56,
            "fullatt_block_indexes": [1],
        },
        **QWEN_IDS,
    },
    "qwen2_vl": {
        "text_config": MROPE,
        "vision_config": {**QWEN_VISION, "embed_dim": 32, "mlp_ratio": 2},
        **QWEN_IDS,
    },
}
IMAGE_TOKENS = {"gemma3": "<image_soft_token>", "idefics3": "<image>", "llava": "<image>"}
"""The placeholder that stands at id 261, where it is not Qwen's."""

TEMPLATE = """{%- for message in messages -%}
<|im_start|>{{ message.role }}
{% if message.content is string %}{{ message.content }}{% else -%}
{%- for part in message.content -%}
{{ part.text if part.type == 'text' else 'VIDEO' if part.type == 'video' else 'IMAGE' }}
{%- endfor %}{% endif %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
IMAGE_TEXTS = {"gemma3": "<start_of_image>", "idefics3": "<image>", "llava": "<image>"}
"""What a picture becomes in the rendered conversation."""


def tiny_config(name: str) -> Any:
    """The configuration of a tiny model; `name` is transformers' model type."""
    from transformers import AutoConfig

    return AutoConfig.for_model(name, **json.loads(json.dumps({**TEXT_MODELS, **IMAGE_TEXT_MODELS}[name])))


def tiny(name: str, *, dtype: torch.dtype = torch.float32, attention: str = "sdpa") -> Any:
    """A tiny model with the same random weights every time, in eval mode."""
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

    auto = AutoModelForCausalLM if name in TEXT_MODELS else AutoModelForImageTextToText
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = auto.from_config(tiny_config(name), attn_implementation=attention, dtype=dtype)
    return model.eval()


def tiny_tokenizer(name: str = "qwen2", *, template: bool = True) -> Any:
    """A byte-level tokenizer whose special tokens are those of the tiny model `name`, with a chat template."""
    from tokenizers import Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import BPE
    from transformers import Qwen2Tokenizer, TokenizersBackend
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    vocabulary = {character: byte for byte, character in bytes_to_unicode().items()}
    shared: dict[str, Any] = {"pad_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}
    if template:
        image = IMAGE_TEXTS.get(name, "<|vision_start|><|image_pad|><|vision_end|>")
        video = "<|vision_start|><|video_pad|><|vision_end|>"
        shared["chat_template"] = TEMPLATE.replace("IMAGE", image).replace("VIDEO", video)
    if name in ("qwen2", "qwen2_vl", "qwen2_5_vl"):
        tokenizer = Qwen2Tokenizer(vocab=vocabulary, merges=[], **shared)
        tokenizer.add_tokens(_special_tokens(name), special_tokens=True)
    else:
        backend = Tokenizer(BPE(vocabulary, []))
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        backend.decoder = decoders.ByteLevel()
        backend.add_special_tokens(_special_tokens(name))
        tokenizer = TokenizersBackend(tokenizer_object=backend, **shared, **_named_tokens(name))
    return tokenizer


def tiny_image_processor(name: str) -> Any:
    """The image processor that belongs to the tiny image-text model `name`; works without torchvision."""
    import transformers

    if name.startswith("qwen"):
        return transformers.Qwen2VLImageProcessorPil(size={"shortest_edge": 28 * 28, "longest_edge": 112 * 112})
    if name == "llava":
        side = {"height": 28, "width": 28}
        return transformers.CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size=side)
    if name == "gemma3":
        return transformers.Gemma3ImageProcessorPil(size={"height": 56, "width": 56})
    # Not from `transformers`: 5.17 hands out a placeholder there when torchvision is missing.
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

    return Idefics3ImageProcessorPil(
        size={"longest_edge": 56}, max_image_size={"longest_edge": 28}, do_image_splitting=True
    )


def tiny_processor(name: str) -> Any:
    """transformers' own processor of a tiny model; what makes videos is left out, so that torchvision is not needed."""
    import transformers

    from inspector.models.processors import without_checks

    tokenizer, images = tiny_tokenizer(name), tiny_image_processor(name)
    shared = {"chat_template": tokenizer.chat_template}
    if name == "llava":
        settings = {"patch_size": 14, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}
        return transformers.LlavaProcessor(images, tokenizer, **settings, **shared)
    if name == "gemma3":
        return transformers.Gemma3Processor(images, tokenizer, image_seq_length=4, **shared)
    if name == "idefics3":
        return transformers.Idefics3Processor(images, tokenizer, image_seq_len=1, **shared)
    kind = without_checks(getattr(transformers, {"qwen2_vl": "Qwen2VLProcessor"}.get(name, "Qwen2_5_VLProcessor")))
    return kind(images, tokenizer, None, **shared)


def tiny_inputs(name: str, *, batch: bool = False, pictures: Sequence[Image.Image] = ()) -> dict[str, Any]:
    """The forward's arguments for a short prompt, with pictures for an image-text model; `batch` pads on the left."""
    from inspector.models.family import Family
    from inspector.models.inputs import Request
    from inspector.models.processors import Processor

    processor = Processor(tiny_tokenizer(name))
    if name in IMAGE_TEXT_MODELS:
        processor = Processor(tiny_tokenizer(name), tiny_image_processor(name), [], tiny_processor(name))
        pictures = pictures or [picture(84, 56), picture(60, 100)]
    prompts = ("Hi", "Good morning") if batch else ("Hi",)
    return Family().inputs(Request(prompts, tuple(pictures)), processor, tiny_config(name)).tensors


def save_tiny(name: str, directory: str | Path, *, weights: bool = True) -> Path:
    """Write a whole checkpoint (configuration, weights, tokenizer, image processor) and return its directory."""
    directory = Path(directory)
    if weights:
        tiny(name).save_pretrained(directory)
    else:
        tiny_config(name).save_pretrained(directory)
    if name in IMAGE_TOKENS:
        tiny_processor(name).save_pretrained(directory)
        return directory
    tiny_tokenizer(name).save_pretrained(directory)
    if name in IMAGE_TEXT_MODELS:
        tiny_image_processor(name).save_pretrained(directory)
    return directory


def picture(width: int = 84, height: int = 56, *, seed: int = 0) -> Image.Image:
    """A picture of noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def _special_tokens(name: str) -> list[str]:
    tokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>"]
    tokens.append("<|video_pad|>")
    if name == "gemma3":
        tokens[3:6] = ["<start_of_image>", "<end_of_image>", IMAGE_TOKENS[name]]
    elif name in IMAGE_TOKENS:
        tokens[5] = IMAGE_TOKENS[name]
    if name == "idefics3":
        places = [f"<row_{row}_col_{column}>" for row in (1, 2) for column in (1, 2)]
        tokens += ["<fake_token_around_image>", "<global-img>", "<end_of_utterance>", *places]
    return tokens


def _named_tokens(name: str) -> dict[str, Any]:
    """Tokens that a processor looks up on the tokenizer by attribute."""
    if name != "gemma3":
        return {}
    named = {"boi_token": "<start_of_image>", "eoi_token": "<end_of_image>", "image_token": "<image_soft_token>"}
    return {"extra_special_tokens": named}
