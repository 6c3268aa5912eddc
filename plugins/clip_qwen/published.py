"""Facts of the published checkpoints that several files need. Plain data; nothing of torch is imported."""

from __future__ import annotations

from typing import Any

VIT_L_14: dict[str, Any] = {
    "hidden_size": 1024,
    "image_size": 224,
    "intermediate_size": 4096,
    "num_attention_heads": 16,
    "num_hidden_layers": 24,
    "patch_size": 14,
    "projection_dim": 768,
}
"""The vision tower of `openai/clip-vit-large-patch14`."""

CLIP_SETTINGS: dict[str, Any] = {
    "crop_size": {"height": 224, "width": 224},
    "do_center_crop": True,
    "do_convert_rgb": True,
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_processor_type": "CLIPImageProcessor",
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "resample": 3,
    "rescale_factor": 1 / 255,
    "size": {"shortest_edge": 224},
}
"""Its image processor, which the original uses in training."""

IMAGE_TOKEN_ID = 151646
"""`<|extra_0|>`, the first of the vocabulary's spare tokens: the picture's placeholder."""
