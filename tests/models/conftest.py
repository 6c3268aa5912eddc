from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import constants


@pytest.fixture(autouse=True)
def cache_directory(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Hugging Face cache and an empty state directory, so that no test sees those of whoever runs it."""
    directory = tmp_path_factory.mktemp("hub")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(directory))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(directory / "no-token"))
    monkeypatch.setenv("INSPECTOR_STATE_DIR", str(tmp_path_factory.mktemp("state")))
    return directory
