from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run


def test_presets_and_directories(run: Run, checkpoints: Path) -> None:
    ended = run("models", checkpoints, "--format", "json")
    assert ended.code == 0
    models = {model["reference"]: model for model in json.loads(ended.out)["models"]}
    assert models["preset:Qwen2.5-VL-7B"]["kind"] == "preset"
    assert models[str(checkpoints / "qwen2")]["bytes"] > 0


def test_text_and_csv(run: Run) -> None:
    assert "preset:Qwen2.5-VL-7B" in run("models").out
    assert run("models", "--format", "csv").out.startswith("reference,kind,detail,bytes\n")


def test_a_directory_that_is_not_there(run: Run) -> None:
    ended = run("models", "nowhere")
    assert (ended.code, "'nowhere' does not exist" in ended.err) == (2, True)
