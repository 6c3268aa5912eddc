"""What a failed load says, and that nothing of it stays: each with the real file, class or limit that fails."""

from __future__ import annotations

import gc
import json
import os
import pickle
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from inspector.errors import ModelError
from inspector.models import Loaded, Options, Preset, load_model, making
from tests.fakes import save_tiny, tiny, tiny_config
from tests.models.test_loading import Bare, load

REMOTE = """
import pathlib
from transformers import PretrainedConfig, Qwen2Config, Qwen2ForCausalLM

pathlib.Path({marker!r}).write_text("ran")

class FooConfig(Qwen2Config):
    model_type = "foo"

class FooForCausalLM(Qwen2ForCausalLM):
    config_class = FooConfig
"""


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return save_tiny("qwen2", tmp_path / "checkpoint")


def configure(directory: Path, **changes: Any) -> None:
    file = directory / "config.json"
    data = {**json.loads(file.read_text()), **changes}
    file.write_text(json.dumps({name: value for name, value in data.items() if value is not None}))


def pickled(directory: Path, content: Any) -> Path:
    (directory / "model.safetensors").unlink()
    torch.save(content, directory / "pytorch_model.bin")
    return directory / "pytorch_model.bin"


def refused(reference: object, message: str, **options: Any) -> str:
    with pytest.raises(ModelError, match=message) as error:
        load(reference, **options)
    said = str(error.value)
    assert "\n" not in said
    return said


@pytest.mark.parametrize("shape_only", [False, True])
def test_unknown_model_type_names_the_installed_transformers(checkpoint: Path, shape_only: bool) -> None:
    configure(checkpoint, model_type="qwen22")
    installed = f"transformers {transformers.__version__}, which is installed, does not know the model type 'qwen22'"
    assert "Did you mean qwen2" in refused(checkpoint, installed, shape_only=shape_only)


def test_configuration_without_model_type(checkpoint: Path) -> None:
    configure(checkpoint, model_type=None)
    refused(checkpoint, r"config\.json of .* names no model_type, so that transformers \d")


def test_configuration_with_a_value_of_the_wrong_type(checkpoint: Path) -> None:
    configure(checkpoint, hidden_size="wide")
    refused(checkpoint, r"configuration of .* cannot be read: .*hidden_size.*expected int, got str")


def test_model_that_is_neither_text_nor_image_text(tmp_path: Path) -> None:
    transformers.ViTConfig().save_pretrained(tmp_path)
    refused(tmp_path, "neither a causal language model nor an image-text model")


def test_preset_of_an_unknown_type() -> None:
    with pytest.raises(ModelError, match="does not know the model type 'qwen22' of preset:a"):
        load("preset:a", {"a": Preset("a", {"model_type": "qwen22"})})


def test_truncated_weights(checkpoint: Path) -> None:
    file = checkpoint / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    refused(checkpoint, r"model\.safetensors was cut off: .* bytes were expected")


def test_missing_shard(tmp_path: Path) -> None:
    tiny("qwen2").save_pretrained(tmp_path, max_shard_size="30KB")
    next(tmp_path.glob("model-00002-*")).unlink()
    refused(tmp_path, r"model-00002-of-\d+\.safetensors is missing")


def test_shards_without_their_index(tmp_path: Path) -> None:
    tiny("qwen2").save_pretrained(tmp_path, max_shard_size="30KB")
    (tmp_path / "model.safetensors.index.json").unlink()
    refused(tmp_path, "none of the files that transformers starts from")


def test_unknown_device_dtype_and_attention(checkpoint: Path) -> None:
    for shape_only in (False, True):
        refused(checkpoint, "There is no device 'cuda:77' here", device="cuda:77", shape_only=shape_only)
    refused(checkpoint, r"There is no dtype 'float46'\. Did you mean float16", dtype="float46")
    refused(checkpoint, r"no attention implementation 'spda'\. Did you mean sdpa", attention="spda")


def test_options_that_exclude_each_other(checkpoint: Path) -> None:
    refused(checkpoint, "choose one of them", shape_only=True, random_weights=True)
    refused(checkpoint, "--vision is for models that a family puts together", vision=checkpoint)


@pytest.mark.skipif(transformers.utils.is_flash_attn_2_available(), reason="flash attention is installed")
@pytest.mark.parametrize("options", [{}, {"shape_only": True}, {"random_weights": True}])
def test_attention_whose_package_is_missing(checkpoint: Path, options: dict[str, Any]) -> None:
    refused(checkpoint, "FlashAttention2", attention="flash_attention_2", **options)


