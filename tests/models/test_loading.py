"""Loading tiny checkpoints of real classes, whole and spread, in every dtype."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import torch

from inspector.errors import Cancelled, ModelError
from inspector.models import Family, Loaded, Options, devices, find, load_model
from tests.fakes import save_tiny, tiny
from tests.models.loading import IDS, Bare, load, same_weights


@pytest.mark.parametrize("name", ["qwen2", "qwen2_5_vl", "llava", "gpt2"])
def test_checkpoint_loads_as_it_was_saved(name: str, tmp_path: Path) -> None:
    loaded = load(save_tiny(name, tmp_path))
    assert type(loaded.model) is type(tiny(name))
    assert same_weights(loaded.model, tiny(name))
    assert (loaded.reference, loaded.shape_only, loaded.model.training) == (str(tmp_path), False, False)
    assert loaded.model.device.type == devices.choose("auto").partition(":")[0]
    assert loaded.config is loaded.model.config
    assert loaded.notices == ["A stand-in."]


def test_shards_load_and_progress_is_told_from_a_thread(tmp_path: Path) -> None:
    tiny("qwen2").save_pretrained(tmp_path, max_shard_size="30KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 2
    told: list[tuple[str, float | None]] = []
    kept: list[Loaded] = []
    thread = threading.Thread(target=lambda: kept.append(load(tmp_path, progress=lambda *step: told.append(step))))
    thread.start()
    thread.join()
    assert same_weights(kept[0].model, tiny("qwen2"))
    assert told[0] == ("importing torch and transformers", None)
    fractions = [fraction for stage, fraction in told if stage == "loading weights" and fraction is not None]
    assert len(fractions) > 10
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] <= fractions[-1] <= 1


def test_loading_ends_where_the_progress_raises(tmp_path: Path) -> None:
    def stop(stage: str, fraction: float | None) -> None:
        if fraction is not None and fraction > 0.3:
            raise Cancelled("stopped")

    save_tiny("qwen2", tmp_path)
    with pytest.raises(Cancelled):
        load(tmp_path, progress=stop)
    assert load(tmp_path).model is not None


def test_nothing_is_printed_and_transformers_is_left_as_it_was(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from transformers.utils.logging import is_progress_bar_enabled

    def state() -> list[Any]:
        loggers = [logging.getLogger(name) for name in ("transformers", "accelerate")]
        return [is_progress_bar_enabled(), *((one.level, list(one.handlers), one.propagate) for one in loggers)]

    save_tiny("qwen2", tmp_path)
    before = state()
    capfd.readouterr()
    load(tmp_path)
    with pytest.raises(ModelError):
        load(tmp_path, device="nonesuch")
    assert capfd.readouterr() == ("", "")
    assert state() == before


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_dtype_is_the_one_asked_for(dtype: str, tmp_path: Path) -> None:
    loaded = load(save_tiny("qwen2", tmp_path), dtype=dtype)
    assert {str(weight.dtype) for weight in loaded.model.parameters()} == {f"torch.{dtype}"}


@pytest.mark.parametrize(
    ("stored", "device", "expected"), [("bfloat16", "auto", "bfloat16"), ("float16", "cpu", "float32")]
)
def test_automatic_dtype_is_the_checkpoints_own(stored: str, device: str, expected: str, tmp_path: Path) -> None:
    tiny("qwen2", dtype=getattr(torch, stored)).save_pretrained(tmp_path)
    loaded = load(tmp_path, device=device)
    assert str(loaded.model.dtype) == f"torch.{expected}"
    assert ("float16; on the CPU it runs in float32" in " ".join(loaded.notices)) == (stored == "float16")


def test_dtype_of_a_configuration_that_names_none_is_that_of_the_weights(tmp_path: Path) -> None:
    tiny("qwen2", dtype=torch.bfloat16).save_pretrained(tmp_path)
    config = (tmp_path / "config.json").read_text().replace('"dtype": "bfloat16",', "")
    assert "dtype" not in config
    (tmp_path / "config.json").write_text(config)
    assert load(tmp_path).model.dtype == torch.bfloat16


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_attention_is_the_one_asked_for(attention: str, tmp_path: Path) -> None:
    save_tiny("qwen2_5_vl", tmp_path)
    for options in ({}, {"shape_only": True}, {"random_weights": True}):
        loaded = load(tmp_path, attention=attention, **options)
        assert loaded.model.config._attn_implementation == attention
        assert loaded.model.config.vision_config._attn_implementation == attention


def test_pickled_weights_load_through_the_weights_only_loader(tmp_path: Path) -> None:
    save_tiny("qwen2", tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save(tiny("qwen2").state_dict(), tmp_path / "pytorch_model.bin")
    assert same_weights(load(tmp_path).model, tiny("qwen2"))


def test_gguf_file_loads(tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf")
    model, file = tiny("llama"), tmp_path / "tiny.gguf"
    config = model.config
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_context_length(128)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    for name, weight in model.state_dict().items():
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight",)), weight.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    for reference in (tmp_path, file):
        loaded = load(reference)
        assert type(loaded.model) is type(model)
        assert torch.equal(loaded.model.lm_head.weight, model.lm_head.weight)
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(ModelError, match=r"tiny\.gguf"):
        load(file)


def test_quantised_checkpoint_names_the_missing_package(tmp_path: Path) -> None:
    save_tiny("qwen2", tmp_path)
    text = (tmp_path / "config.json").read_text().rstrip().removesuffix("}")
    (tmp_path / "config.json").write_text(f'{text}, "quantization_config": {{"quant_method": "gptq", "bits": 4}}}}')
    with pytest.raises(ModelError, match=r"needs a package that is not installed: .*pip install"):
        load(tmp_path)
    assert load(tmp_path, shape_only=True).shape_only


def test_warning_of_transformers_becomes_a_notice(tmp_path: Path) -> None:
    save_tiny("qwen2", tmp_path)
    text = (tmp_path / "config.json").read_text().rstrip().removesuffix("}")
    (tmp_path / "config.json").write_text(f'{text}, "quantization_config": {{"quant_method": "nonesuch"}}}}')
    assert any("nonesuch" in notice for notice in load(tmp_path).notices)


def test_missing_unexpected_and_mismatched_weights_are_told(tmp_path: Path) -> None:
    save_tiny("qwen2", tmp_path)
    state = tiny("qwen2").state_dict()
    del state["model.layers.1.mlp.up_proj.weight"]
    state["model.layers.9.mlp.up_proj.weight"] = torch.zeros(2)
    state["model.norm.weight"] = torch.zeros(5)
    tiny("qwen2").save_pretrained(tmp_path, state_dict=state)
    loaded = load(tmp_path)
    missing, other, unexpected = loaded.notices[1:]
    assert missing.startswith(
        "MISSING from the checkpoint, and random now: 1 weight: model.layers.1.mlp.up_proj.weight."
    )
    assert "OF ANOTHER SHAPE" in other
    assert "model.norm.weight ([5] stored, [32] wanted)" in other
    assert "left out: 1 weight: model.layers.9.mlp.up_proj.weight" in unexpected
    assert not any(weight.is_meta for weight in loaded.model.parameters())


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    save_tiny("qwen2", tmp_path)
    other = save_tiny("gpt2", tmp_path / "other") / "model.safetensors"
    other.replace(tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match="belong to another model: none of them fits Qwen2ForCausalLM"):
        load(tmp_path)


@pytest.mark.skipif(torch.accelerator.is_available(), reason="an accelerator has room for it")
def test_model_that_fits_no_device_is_spread_and_computes_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_tiny("qwen2", tmp_path)
    whole = load(tmp_path, device="cpu").model
    room = SimpleNamespace(available=4 * whole.num_parameters() - 1)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: room)
    with pytest.raises(ModelError, match="does not fit"):
        load(tmp_path, device="cpu")
    loaded = load(tmp_path)
    assert "accelerate spread it over cpu, disk; what lies on disk is read again" in loaded.notices[-1]
    with torch.inference_mode():
        assert torch.equal(loaded.model(IDS).logits, whole(IDS).logits)


def test_first_matching_family_is_taken_and_a_raising_one_passed_over(tmp_path: Path) -> None:
    class Broken(Family):
        name = "broken"

        def matches(self, config: Any) -> bool:
            raise RuntimeError("oh no")

    family = Bare()
    save_tiny("qwen2", tmp_path)
    loaded = load_model(find(str(tmp_path), {}), Options(), [Broken(), family, Bare()])
    assert loaded.family is family
    assert loaded.notices[0] == "The family 'broken' was passed over, because its matches() raised: oh no."


def test_family_may_name_a_class_instead_of_an_auto_class(tmp_path: Path) -> None:
    class Direct(Bare):
        def model_class(self, config: Any) -> type[Any]:
            from transformers import Qwen2ForCausalLM

            return Qwen2ForCausalLM

    save_tiny("qwen2", tmp_path)
    for options in (Options(), Options(shape_only=True), Options(random_weights=True, trust_remote_code=True)):
        assert type(load_model(find(str(tmp_path), {}), options, [Direct()]).model) is type(tiny("qwen2"))
