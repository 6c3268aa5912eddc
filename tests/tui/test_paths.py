"""Completion of file names."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.tui.paths import complete


@pytest.fixture
def files(elsewhere: Path) -> Path:
    (elsewhere / "cats").mkdir()
    (elsewhere / "cats" / "one.png").touch()
    (elsewhere / "car.png").touch()
    (elsewhere / ".hidden").touch()
    (elsewhere / "two words.png").touch()
    return elsewhere


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("ca", "car.png"),
        ("cat", "cats/"),
        ("cats/", "cats/one.png"),
        ("./cats/o", "./cats/one.png"),
        ("car.png cats/o", "car.png cats/one.png"),
        (".h", ".hidden"),
        ("zebra", None),
        ("nowhere/", None),
        ("", None),
        ("car.png ", None),
        ("two", None),
        ("'ca", None),
    ],
)
def test_completion(files: Path, typed: str, completed: str | None) -> None:
    assert complete(typed) == completed


def test_absolute_and_home(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(files))
    assert complete(f"{files}/cat") == f"{files}/cats/"
    assert complete("~/cat") == "~/cats/"
