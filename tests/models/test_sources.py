from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from inspector.errors import ModelError, UnknownReference
from inspector.models import Preset, find, sources
from tests.models.hubs import cache

PRESETS = {name: Preset(name, {"model_type": "qwen2"}) for name in ("Qwen2.5-VL-7B", "Qwen2.5-VL-72B", "Qwen2.5-7B")}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    directory = tmp_path / "my-qwen"
    directory.mkdir()
    (directory / "config.json").write_text('{"model_type": "qwen2"}')
    (directory / "model.safetensors").write_bytes(b"")
    return directory


def test_finding_imports_neither_torch_nor_transformers(checkpoint: Path) -> None:
    code = (
        "import sys; from inspector.models import find, list_models, recent; import inspector.models.sources;"
        f"find({str(checkpoint)!r}, {{}}); list_models({{}}, []); recent();"
        "print([name for name in ('torch', 'transformers', 'numpy', 'httpx', 'textual') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_preset_is_found_by_name_in_any_case() -> None:
    source = find("preset:qwen2.5-vl-7b", PRESETS)
    assert source.reference == "preset:Qwen2.5-VL-7B"
    assert source.kind == "preset"
    assert source.preset is PRESETS["Qwen2.5-VL-7B"]
    assert source.directory() is None
    assert not source.has_weights


def test_preset_answers_for_the_files_that_would_stand_beside_a_checkpoint() -> None:
    preset = Preset("a", {"model_type": "qwen2", "layers": [1]}, {"top_k": 1}, {"patch_size": 14})
    source = find("preset:a", {"a": preset})
    assert source.json("generation_config.json") == {"top_k": 1}
    assert source.json("preprocessor_config.json") == {"patch_size": 14}
    assert source.json("tokenizer_config.json") is None
    config = source.json("config.json")
    assert config is not None
    config["layers"].append(2)
    assert preset.config["layers"] == [1]


def test_unknown_preset_names_its_neighbours() -> None:
    with pytest.raises(UnknownReference, match=r"no preset 'qwen2\.5-vl-8b'.*Did you mean preset:Qwen2\.5-VL-7B"):
        find("preset:qwen2.5-vl-8b", PRESETS)


def test_directory_is_a_checkpoint(checkpoint: Path) -> None:
    source = find(str(checkpoint), {})
    assert (source.kind, source.path, source.has_weights) == ("directory", checkpoint, True)
    assert source.json("config.json") == {"model_type": "qwen2"}
    assert source.json("generation_config.json") is None


def test_home_directory_is_understood(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(checkpoint.parent))
    assert find("~/my-qwen", {}).path == checkpoint


def test_directory_without_weights_has_none(checkpoint: Path) -> None:
    (checkpoint / "model.safetensors").unlink()
    assert not find(str(checkpoint), {}).has_weights


def test_directory_without_config_says_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(UnknownReference, match=r"no config\.json\. It holds notes\.txt\.$"):
        find(str(tmp_path), {})


def test_directory_of_checkpoints_names_them(checkpoint: Path) -> None:
    with pytest.raises(UnknownReference, match=r"no config\.json.*Did you mean .*my-qwen"):
        find(str(checkpoint.parent), {})


def test_saved_trace_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "trace.json").write_text("{}")
    with pytest.raises(UnknownReference, match="is a saved trace"):
        find(str(tmp_path), {})


def test_adapter_names_the_model_that_it_changes(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "Qwen/Qwen2.5-7B"}')
    with pytest.raises(UnknownReference, match=r"holds an adapter.*Qwen/Qwen2\.5-7B"):
        find(str(tmp_path), {})


def test_file_in_a_checkpoint_leads_to_its_directory(checkpoint: Path) -> None:
    with pytest.raises(UnknownReference, match=r"model\.safetensors is a file.*Open its directory, .*my-qwen"):
        find(str(checkpoint / "model.safetensors"), {})


def test_gguf_file_and_a_directory_with_one(tmp_path: Path) -> None:
    (tmp_path / "q4.gguf").write_bytes(b"GGUF")
    for reference in (tmp_path, tmp_path / "q4.gguf"):
        source = find(str(reference), {})
        assert (source.path, source.gguf, source.has_weights) == (tmp_path, "q4.gguf", True)
    (tmp_path / "q8.gguf").write_bytes(b"GGUF")
    with pytest.raises(UnknownReference, match=r"holds 2 GGUF files; name one of them: q4\.gguf, q8\.gguf"):
        find(str(tmp_path), {})
    assert find(str(tmp_path / "q8.gguf"), {}).gguf == "q8.gguf"


def test_unknown_path_names_its_siblings(checkpoint: Path) -> None:
    with pytest.raises(UnknownReference, match=r"no such directory.*Did you mean .*/my-qwen\b"):
        find(str(checkpoint.parent / "my-qven"), {})


