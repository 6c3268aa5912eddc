"""The stand-in tokenizer, and files that are kept."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from inspector.models.vocabulary import byte_tokenizer, cache_directory, cached_file


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INSPECTOR_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_bytes_and_special_ids() -> None:
    tokenizer = byte_tokenizer({"<|end|>": 5000, "<|image|>": 5001})
    assert tokenizer("aé猫<|image|>").input_ids == [*"aé猫".encode(), 5001]
    assert tokenizer.decode([*"aé猫".encode(), 5000]) == "aé猫<|end|>"
    assert tokenizer.pad_token_id == tokenizer.eos_token_id == 5000


def test_a_file_is_made_once(directory: Path) -> None:
    assert cache_directory() == directory
    assert cached_file("a.json", lambda: "first").read_text() == "first"
    assert cached_file("a.json", lambda: "second").read_text() == "first"
    assert [file.name for file in directory.iterdir()] == ["a.json"]


def test_nothing_is_left_half_written(directory: Path) -> None:
    def fail() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached_file("a.json", fail)
    with pytest.raises(UnicodeEncodeError):
        cached_file("a.json", lambda: "\ud800")
    assert list(directory.glob("*")) == []


def test_two_at_once_both_get_a_whole_file(directory: Path) -> None:
    text = "x" * 1_000_000
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(cached_file("a.json", lambda: text).read_text())) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [text] * 8


def test_a_directory_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("INSPECTOR_CACHE_DIR", str(tmp_path / "file" / "below"))
    with pytest.raises(OSError, match="directory"):
        cached_file("a.json", lambda: "text")
