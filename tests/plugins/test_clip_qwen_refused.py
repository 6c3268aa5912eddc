"""What does not fit together is refused, in a message that says what there is and what was expected."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

import inspector
from inspector import ModelError
from tests.fakes import save_tiny
from tests.plugins.golden import write_adapter

Parts = dict[str, Path]


def refused(message: str, parts: Parts, **options: Any) -> None:
    with pytest.raises(ModelError, match=message):
        inspector.load(**{**parts, **options})


def test_directories(parts: Parts, tmp_path: Path) -> None:
    refused(r"There is no directory .*nowhere \(--vision\)", parts, vision=tmp_path / "nowhere")
    refused(r"There is no directory .*nowhere \(--adapter\)", parts, adapter=tmp_path / "nowhere")
    refused(r"\(--vision\) has no config.json; a CLIP checkpoint", parts, vision=tmp_path)
    refused(r"holds neither adapter_config.json nor other_params", parts, adapter=tmp_path)
    refused("holds a model of the type 'qwen'", parts, vision=parts["reference"])
    (tmp_path / "config.json").write_bytes((parts["vision"] / "config.json").read_bytes())
    refused("holds no weights", parts, vision=tmp_path)


def test_options_that_mean_nothing(tmp_path: Path) -> None:
    checkpoint = save_tiny("llama", tmp_path)
    with pytest.raises(ModelError, match="--vision and --faithful are for models that a family puts together"):
        inspector.load(checkpoint, vision=tmp_path, faithful=True)


def test_a_projector_of_another_width(parts: Parts, tmp_path: Path) -> None:
    adapter = write_adapter(tmp_path / "adapter")
    weights = torch.load(adapter / "other_params.bin", weights_only=True)
    torch.save({**weights, "0.weight": torch.zeros(64, 1024)}, adapter / "other_params.bin")
    refused("goes from 1024 over 64 to 64; the vision tower gives 48 and the decoder takes 64", parts, adapter=adapter)
    torch.save({**weights, "2.weight": torch.zeros(4096, 64)}, adapter / "other_params.bin")
    refused("from 48 over 64 to 4096", parts, adapter=adapter)
    torch.save({"0.weight": weights["0.weight"]}, adapter / "other_params.bin")
    refused("should hold the projector's 0.weight, 0.bias, 2.weight, 2.bias; it holds 0.weight", parts, adapter=adapter)


def test_a_lora_for_other_targets(parts: Parts, tmp_path: Path) -> None:
    adapter = write_adapter(tmp_path / "adapter")
    config = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps({**config, "target_modules": ["W_pack"]}))
    refused(
        "changes W_pack, which this decoder does not have; its linear layers are called c_attn, c_proj, lm_head",
        parts,
        adapter=adapter,
    )
    (adapter / "adapter_config.json").write_text(json.dumps({**config, "peft_type": "IA3"}))
    refused("describes 'IA3'; a LORA was expected", parts, adapter=adapter)
    (adapter / "adapter_config.json").write_text("{")
    refused(r"adapter_config\.json cannot be read", parts, adapter=adapter)


def test_a_lora_of_another_decoder(parts: Parts, tmp_path: Path) -> None:
    adapter = write_adapter(tmp_path / "adapter")
    file = adapter / "adapter_model.bin"
    weights = torch.load(file, weights_only=True)
    name = "base_model.model.transformer.h.0.attn.c_attn.lora_A.weight"
    torch.save({**weights, name: torch.zeros(8, 4096)}, file)
    refused(r"has \[8, 4096\] for transformer.h.0.attn.c_attn, whose width is 64", parts, adapter=adapter)
    torch.save({**weights, name.replace("h.0", "h.31"): torch.zeros(8, 64)}, file)
    refused(r"changes transformer.h.31.attn.c_attn, which this decoder does not have", parts, adapter=adapter)
    torch.save({**weights, "base_model.model.score.weight": torch.zeros(8, 64)}, file)
    refused("holds score.weight, which is no LoRA matrix", parts, adapter=adapter)
    file.unlink()
    refused("none of adapter_model.safetensors, adapter_model.bin", parts, adapter=adapter)


def test_pickles_of_anything_but_tensors(parts: Parts, tmp_path: Path) -> None:
    adapter = write_adapter(tmp_path / "adapter")
    (adapter / "other_params.bin").write_bytes(pickle.dumps(Runs(tmp_path / "ran"), protocol=2))
    refused(r"other_params\.bin cannot be read as tensors alone, and nothing of it was run", parts, adapter=adapter)
    assert not (tmp_path / "ran").exists()


def test_a_decoder_of_another_width(parts: Parts, tmp_path: Path) -> None:
    adapter = write_adapter(tmp_path / "adapter", image_feature_hidden_size=4096)
    (adapter / "other_params.bin").unlink()
    refused("was trained for a decoder of the width 4096 .*; this one has 64", parts, adapter=adapter)


def test_a_clip_of_another_patch_count(parts: Parts, tmp_path: Path) -> None:
    adapter = write_adapter(tmp_path / "adapter", image_context_length=256)
    refused("was trained with 256 features a picture.*makes 16: 56 pixels, patches of 14", parts, adapter=adapter)


class Runs:
    """A pickle that would make a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.file,))