def test_unknown_name_names_presets_and_cached_models(checkpoint: Path, cache_directory: Path) -> None:
    cache("someone/qwen2.5-7b-tuned", checkpoint, cache_directory)
    with pytest.raises(UnknownReference) as error:
        find("qwen2.5-7b-tune", PRESETS)
    assert "someone/qwen2.5-7b-tuned" in str(error.value)
    assert "preset:Qwen2.5-7B" in str(error.value)


@pytest.mark.parametrize(
    "reference", ["", "a b", "../no/such", "owner/name/more", "preset", "a:b", "owner/na me", "\0"]
)
def test_what_cannot_be_a_name_is_refused(reference: str) -> None:
    with pytest.raises(UnknownReference):
        find(reference, PRESETS)


@pytest.mark.parametrize("reference", ["a" * 5000, "~nobody-of-this-name/model"])
def test_what_the_system_refuses_is_told_in_one_line(reference: str) -> None:
    with pytest.raises(UnknownReference, match="cannot be read") as error:
        find(reference, PRESETS)
    assert len(str(error.value)) < 5500
    assert "\n" not in str(error.value)


def test_unknown_demo_says_what_is_bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: Path) -> None:
    monkeypatch.setattr(sources, "DEMOS", checkpoint.parent)
    assert find("demo:my-qwen", {}).path == checkpoint
    with pytest.raises(UnknownReference, match=r"There are my-qwen\. Did you mean demo:my-qwen"):
        find("demo:my-gwen", {})
    monkeypatch.setattr(sources, "DEMOS", tmp_path / "none")
    with pytest.raises(UnknownReference, match="bundles none"):
        find("demo:my-qwen", {})


def test_one_bundled_checkpoint_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "DEMOS", tmp_path)
    for name in ("clip-qwen", "another", sources.FIRST):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}", encoding="utf-8")
    assert sources.demos() == [sources.FIRST, "another", "clip-qwen"]


def test_repository_in_the_cache_has_its_path(checkpoint: Path, cache_directory: Path) -> None:
    snapshot = cache("owner/name", checkpoint, cache_directory)
    source = find("owner/name", {})
    assert (source.kind, source.path, source.repository) == ("hub", snapshot, "owner/name")
    assert source.json("config.json") == {"model_type": "qwen2"}


def test_old_repository_without_owner_opens_from_the_cache_only(checkpoint: Path, cache_directory: Path) -> None:
    with pytest.raises(UnknownReference):
        find("gpt2", {})
    cache("gpt2", checkpoint, cache_directory)
    assert find("gpt2", {}).path is not None


def test_repository_that_is_not_in_the_cache_is_found_without_the_network() -> None:
    source = find("owner/name", {})
    assert (source.kind, source.path, source.has_weights) == ("hub", None, True)
    assert source.json("config.json") is None


def test_gguf_file_of_a_repository(tmp_path: Path, cache_directory: Path) -> None:
    source = find("owner/name/q4.gguf", {})
    assert (source.repository, source.gguf, source.path) == ("owner/name", "q4.gguf", None)
    (tmp_path / "q4.gguf").write_bytes(b"GGUF")
    snapshot = cache("owner/name", tmp_path, cache_directory)
    assert find("owner/name", {}).gguf == "q4.gguf"
    assert find("owner/name/q4.gguf", {}).path == snapshot


def test_directory_comes_before_a_repository_of_the_same_name(
    checkpoint: Path, cache_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache(f"{checkpoint.parent.name}/my-qwen", checkpoint, cache_directory)
    monkeypatch.chdir(checkpoint.parent.parent)
    assert find(f"{checkpoint.parent.name}/my-qwen", {}).kind == "directory"


@pytest.mark.parametrize("content", ["{", "[1]", "\udcff"])
def test_damaged_json_is_named(checkpoint: Path, content: str) -> None:
    (checkpoint / "config.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ModelError, match=r"config\.json (is not valid JSON|should hold a JSON object)"):
        find(str(checkpoint), {}).json("config.json")


def test_damaged_index_is_named(checkpoint: Path) -> None:
    (checkpoint / "model.safetensors").unlink()
    index = checkpoint / "model.safetensors.index.json"
    for content in (
        "{",
        "{}",
        '{"weight_map": {}}',
        '{"weight_map": {"a": "../../secret"}}',
        '{"weight_map": {"a": 1}}',
    ):
        index.write_text(content)
        with pytest.raises(ModelError, match=r"model\.safetensors\.index\.json is no"):
            find(str(checkpoint), {})
    index.write_text(json.dumps({"weight_map": {"a": "model-1.safetensors"}}))
    assert find(str(checkpoint), {}).has_weights
