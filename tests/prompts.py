"""Prompts put together by hand for models with picture grids, and tiny random models that `tests.fakes` has not.

inputs("qwen2_5_vl", [[3, ("image", (1, 4, 6)), 2], [9]])   a batch of two rows, padded on the left
random_model("qwen3_vl")                                     the real class, seeded random weights, eval mode
"""

from __future__ import annotations

import inspect
import json
from typing import Any

import torch
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLModel

from tests.fakes import HEADS_OF_8, IMAGE, IMAGE_TEXT_MODELS, MROPE, QWEN_IDS, TEXT_MODELS, VIDEO, VISION

Size = tuple[int, int, int]
Part = int | tuple[str, Size]
"""A number of text tokens, or a kind with its grid of patches."""

TRUNCATES = "int(next(second_per_grid_ts))" in inspect.getsource(Qwen2_5_VLModel.get_rope_index)
"""transformers 5.17 counts whole seconds only, which the views then show as positions that differ."""

SECONDS = (1.0, 1.0, 2.0) if TRUNCATES else (0.4, 1.0, 2.5)
"""What a temporal patch of each video covers, where the model is told."""

PER_SECOND = 1 if TRUNCATES else 4
"""Positions a second: so few that the time of short videos stays within their sides."""

PATCH = 3 * 2 * 14 * 14
KINDS = ("text", "image", "video")

MORE_MODELS: dict[str, dict[str, Any]] = {
    "qwen3_vl": {
        "text_config": {
            **MROPE,
            "head_dim": 16,
            "rope_parameters": {**MROPE["rope_parameters"], "mrope_section": [4, 2, 2], "mrope_interleaved": True},
        },
        "vision_config": {
            **{"depth": 2, "hidden_size": 32, "num_heads": 2, "intermediate_size": 48, "out_hidden_size": 32},
            **{"deepstack_visual_indexes": [0], "patch_size": 14, "num_position_embeddings": 16},
        },
        **QWEN_IDS,
    },
    "llama4_text": {
        **{**HEADS_OF_8, "intermediate_size_mlp": 48, "num_local_experts": 2, "num_experts_per_tok": 1},
        **{"num_hidden_layers": 4, "attention_chunk_size": 8, "moe_layers": [], "pad_token_id": 0},
    },
    "llama4": {
        "text_config": {
            **{**HEADS_OF_8, "intermediate_size_mlp": 48, "num_local_experts": 2, "num_experts_per_tok": 1},
            **{"attention_chunk_size": 8, "moe_layers": [], "pad_token_id": 0},
        },
        "vision_config": {
            **{**VISION, "vision_output_dim": 32, "projector_input_dim": 32, "projector_output_dim": 32},
            **{"intermediate_size": 128, "pixel_shuffle_ratio": 0.5},
        },
        "image_token_index": IMAGE,
    },
}


def random_model(name: str, *, device: str = "cpu", **changes: Any) -> Any:
    """A tiny model with the same random weights every time, in eval mode; on "meta" without weights.

    `changes` are put into its vision configuration.
    """
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

    settings = json.loads(json.dumps({**TEXT_MODELS, **IMAGE_TEXT_MODELS, **MORE_MODELS}[name]))
    if name == "qwen2_5_vl":
        changes = {"tokens_per_second": PER_SECOND, **changes}
    settings.get("vision_config", {}).update(changes)
    auto = AutoModelForImageTextToText if "vision_config" in settings else AutoModelForCausalLM
    with torch.random.fork_rng(), torch.device(device):
        torch.manual_seed(0)
        return auto.from_config(AutoConfig.for_model(name, **settings)).eval()


def kinds_of(name: str, row: list[Part]) -> list[str]:
    """The kind of each token of a row."""
    kinds: list[str] = []
    for part in row:
        if isinstance(part, int):
            kinds += ["text"] * part
            continue
        kind, (frames, height, width) = part
        if name == "qwen3_vl" and kind == "video":  # its frames stand apart, timestamps between them
            for _ in range(frames):
                kinds += ["text", *["video"] * (height * width // 4), "text"]
        else:
            kinds += [kind] * (frames * height * width // 4)
    return kinds


def sizes_of(rows: list[list[Part]], kind: str) -> list[Size]:
    """The grids of a kind, over all rows."""
    return [part[1] for row in rows for part in row if not isinstance(part, int) and part[0] == kind]


def inputs(name: str, rows: list[list[Part]], *, pixels: bool = True) -> dict[str, torch.Tensor]:
    """The forward's arguments, a batch padded on the left; `pixels` are noise."""
    kinds = [kinds_of(name, row) for row in rows]
    length = max(map(len, kinds))
    types = torch.zeros(len(rows), length, dtype=torch.long)
    mask = torch.zeros_like(types)
    for number, row in enumerate(kinds):
        types[number, length - len(row) :] = torch.tensor([KINDS.index(kind) for kind in row])
        mask[number, length - len(row) :] = 1
    ids = 7 + torch.arange(length).expand(len(rows), -1) % 90
    ids = torch.where(types == 1, IMAGE, torch.where(types == 2, VIDEO, ids)) * mask
    given = {"input_ids": ids, "attention_mask": mask, "mm_token_type_ids": types}
    for kind, port in (("image", "pixel_values"), ("video", "pixel_values_videos")):
        if sizes := sizes_of(rows, kind):
            given[f"{kind}_grid_thw"] = torch.tensor(sizes)
            if pixels:
                patches = sum(frames * height * width for frames, height, width in sizes)
                given[port] = torch.randn(patches, PATCH, generator=torch.Generator().manual_seed(patches))
    if name == "qwen2_5_vl" and sizes_of(rows, "video"):
        given["second_per_grid_ts"] = torch.tensor(SECONDS[: len(sizes_of(rows, "video"))])
    return given
