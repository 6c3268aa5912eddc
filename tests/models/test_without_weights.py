"""Models without a checkpoint's weights: presets and directories on shapes alone, and random weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.fakes import save_tiny
from tests.models.loading import IDS, load, preset, same_weights


@pytest.mark.parametrize("name", ["qwen2", "qwen2_5_vl"])
def test_preset_opens_without_weights(name: str) -> None:
    loaded = load("preset:tiny", preset(name))
    assert loaded.shape_only
    assert {str(weight.device) for weight in loaded.model.parameters()} == {"meta"}
    assert not loaded.model.training
    assert loaded.model.generation_config.top_k == 7


def test_directory_without_weights_opens_without_them_and_says_so(tmp_path: Path) -> None:
    save_tiny("llava", tmp_path, weights=False)
    loaded = load(tmp_path)
    assert loaded.shape_only
    assert "holds no weights" in loaded.notices[-1]
    positions = loaded.model.get_buffer("model.vision_tower.embeddings.position_ids")
    assert positions.tolist() == [[0, 1, 2, 3, 4]]


def test_shape_only_leaves_the_weights_alone(tmp_path: Path) -> None:
    save_tiny("qwen2", tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"not read")
    loaded = load(tmp_path, shape_only=True, dtype="bfloat16")
    assert loaded.shape_only
    assert loaded.model.dtype == torch.bfloat16


@pytest.mark.parametrize("name", ["qwen2", "qwen2_5_vl", "llava"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_random_weights_are_real_repeatable_and_leave_the_generator_alone(name: str, dtype: str) -> None:
    before = torch.get_rng_state()
    first, second = (load("preset:tiny", preset(name), random_weights=True, dtype=dtype) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert same_weights(first.model, second.model)
    assert not first.shape_only
    assert {str(weight.dtype) for weight in first.model.parameters()} == {f"torch.{dtype}"}
    assert first.model.get_input_embeddings().weight.std() > 0
    assert not any(tensor.is_meta for tensor in (*first.model.parameters(), *first.model.buffers()))
    assert "are random" in first.notices[-1]
    assert first.model.generation_config.do_sample
    with torch.inference_mode():
        logits = first.model(input_ids=IDS.to(first.model.device)).logits
    assert torch.isfinite(logits).all()


def test_loading_leaves_the_preset_as_it_was() -> None:
    presets = preset("qwen2_5_vl")
    before = str(presets["tiny"].config)
    load("preset:tiny", presets, dtype="float16", attention="eager")
    assert str(presets["tiny"].config) == before
