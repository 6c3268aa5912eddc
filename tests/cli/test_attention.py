"""Masks, attention and cache from the command line: what a view reads is kept by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run


def parts(out: str) -> dict[str, Any]:
    """The parts of a view by title."""
    return {part["title"]: part for part in json.loads(out)["parts"]}


def asked(checkpoints: Path, name: str = "qwen2_5_vl") -> list[object]:
    return [checkpoints / name, "--prompt", "Hi", *(["--image", checkpoints / "picture.png"] if "vl" in name else [])]


def test_masks(run: Run, checkpoints: Path) -> None:
    ended = run(
        "view", "masks", checkpoints / "qwen2", "--prompt", "Hi", "--prompt", "Good morning", "--format", "json"
    )
    assert ended.code == 0
    found = parts(ended.out)
    assert found["Padding"]["rows"][0][5] == "left"
    assert "model.layers.1.self_attn: causal" in " ".join(found)


def test_attention_with_everything_that_it_reads(run: Run, checkpoints: Path) -> None:
    ended = run("view", "attention", *asked(checkpoints), "--format", "json")
    assert ended.code == 0
    found = parts(ended.out)
    assert any(title.startswith("Attention drawn over image 1") for title in found)
    assert any(title.startswith("Entropy") for title in found)
    ended = run("view", "attention", *asked(checkpoints), "--layer", "vision.0", "--head", "1", "--format", "json")
    assert ended.code == 0
    assert any(title.startswith("Head 1 of model.visual.blocks.0.attn") for title in parts(ended.out))


def test_cache(run: Run, checkpoints: Path) -> None:
    ended = run("view", "cache", *asked(checkpoints), "--layer", "1", "--format", "json")
    assert ended.code == 0
    found = parts(ended.out)
    assert len(found["Layers of the cache"]["rows"]) == 2
    assert any(title.startswith("Keys of ") for title in found)


@pytest.mark.parametrize("view", ["masks", "attention", "cache"])
@pytest.mark.parametrize("form", ["text", "csv", "jsonl", "svg"])
def test_every_format(run: Run, checkpoints: Path, view: str, form: str) -> None:
    assert run("view", view, *asked(checkpoints), "--format", form).code == 0


@pytest.mark.parametrize("view", ["masks", "attention", "cache"])
def test_shape_only(run: Run, checkpoints: Path, view: str) -> None:
    assert run("view", view, *asked(checkpoints), "--shape-only").code == 0


def test_a_saved_trace(run: Run, checkpoints: Path, tmp_path: Path) -> None:
    values = ["--values", "*:attention.query", "--values", "*:attention.key*"]
    assert run("trace", *asked(checkpoints), *values, "-o", tmp_path / "trace").code == 0
    for view in ("masks", "attention", "cache"):
        assert run("view", view, tmp_path / "trace").code == 0
    bare = run("trace", *asked(checkpoints), "-o", tmp_path / "bare")
    assert bare.code == 0
    ended = run("view", "attention", tmp_path / "bare")
    assert ended.code == 2
    assert "was not kept. Trace again with --values '*:attention.query' --values '*:attention.key*'" in ended.err
