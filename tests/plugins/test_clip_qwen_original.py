"""What else was recorded of the original: its small functions, chat format, pictures, LoRA, and how it goes wrong."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

import inspector
from inspector import byte_tokenizer
from inspector_plugins.clip_qwen.cache import dequantise, quantise
from inspector_plugins.clip_qwen.configuration import QwenConfig
from inspector_plugins.clip_qwen.layers import QwenRMSNorm
from inspector_plugins.clip_qwen.merge import splice_in_original_order
from inspector_plugins.clip_qwen.processor import image_processor
from inspector_plugins.clip_qwen.rotary import (
    QwenRotaryEmbedding,
    inverse_frequencies,
    logn_factors,
    ntk_alpha,
    ntk_alphas,
    rotate,
)
from inspector_plugins.clip_qwen.tokens import QWEN1_IDS, chat_template, context
from tests.plugins import golden
from tests.plugins.golden import FLOAT, largest

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def units() -> dict[str, Tensor]:
    return golden.tensors("units.safetensors")


@pytest.mark.parametrize("seq_length", [64, 8192])
def test_ntk_factors(seq_length: int) -> None:
    table = golden.facts("units.json")[f"get_ntk_alpha_seq_length_{seq_length}"]
    lengths = [int(length) for length in table]
    assert [ntk_alpha(length, seq_length) for length in lengths] == list(table.values())
    assert ntk_alphas(torch.tensor(lengths), seq_length).tolist() == list(table.values())


def test_logn_factors(units: dict[str, Tensor]) -> None:
    expected = units["logn_tensor_seq64_first400"]
    assert largest(logn_factors(torch.arange(len(expected)), 64), expected) < 1e-6
    beyond = golden.facts("reference_failures.json")["logn_table_limit"]["result"] + 10
    assert math.isclose(float(logn_factors(torch.tensor(beyond), 64)), math.log(beyond + 1, 64), rel_tol=1e-6)


@pytest.mark.parametrize("alpha", [1, 3, 7])
def test_rotary_tables(units: dict[str, Tensor], alpha: int) -> None:
    name = f"rotary_dim16_alpha{alpha}"
    assert largest(inverse_frequencies(16, 10000.0, alpha, CPU), units[f"{name}.inv_freq"]) == 0
    rows = len(units[f"{name}.cos"])
    rotary = QwenRotaryEmbedding(QwenConfig(kv_channels=16, seq_length=64, faithful=True))
    positions = torch.arange(rows)[None]
    found = rotary(torch.empty(0), positions, positions, [alpha])
    assert largest(found.cos[0], units[f"{name}.cos"]) == 0
    assert largest(found.sin[0], units[f"{name}.sin"]) == 0


@pytest.mark.parametrize(("name", "dim"), [("out_full", 16), ("out_rotdim8", 8)])
def test_rotation(units: dict[str, Tensor], name: str, dim: int) -> None:
    states = units["apply_rotary.in"].transpose(1, 2)
    angles = torch.arange(states.shape[2])[None, :, None] * inverse_frequencies(dim, 10000.0, 1, CPU)
    angles = torch.cat([angles, angles], dim=-1)
    found = rotate(states, angles.cos(), angles.sin()).transpose(1, 2)
    assert largest(found, units[f"apply_rotary.{name}"]) < 1e-6


def test_norm(units: dict[str, Tensor]) -> None:
    norm = QwenRMSNorm(units["rmsnorm.weight"].shape[0], 1e-6)
    norm.weight.data = units["rmsnorm.weight"]
    with torch.no_grad():
        assert largest(norm(units["rmsnorm.in"]), units["rmsnorm.out"]) < 1e-6
        norm.weight.data = norm.weight.data.to(torch.bfloat16)
        found = norm(units["rmsnorm.in"].to(torch.bfloat16))
    assert found.dtype == units["rmsnorm.out_bf16_in"].dtype
    assert largest(found, units["rmsnorm.out_bf16_in"]) <= 0.04  # a unit in the last place of bfloat16


def test_quantisation(units: dict[str, Tensor]) -> None:
    found = quantise(units["quant.in"])
    for part, name in zip(found, ("q", "scale", "zero"), strict=True):
        assert torch.equal(part, units[f"quant.{name}"])
    assert largest(dequantise(*found), units["quant.dequant"]) == 0
    error = (dequantise(*found) - units["quant.in"]) / found[1]
    told = golden.facts("units.json")
    assert math.isclose(float(error.abs().max()), told["quant_roundtrip_max_abs_err_over_scale"], rel_tol=1e-3)
    assert math.isclose(float(error.mean()), told["quant_roundtrip_mean_signed_err_over_scale"], rel_tol=1e-3)


def test_a_constant_input_has_no_scale_in_the_original_and_is_kept_here() -> None:
    states = torch.full((1, 2, 3, 4), 0.3)
    quantised, scale, zero = quantise(states, exact=False)
    assert (int(quantised.max()), float(scale.max()), float(zero.max())) == (0, 0.0, -math.inf)
    assert dequantise(quantised, scale, zero).isnan().all()
    assert torch.equal(dequantise(*quantise(states)), states)


@pytest.mark.parametrize("number", range(len(golden.facts("chat/chat_format.json")["cases"])))
def test_chat_format(number: int) -> None:
    case = golden.facts("chat/chat_format.json")["cases"][number]
    tokenizer = byte_tokenizer(QWEN1_IDS, chat_template())
    history = [tuple(turn) for turn in case["history"] or ()]
    encode = lambda text: list(text.encode())  # noqa: E731 - the recording's vocabulary
    text, ids = context(case["query"], encode, history, case["system"], case["max_window_size"])
    assert text == case["raw_text"]
    assert ids == case["context_tokens"]
    assert tokenizer(text).input_ids == case["encode_raw_text"] == case["call_input_ids"]
    image = QWEN1_IDS["<|extra_0|>"]
    assert ids.count(image) == case["image_token_count_in_context_tokens"]
    assert tokenizer(text).input_ids.count(image) == case["image_token_count_in_encode_raw"]


def test_chat_template() -> None:
    told = golden.facts("chat/chat_format.json")
    tokenizer = byte_tokenizer(QWEN1_IDS, chat_template())
    rendered = lambda messages: tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)  # noqa: E731
    assert rendered(told["apply_chat_template"]["messages"]) == told["apply_chat_template"]["text"]
    assert rendered(told["apply_chat_template"]["messages"][1:]) == told["apply_chat_template"]["text"]
    ids = told["special"]
    named = {"eod_id": "<|endoftext|>", "im_start_id": "<|im_start|>", "im_end_id": "<|im_end|>"}
    assert {key: QWEN1_IDS[named.get(key, key)] for key in ids if key != "n_vocab"} | {"n_vocab": 151851} == ids


@pytest.mark.parametrize(("faithful", "name"), [(False, "train_path_224"), (True, "test_path_224")])
def test_pictures(faithful: bool, name: str) -> None:
    """In training, which is what happens here, and as the original asks. They were recorded in half precision."""
    picture = Image.open(golden.GOLDEN / "preprocess" / "preprocess_input.png")
    settings = golden.facts("preprocess/preprocess.json")["clip_image_processor"]
    made = image_processor(settings, 224, faithful=faithful)([picture], return_tensors="pt")["pixel_values"][0]
    assert largest(made, golden.tensors("preprocess/preprocess.safetensors")[name]) < 2e-3


@torch.no_grad()
def test_lora(tmp_path: Path) -> None:
    """Loaded as its users have it: two published directories, and what training left behind."""
    pytest.importorskip("peft")
    told, expected = golden.facts("lora/lora.json"), golden.tensors("lora/case_g_lora.safetensors")
    llm, vision = golden.write_checkpoints(tmp_path)
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    for file in ("adapter_config.json", "adapter_model.bin", "other_params.bin"):
        (adapter / file).write_bytes((golden.GOLDEN / "lora" / "adapter" / file).read_bytes())
    settings = (golden.GOLDEN / "config" / "multimodal_config.json").read_bytes()
    (adapter / "multimodal_config.json").write_bytes(settings)
    session = inspector.load(llm, vision=vision, adapter=adapter)
    inputs = {"input_ids": expected["prompt_ids"], "pixel_values": expected["pixel_values"]}
    assert largest(session.model(**inputs).logits, expected["logits"]) <= FLOAT
    made = session.model.generate(**inputs, max_new_tokens=len(told["generate_tokens"]), do_sample=False)
    assert made[0, inputs["input_ids"].shape[1] :].tolist() == told["generate_tokens"]
    (adapter / "adapter_config.json").unlink()  # the projector alone
    without = inspector.load(llm, vision=vision, adapter=adapter).model(**inputs).logits
    assert largest(without, expected["logits_without_adapter"]) <= FLOAT
    assert math.isclose(largest(without, expected["logits"]), told["max_abs_logits_change_from_adapter"], rel_tol=1e-4)


class TestFailures:
    """Where the original goes wrong without raising: `faithful` gives its numbers, and the sound way does not."""

    told = golden.facts("reference_failures.json")

    @pytest.fixture(scope="class")
    def model(self) -> Any:
        return golden.model().language_model

    @staticmethod
    def both(model: Any, measure: Any) -> tuple[Any, Any]:
        """What `measure` finds with and without `faithful`."""
        found = []
        for faithful in (True, False):
            model.config.faithful = faithful
            with torch.no_grad():
                found.append(measure(lambda **inputs: model(use_cache=True, **inputs)))
        return found[0], found[1]

    def test_several_tokens_in_a_cached_call(self, model: Any) -> None:
        ids = golden.tensors("cases/case_a_text.safetensors")["prompt_ids"]

        def measure(run: Any) -> Tensor:
            first = run(input_ids=ids[:, :8])
            later = run(input_ids=ids[:, 8:], past_key_values=first.past_key_values).logits
            return (later - run(input_ids=ids).logits[:, 8:]).abs().amax((0, 2))

        original, sound = self.both(model, measure)
        expected = self.told["chunked_prefill_not_causal"]["result"]["max_abs_logits_diff_per_position"]
        assert largest(original, torch.tensor(expected)) <= FLOAT
        assert float(sound.max()) <= FLOAT

    def test_an_ntk_factor_left_behind_by_another_prompt(self, model: Any) -> None:
        long, short = golden.tensors("cases/case_e_long.safetensors"), golden.tensors("cases/case_a_text.safetensors")

        def measure(run: Any) -> float:
            steps = []
            for between in (False, True):
                first = run(input_ids=long["prompt_ids"])
                if between:
                    run(input_ids=short["prompt_ids"])
                steps.append(run(input_ids=long["step1.input_ids"], past_key_values=first.past_key_values).logits)
            return largest(*steps)

        original, sound = self.both(model, measure)
        assert abs(original - self.told["stale_ntk_alpha"]["result"]["max_abs_logits_diff"]) <= FLOAT
        assert sound == 0

    def test_decoding_across_seq_length(self, model: Any) -> None:
        case = golden.tensors("cases/case_e_cross.safetensors")
        new = golden.facts("cases.json")["e_cross"]["new_tokens_full"]
        ids = torch.cat([case["prompt_ids"], torch.tensor([new])], dim=1)
        expected = dict(self.told["cached_vs_full_crossing_seq_length"]["result"]["len_and_max_abs_diff"])
        start = case["prompt_ids"].shape[1]

        def measure(run: Any) -> list[float]:
            cache, found = run(input_ids=ids[:, :start]).past_key_values, []
            for length in expected:
                step = run(input_ids=ids[:, length - 1 : length], past_key_values=cache).logits[:, -1]
                alphas = list(model.transformer._alphas)
                found.append(largest(step, run(input_ids=ids[:, :length]).logits[:, -1]))
                model.transformer._alphas = alphas
            return found

        model.transformer._alphas = [1]
        original, sound = self.both(model, measure)
        assert all(abs(mine - theirs) <= FLOAT for mine, theirs in zip(original, expected.values(), strict=True))
        assert max(sound) <= FLOAT

    def test_training_mode(self, model: Any) -> None:
        ids = golden.tensors("cases/case_e_long.safetensors")["prompt_ids"]

        def measure(run: Any) -> float:
            model.eval()
            asked = run(input_ids=ids).logits
            model.train()
            trained = run(input_ids=ids).logits
            model.eval()
            return largest(asked, trained)

        original, sound = self.both(model, measure)
        assert abs(original - self.told["train_mode_disables_ntk_and_logn"]["result"]["max_abs_logits_diff"]) <= FLOAT
        assert sound == 0

    def test_placeholders_are_dealt_out_to_the_wrong_rows(self) -> None:
        told = self.told["batch_row_mismatch_silent"]["result"]
        ids = torch.tensor([[5, 6, 7, 8, 9, 10], [11, 500, 13, 14, 500, 16]])
        plan = splice_in_original_order(ids, 500, 2, 16)
        kept = ids.gather(1, plan.columns)[plan.features < 0].view(2, -1)
        assert plan.placeholders[:, 1].tolist() == told["image_index"]
        assert kept.tolist() == told["ids_after_removal"]
        assert plan.columns.shape[1] == told["logits_shape"][1]
