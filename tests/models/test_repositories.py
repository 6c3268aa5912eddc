"""Loading from the hub: what is cached, what is downloaded, and what is said where neither can be."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.errors import ModelError, UnknownReference
from tests.fakes import save_tiny, tiny
from tests.models.hubs import cache, serving
from tests.models.loading import load, same_weights


def test_cached_repository_loads_without_the_network(
    tmp_path: Path, cache_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    cache("owner/name", save_tiny("qwen2", tmp_path), cache_directory)
    loaded = load("owner/name")
    assert loaded.reference == "owner/name"
    assert same_weights(loaded.model, tiny("qwen2"))


def test_cached_configuration_opens_without_weights_only_when_asked(
    tmp_path: Path, cache_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    cache("owner/name", save_tiny("qwen2", tmp_path, weights=False), cache_directory)
    with pytest.raises(ModelError, match=r"HF_HUB_OFFLINE.*--shape-only opens that"):
        load("owner/name")
    assert load("owner/name", shape_only=True).shape_only


def test_repository_is_downloaded_as_far_as_it_is_needed(
    tmp_path: Path, cache_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving({"owner/name": save_tiny("qwen2", tmp_path)}) as server:
        server.stand_in(monkeypatch)
        assert load("owner/name", shape_only=True).shape_only
        assert not list(cache_directory.rglob("*.safetensors"))
        told: list[tuple[str, float | None]] = []
        loaded = load("owner/name", progress=lambda *step: told.append(step))
        assert same_weights(loaded.model, tiny("qwen2"))
        assert ("downloading owner/name", 1.0) in told
        server.requests.clear()
        assert same_weights(load("owner/name").model, tiny("qwen2"))
        assert server.requests == []


def test_repository_without_weights_opens_without_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving({"owner/name": save_tiny("qwen2", tmp_path, weights=False)}) as server:
        server.stand_in(monkeypatch)
        loaded = load("owner/name")
        assert loaded.shape_only
        assert "holds no weights" in loaded.notices[-1]


def test_absent_repository_without_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises((ModelError, UnknownReference), match="could not be downloaded"):
        load("owner/name")
