"""Qwen2.5-VL, with the published configurations of its Instruct models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from inspector import Family, Preset, hookimpl

from .qwen2 import Qwen2, text_config

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedConfig

    from inspector import Layout, Source

VISION_WIDTHS = {"3B": 3420, "7B": 3420, "32B": 3456, "72B": 3456}
"""The width of the vision tower's MLP, by size."""

FULL_ATTENTION = {32: (7, 15, 23, 31)}
"""By depth of the vision tower, the blocks of the published models that attend to whole frames."""

WINDOW_LAYERS = {"3B": 70, "7B": 28, "32B": 64, "72B": 80}


class Qwen2_5_VL(Qwen2):  # noqa: N801 - the model's name
    """Qwen2.5-VL."""

    name = "qwen2_5_vl"
    template = "qwen2_5_vl.jinja"

    def matches(self, config: PreTrainedConfig) -> bool:
        return bool(config.model_type == "qwen2_5_vl")

    def video_processor(self, source: Source, config: PreTrainedConfig, notices: list[str]) -> Any:
        """transformers' own where torchvision is installed, else one that does the same with Pillow."""
        from inspector import VideoProcessor

        return VideoProcessor.of(source)

    def layout(self, config: PreTrainedConfig) -> Layout:
        """As the configuration says, and which blocks attend to whole frames in the published models."""
        published = FULL_ATTENTION.get(config.vision_config.depth)
        return replace(super().layout(config), published_full_blocks=published)

    def positions(self, position_ids: Tensor) -> list[list[tuple[int, ...]]]:
        """Temporal, height, width. A fourth axis in front holds plain text positions, for packed sequences."""
        return Family.positions(self, position_ids[-3:] if position_ids.ndim == 3 else position_ids)


def vl_config(size: str) -> dict[str, Any]:
    """What `config.json` says, in the words of transformers 5."""
    text = text_config(size)
    tied = text.pop("tie_word_embeddings")
    rope = {**text["rope_parameters"], "mrope_section": [16, 24, 24]}
    return {
        "architectures": ["Qwen2_5_VLForConditionalGeneration"],
        "dtype": "bfloat16",
        "image_token_id": 151655,
        "model_type": "qwen2_5_vl",
        "text_config": {
            **text,
            "max_position_embeddings": 128000,
            "max_window_layers": WINDOW_LAYERS[size],
            "model_type": "qwen2_5_vl_text",
            "rope_parameters": rope,
            "sliding_window": 32768,
        },
        "tie_word_embeddings": tied,
        "video_token_id": 151656,
        "vision_config": {
            "depth": 32,
            "dtype": "bfloat16",
            "fullatt_block_indexes": list(FULL_ATTENTION[32]),
            "hidden_act": "silu",
            "hidden_size": 1280,
            "in_channels": 3,
            "intermediate_size": VISION_WIDTHS[size],
            "model_type": "qwen2_5_vl_vision",
            "num_heads": 16,
            "out_hidden_size": text["hidden_size"],
            "patch_size": 14,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "tokens_per_second": 2,
            "window_size": 112,
        },
        "vision_end_token_id": 151653,
        "vision_start_token_id": 151652,
    }


def preset(size: str) -> Preset:
    return Preset(
        name=f"Qwen2.5-VL-{size}",
        config=vl_config(size),
        generation={
            "bos_token_id": 151643,
            "do_sample": True,
            "eos_token_id": [151645, 151643],
            "pad_token_id": 151643,
            "repetition_penalty": 1.05,
            "temperature": 1e-06,
        },
        image_processor={
            "image_mean": [0.48145466, 0.4578275, 0.40821073],
            "image_processor_type": "Qwen2VLImageProcessor",
            "image_std": [0.26862954, 0.26130258, 0.27577711],
            "merge_size": 2,
            "patch_size": 14,
            "processor_class": "Qwen2_5_VLProcessor",
            "size": {"shortest_edge": 3136, "longest_edge": 12845056},
            "temporal_patch_size": 2,
        },
        source=f"Qwen/Qwen2.5-VL-{size}-Instruct",
    )


@hookimpl
def inspector_families() -> Sequence[Family]:
    return [Qwen2_5_VL()]


@hookimpl
def inspector_presets() -> Sequence[Preset]:
    return [preset(size) for size in VISION_WIDTHS]
