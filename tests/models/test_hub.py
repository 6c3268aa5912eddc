from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from inspector.errors import Cancelled, ModelError, UnknownReference
from inspector.models import cached_models, hub
from tests.models.hubs import COMMIT, Hub, cache, serving

Report = list[tuple[str, float | None]]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A repository of two shards, with a file that nobody needs."""
    directory = tmp_path / "repository"
    directory.mkdir()
    (directory / "config.json").write_text('{"model_type": "qwen2"}')
    (directory / "tokenizer.json").write_text("{}")
    (directory / "chat_template.jinja").write_text("{{ messages }}")
    (directory / "model.safetensors.index.json").write_text(
        '{"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}}'
    )
    (directory / "1.safetensors").write_bytes(b"x" * 1000)
    (directory / "2.safetensors").write_bytes(b"y" * 3000)
    (directory / "pytorch_model.bin").write_bytes(b"z" * 5000)
    (directory / "picture.png").write_bytes(b"")
    return directory


@pytest.fixture
def served(files: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving({"owner/name": files}, gated=("owner/gated",)) as server:
        server.stand_in(monkeypatch)
        yield server


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{taken.getsockname()[1]}")


def test_download_takes_what_is_needed_and_tells_how_far_it_is(served: Hub, cache_directory: Path) -> None:
    report: Report = []
    path = hub.fetch("owner/name", None, True, lambda *told: report.append(told))
    assert path == hub.snapshot("owner/name") == cache_directory / "models--owner--name" / "snapshots" / COMMIT
    assert {file.name for file in path.iterdir()} == {
        "config.json",
        "tokenizer.json",
        "chat_template.jinja",
        "model.safetensors.index.json",
        "1.safetensors",
        "2.safetensors",
    }
    assert report[0] == ("asking the hub for owner/name", None)
    assert report[-1] == ("downloading owner/name", 1.0)
    assert hub.is_complete(path, None, weights=True)
    assert cached_models() == ["owner/name"]


def test_download_without_weights_takes_the_small_files(served: Hub) -> None:
    path = hub.fetch("owner/name", None, False, lambda *_: None)
    assert not list(path.glob("*.safetensors"))
    assert hub.is_complete(path, None, weights=False)
    assert not hub.is_complete(path, None, weights=True)


def test_second_download_fetches_only_what_is_missing(served: Hub) -> None:
    hub.fetch("owner/name", None, False, lambda *_: None)
    served.requests.clear()
    hub.fetch("owner/name", None, True, lambda *_: None)
    resolved = {path.rpartition("/")[2] for path in served.requests if "/resolve/" in path}
    assert resolved == {"1.safetensors", "2.safetensors"}


def test_download_of_a_gguf_file(served: Hub, files: Path) -> None:
    for file in files.iterdir():
        file.unlink()
    (files / "q4.gguf").write_bytes(b"GGUF4")
    (files / "q8.gguf").write_bytes(b"GGUF8")
    with pytest.raises(ModelError, match=r"holds 2 GGUF files; name one of them: owner/name/q4\.gguf or owner/name/q8"):
        hub.fetch("owner/name", None, True, lambda *_: None)
    path = hub.fetch("owner/name", "q8.gguf", True, lambda *_: None)
    assert [file.name for file in path.iterdir()] == ["q8.gguf"]
    with pytest.raises(ModelError, match=r"has no q2\.gguf\. It holds q4\.gguf, q8\.gguf"):
        hub.fetch("owner/name", "q2.gguf", True, lambda *_: None)


def test_shard_that_the_repository_lacks_is_named(served: Hub, files: Path) -> None:
    (files / "2.safetensors").unlink()
    with pytest.raises(ModelError, match=r"owner/name has no 2\.safetensors"):
        hub.fetch("owner/name", None, True, lambda *_: None)


def test_download_ends_where_the_progress_raises(served: Hub, cache_directory: Path) -> None:
    def stop(stage: str, fraction: float | None) -> None:
        if fraction:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        hub.fetch("owner/name", None, True, stop)


def test_repository_that_is_not_there(served: Hub) -> None:
    with pytest.raises(UnknownReference, match=r"no repository 'owner/nome', or it is private.*hf auth login"):
        hub.fetch("owner/nome", None, True, lambda *_: None)


def test_gated_repository_says_how_to_get_in(served: Hub) -> None:
    with pytest.raises(ModelError, match=r"owner/gated is gated: ask for access at http.*/owner/gated.*HF_TOKEN"):
        hub.fetch("owner/gated", None, True, lambda *_: None)


@pytest.mark.usefixtures("no_network")
def test_no_network_is_one_clear_message() -> None:
    with pytest.raises(
        ModelError, match=r"owner/name is not whole in the cache .* could not be downloaded: .*connection"
    ):
        hub.fetch("owner/name", None, True, lambda *_: None)


def test_offline_mode_says_that_it_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE forbids"):
        hub.fetch("owner/name", None, True, lambda *_: None)


def test_cache_without_reference_takes_the_newest_snapshot(files: Path, cache_directory: Path) -> None:
    snapshot = cache("owner/name", files, cache_directory)
    (snapshot.parents[1] / "refs" / "main").unlink()
    older = snapshot.parent / "older"
    older.mkdir()
    os.utime(older, (0, 0))
    assert hub.snapshot("owner/name") == snapshot


def test_what_cannot_be_opened_is_not_listed(files: Path, cache_directory: Path, tmp_path: Path) -> None:
    cache("owner/name", files, cache_directory)
    empty = tmp_path / "empty"
    empty.mkdir()
    cache("owner/empty", empty, cache_directory)
    (cache_directory / "datasets--owner--data").mkdir()
    (cache_directory / "version.txt").write_text("1")
    assert cached_models() == ["owner/name"]


def test_cache_is_where_the_environment_says(files: Path, tmp_path: Path) -> None:
    cache("owner/name", files, tmp_path / "home" / "hub")
    cache("owner/other", files, tmp_path / "elsewhere")
    code = "from inspector.models import cached_models; print(cached_models())"
    for name, value, expected in (
        ("HF_HOME", tmp_path / "home", "['owner/name']"),
        ("HF_HUB_CACHE", tmp_path / "elsewhere", "['owner/other']"),
        ("HF_HUB_CACHE", tmp_path / "nowhere", "[]"),
    ):
        environment = {key: text for key, text in os.environ.items() if not key.startswith("HF_")}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**environment, name: str(value)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == expected
