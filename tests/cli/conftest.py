from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from inspector.__main__ import main
from tests.fakes import picture, save_tiny
from tests.traces import small_trace


class Ended(NamedTuple):
    """How a run of the program ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture(autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory of the test's own, a working directory that is empty, and no hub."""
    directory = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("INSPECTOR_STATE_DIR", str(directory))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path_factory.mktemp("work"))
    return directory


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the program in this process."""

    def call(*args: object) -> Ended:
        code = main([str(arg) for arg in args])
        return Ended(code, *capsys.readouterr())

    return call


def spawn(*args: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program in a process of its own."""
    command = [sys.executable, "-m", "inspector", *map(str, args)]
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=120, check=False
    )


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny checkpoints: `qwen2`, `qwen2_5_vl`, and `failing`, whose rotary sections do not fit its heads."""
    folder = tmp_path_factory.mktemp("checkpoints")
    for name in ("qwen2", "qwen2_5_vl"):
        save_tiny(name, folder / name)
    failing = save_tiny("qwen2_5_vl", folder / "failing")
    config = json.loads((failing / "config.json").read_text())
    config["text_config"]["rope_parameters"]["mrope_section"] = [2, 3, 4]
    (failing / "config.json").write_text(json.dumps(config))
    picture().save(folder / "picture.png")
    return folder


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small trace of `tests.traces`, saved."""
    return small_trace().save(tmp_path_factory.mktemp("traces") / "small")
