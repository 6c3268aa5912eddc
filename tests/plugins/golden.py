"""The recorded activations of the original CLIP + Qwen code, and models with its weights.

`INSPECTOR_GOLDEN` names another directory of the same form; what it lists is read, nothing is assumed of the cases.
"""

from __future__ import annotations

import base64
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from inspector_plugins.clip_qwen.adapter import PROJECTOR_NAMES
from inspector_plugins.clip_qwen.configuration import ClipQwenConfig
from inspector_plugins.clip_qwen.model import ClipQwenForConditionalGeneration
from inspector_plugins.clip_qwen.weights import qwen_weight, vision_weight

GOLDEN = Path(os.environ.get("INSPECTOR_GOLDEN") or Path(__file__).parents[1] / "data" / "clip_qwen_v1")

BYTE_START, BYTE_IMAGE = 257, 259
"""`<|im_start|>` and `<|extra_0|>` in a vocabulary of bytes alone, behind which the control tokens stand."""

FLOAT, QUANTISED = 2e-5, 0.05
"""Largest differences: the README of the data measured 1e-5 and 0.05 between independent implementations."""


def facts(name: str) -> Any:
    """A JSON file of the recording."""
    return json.loads((GOLDEN / name).read_text(encoding="utf-8"))


def tensors(name: str) -> dict[str, Tensor]:
    """A safetensors file of the recording."""
    return load_file(GOLDEN / name)


def case_names() -> list[str]:
    return [name for name in facts("cases.json") if not name.startswith("_")]


@cache
def weights() -> dict[str, Tensor]:
    """All weights, under the original's names."""
    return tensors("weights.safetensors")


def config(*, quantised: bool = False) -> ClipQwenConfig:
    settings = facts("config/multimodal_config.json")
    return ClipQwenConfig(
        text_config=facts(f"config/llm{'_cache_quantization' if quantised else ''}_config.json"),
        vision_config=facts("config/vision_config.json")["vision_config"],
        image_token_id=settings["replace_token_id"],
        image_seq_length=settings["image_context_length"],
        eos_token_id=None,
    )


def model(
    *, faithful: bool = True, attention: str = "sdpa", quantised: bool = False
) -> ClipQwenForConditionalGeneration:
    """The whole model with the recorded weights, in eval mode."""
    built = ClipQwenForConditionalGeneration._from_config(config(quantised=quantised), attn_implementation=attention)
    state = {}
    for name, weight in weights().items():
        part, _, own = name.partition(".")
        if part == "LLM":
            state[qwen_weight(own)] = weight
        elif part == "feature_proj":
            state[f"multi_modal_projector.{PROJECTOR_NAMES[own]}"] = weight
        elif (place := vision_weight(own, "vision_tower.")) is not None:
            state[place] = weight
    built.load_state_dict(state)
    built.faithful = faithful
    return built.eval()


def write_checkpoints(directory: Path) -> tuple[Path, Path]:
    """Directories of the decoder and of CLIP, as people have them: with the published names of the weights."""
    places = {"LLM": ("llm", "config/llm_config.json"), "visualModel": ("vision", "config/vision_config.json")}
    for part, (name, settings) in places.items():
        (directory / name).mkdir()
        (directory / name / "config.json").write_bytes((GOLDEN / settings).read_bytes())
        own = {key.removeprefix(f"{part}."): weight for key, weight in weights().items() if key.startswith(f"{part}.")}
        save_file(own, directory / name / "model.safetensors", {"format": "pt"})
    return directory / "llm", directory / "vision"


def write_vocabulary(directory: Path) -> None:
    """A `qwen.tiktoken` in which every byte is a token of its own."""
    lines = [f"{base64.b64encode(bytes([byte])).decode()} {byte}" for byte in range(256)]
    (directory / "qwen.tiktoken").write_text("\n".join(lines))


def write_adapter(directory: Path, *, safetensors: bool = False, **settings: Any) -> Path:
    """What a training left behind, as the original saves it, with the placeholder of the vocabulary above."""
    directory.mkdir()
    source = GOLDEN / "lora" / "adapter"
    (directory / "adapter_config.json").write_bytes((source / "adapter_config.json").read_bytes())
    for name in ("adapter_model", "other_params"):
        if safetensors:
            save_file(torch.load(source / f"{name}.bin", weights_only=True), directory / f"{name}.safetensors")
        else:
            (directory / f"{name}.bin").write_bytes((source / f"{name}.bin").read_bytes())
    told = {**facts("config/multimodal_config.json"), "replace_token_id": BYTE_IMAGE, **settings}
    (directory / "multimodal_config.json").write_text(json.dumps(told))
    return directory


def largest(found: Tensor, expected: Tensor) -> float:
    """The largest difference between two tensors of one shape."""
    assert found.shape == expected.shape
    return float((found.double() - expected.double()).abs().max()) if expected.numel() else 0.0


def unmasked(tensor: Tensor, mask: Tensor | None, axis: int) -> Tensor:
    """The rows of `tensor` [batch, …] whose token, on `axis`, is no padding."""
    return tensor if mask is None else tensor.movedim(axis, 1)[mask.bool()]
