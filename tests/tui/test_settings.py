"""What is remembered between runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.tui.settings import Settings, config_dir


def test_values_come_back(tmp_path: Path) -> None:
    Settings(tmp_path / "new").remember(theme="inspector-light", raw=True)
    again = Settings(tmp_path / "new")
    assert again.get("theme", "") == "inspector-light"
    assert again.get("raw", False) is True
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["settings.json"]


@pytest.mark.parametrize("content", [b"", b"[1, 2]", b'{"theme": 3', b'{"theme": 3}', b"\xff"])
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "settings.json").write_bytes(content)
    assert Settings(tmp_path).get("theme", "usual") == "usual"


def test_a_place_that_cannot_be_written_is_let_go(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    settings = Settings(blocked / "below")
    settings.remember(theme="x")
    assert settings.get("theme", "") == "x"


def test_the_directory_can_be_redirected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert config_dir() == tmp_path / "config"
    monkeypatch.delenv("INSPECTOR_CONFIG_DIR")
    assert config_dir().name == "inspector"
