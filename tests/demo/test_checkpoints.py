"""A run leaves a checkpoint that opens, with the settings that are bundled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from demo_training import attention
from demo_training.clip_qwen import TinyClipQwen
from demo_training.loop import Settings, train
from demo_training.qwen2_5_vl import TinyQwen2_5_VL

import inspector
from inspector.models.sources import DEMOS

TRAINEES = {"qwen2.5-vl": TinyQwen2_5_VL, "clip-qwen": TinyClipQwen}


@pytest.mark.parametrize("name", TRAINEES)
def test_a_run_reports_and_its_checkpoint_opens(name: str, tmp_path: Path) -> None:
    trainee: Any = TRAINEES[name]()
    reports = list(train(trainee, Settings(seconds=2, pictures=2)))
    assert reports[-1].done == 1
    assert [report.step for report in reports] == list(range(1, len(reports) + 1))
    trainee.save(tmp_path)
    session = inspector.load(tmp_path)
    assert not session.notices
    assert session.info.dtype == "bfloat16"
    assert session.info.parameters < 3_000_000
    assert attention.NAME not in str(session.config)
    for file in ("generation_config.json", *(file.name for file in tmp_path.glob("*processor_config.json"))):
        bundled = DEMOS / name / file
        assert (tmp_path / file).read_text(encoding="utf-8") == bundled.read_text(encoding="utf-8")