def test_malicious_pickle_is_refused_and_not_run(checkpoint: Path, tmp_path: Path) -> None:
    marker = tmp_path / "ran"

    class Evil:
        def __reduce__(self) -> Any:
            return (os.system, (f"touch {marker}",))

    file = pickled(checkpoint, {"model.norm.weight": Evil()})
    refused(checkpoint, r"hold more than tensors, and nothing of it was run: .*system.*safetensors")
    file.write_bytes(pickle.dumps({"model.norm.weight": Evil()}))
    refused(checkpoint, "pickled weights")
    assert not marker.exists()


@pytest.mark.parametrize("content", [b"", b"junk" * 100, b"PK\x03\x04" + b"0" * 100])
def test_foreign_pickle(checkpoint: Path, content: bytes) -> None:
    pickled(checkpoint, {}).write_bytes(content)
    refused(checkpoint, r"pickled weights \(pytorch_model\.bin\) cannot be read; they are damaged")


def test_truncated_pickle(checkpoint: Path) -> None:
    file = pickled(checkpoint, tiny("qwen2").state_dict())
    file.write_bytes(file.read_bytes()[:-500])
    refused(checkpoint, "cannot be read; they are damaged")


def test_code_of_a_checkpoint_runs_only_when_allowed(checkpoint: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    marker = tmp_path / "ran"
    (checkpoint / "foo.py").write_text(REMOTE.format(marker=str(marker)))
    configure(
        checkpoint,
        model_type="foo",
        auto_map={"AutoConfig": "foo.FooConfig", "AutoModelForCausalLM": "foo.FooForCausalLM"},
    )
    for shape_only in (False, True):
        refused(checkpoint, r"brings Python code of its own .*'foo'.*--trust-remote-code", shape_only=shape_only)
    assert not marker.exists()
    loaded = load(checkpoint, trust_remote_code=True)
    assert type(loaded.model).__name__ == "FooForCausalLM"
    assert marker.exists()
    assert load(checkpoint, trust_remote_code=True, shape_only=True).shape_only


def test_random_weights_that_fit_nowhere_say_what_would() -> None:
    config = {
        **tiny_config("qwen2").to_dict(),
        "hidden_size": 2**20,
        "num_attention_heads": 1,
        "num_key_value_heads": 1,
    }
    presets = {"huge": Preset("huge", {**config, "intermediate_size": 2**22})}
    with pytest.raises(ModelError, match=r"preset:huge does not fit: it takes .*GiB in float32.*--shape-only"):
        load("preset:huge", presets, random_weights=True)
    assert load("preset:huge", presets).shape_only


LIMITED = """
import resource, sys
from pathlib import Path
from inspector.models import Options, Preset, find, load_model
from tests.models.test_failures import load, tiny_config
import inspector.models.shape_only
config = {**tiny_config("qwen2").to_dict(), "hidden_size": 2048, "intermediate_size": 2**14}
presets = {"large": Preset("large", config)}
load("preset:large", presets)
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**28,) * 2)
try:
    load("preset:large", presets, random_weights=True, device="cpu")
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is set the Linux way")
def test_allocation_that_fails_is_told_as_out_of_memory() -> None:
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, check=True, cwd=Path.cwd())
    said = "ModelError cpu ran out of memory while preset:large was loaded: the weights take 8"
    assert done.stdout.startswith(said), done.stdout + done.stderr
    assert "What may fit: --dtype bfloat16 (4" in done.stdout


def test_nothing_of_a_failed_load_stays_in_memory(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[weakref.ref[Any]] = []

    def refuse(plan: Any, model: Any, report: Any) -> None:
        built.append(weakref.ref(model))
        raise ModelError("refused")

    monkeypatch.setattr(making, "_refuse_foreign", refuse)
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(ModelError, match="refused") as error:
            load(checkpoint)
        assert error.value.__traceback__ is not None
        assert built[0]() is None
    finally:
        gc.enable()


def test_failure_inside_transformers_keeps_no_weights_either(checkpoint: Path) -> None:
    class Refusing(Bare):
        def model_class(self, config: Any) -> Any:
            class Model(transformers.Qwen2ForCausalLM):  # type: ignore[misc]
                def tie_weights(self, *args: Any, **options: Any) -> None:
                    if not self.lm_head.weight.is_meta:
                        built.append(weakref.ref(self))
                        raise ValueError("no ties")

            return Model

    built: list[weakref.ref[Any]] = []
    kept: list[BaseException] = []

    def attempt() -> Loaded | None:
        from inspector.models import find

        try:
            return load_model(find(str(checkpoint), {}), Options(), [Refusing()])
        except ModelError as error:
            kept.append(error)
            return None

    attempt()
    gc.collect()
    assert "cannot be loaded: ValueError: no ties." in str(kept[0])
    assert [reference() for reference in built] == [None]
