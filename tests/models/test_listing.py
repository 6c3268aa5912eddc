from __future__ import annotations

from pathlib import Path

import pytest

from inspector.models import Listed, Preset, history, list_models, recent, remember, sources
from tests.models.hubs import cache


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    directory = tmp_path / "models" / "one"
    directory.mkdir(parents=True)
    (directory / "config.json").write_text('{"model_type": "qwen2"}')
    (directory / "model.safetensors").write_bytes(b"x" * 123)
    return directory


@pytest.fixture
def no_demos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "DEMOS", tmp_path / "bundled")


def test_everything_that_opens_is_listed(
    checkpoint: Path, cache_directory: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundled = tmp_path / "bundled" / "tiny"
    bundled.mkdir(parents=True)
    (bundled / "config.json").write_text('{"model_type": "llava"}')
    monkeypatch.setattr(sources, "DEMOS", bundled.parent)
    cache("owner/name", checkpoint, cache_directory)
    presets = {"A-7B": Preset("A-7B", {"model_type": "qwen2_5_vl"})}
    assert list_models(presets, [checkpoint]) == [
        Listed("demo:tiny", "demo", "llava, no weights", None),
        Listed("preset:A-7B", "preset", "qwen2_5_vl, no weights", None),
        Listed("owner/name", "hub", "qwen2", 123),
        Listed(str(checkpoint), "directory", "qwen2", 123),
    ]


@pytest.mark.usefixtures("no_demos")
def test_directories_are_searched_one_level_deep(checkpoint: Path) -> None:
    parent = checkpoint.parent
    (parent / "two.gguf").write_bytes(b"GGUF")
    (parent / "three").mkdir()
    (parent / "three" / "q4.gguf").write_bytes(b"GGUF4")
    (parent / "three" / "q8.gguf").write_bytes(b"GGUF8")
    (parent / "empty").mkdir()
    listed = list_models({}, [parent, parent / "missing"])
    assert [(entry.reference, entry.detail, entry.bytes) for entry in listed] == [
        (str(parent / "two.gguf"), "GGUF", 4),
        (str(checkpoint), "qwen2", 123),
        (str(parent / "three" / "q4.gguf"), "GGUF", 5),
        (str(parent / "three" / "q8.gguf"), "GGUF", 5),
    ]


@pytest.mark.usefixtures("no_demos")
def test_damaged_checkpoint_is_listed_with_what_is_wrong(checkpoint: Path) -> None:
    (checkpoint / "config.json").write_text("{")
    (entry,) = list_models({}, [checkpoint])
    assert "config.json is not valid JSON" in entry.detail
    assert entry.bytes is None


def test_recent_references_come_newest_first_and_once() -> None:
    assert recent() == []
    for reference in ("preset:a", "owner/name", "preset:a"):
        remember(reference)
    assert recent() == ["preset:a", "owner/name"]
    for number in range(50):
        remember(f"preset:{number}")
    assert len(recent()) == history.MOST


def test_recent_directory_opens_from_anywhere(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkpoint.parent)
    remember("one")
    assert recent() == [str(checkpoint)]


@pytest.mark.parametrize("content", [b"{", b"\xff", b'{"a": 1}', b"[1, null]", b""])
def test_damaged_history_reads_as_empty_and_is_written_anew(content: bytes) -> None:
    file = history.state_directory() / "recent.json"
    file.write_bytes(content)
    assert recent() == []
    remember("preset:a")
    assert recent() == ["preset:a"]
    assert [path.name for path in file.parent.iterdir()] == ["recent.json"]


def test_history_that_cannot_be_written_is_let_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(history.STATE_DIRECTORY, str(tmp_path / "file" / "below"))
    remember("preset:a")
    assert recent() == []


def test_state_lies_in_the_users_own_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(history.STATE_DIRECTORY)
    assert history.state_directory().name == "inspector"
