"""Checkpoints that the program is opened on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes import picture, save_tiny


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny image-text model, and a picture beside it."""
    folder = save_tiny("qwen2_5_vl", tmp_path_factory.mktemp("e2e") / "tiny-vl")
    picture(112, 84).save(folder / "picture.png")
    return folder
