"""What every test of the screen starts from: settings of its own, an empty directory, colours."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory, and settings and recent models that are nobody's."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("INSPECTOR_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("INSPECTOR_STATE_DIR", str(tmp_path / "state"))
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)
    return place
