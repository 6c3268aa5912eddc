"""What a step records: each processor with its effect, the choice, criteria, cache and positions, checked by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import LogitsProcessorList, SynthIDTextWatermarkingConfig, WatermarkingConfig

from inspector import Session
from inspector.generation.measure import _fetched, _measured, largest
from inspector.generation.processors import OPTIONS
from inspector.trace.stages import Stage, Stages
from tests.generation.conftest import inputs_of, plain

SAMPLING: dict[str, dict[str, Any]] = {
    "temperature": {"temperature": 0.7},
    "top_h": {"top_h": 0.4},
    "top_k": {"top_k": 20},
    "top_p": {"top_p": 0.8},
    "min_p": {"min_p": 0.1},
    "typical_p": {"typical_p": 0.7},
    "epsilon_cutoff": {"epsilon_cutoff": 0.004},
    "eta_cutoff": {"eta_cutoff": 0.01},
}
ALWAYS: dict[str, dict[str, Any]] = {
    "guidance_scale": {"guidance_scale": 1.5},
    "sequence_bias": {"sequence_bias": [[[5], 3.0], [[6, 7], -2.0]]},
    "encoder_repetition_penalty": {"encoder_repetition_penalty": 1.4},
    "repetition_penalty": {"repetition_penalty": 1.3},
    "no_repeat_ngram_size": {"no_repeat_ngram_size": 1},
    "encoder_no_repeat_ngram_size": {"encoder_no_repeat_ngram_size": 1},
    "bad_words_ids": {"bad_words_ids": [[5], [6, 7]]},
    "min_length": {"min_length": 40},
    "min_new_tokens": {"min_new_tokens": 4},
    "forced_bos_token_id": {"forced_bos_token_id": 9},
    "forced_eos_token_id": {"forced_eos_token_id": 256},
    "remove_invalid_values": {"remove_invalid_values": True},
    "exponential_decay_length_penalty": {"exponential_decay_length_penalty": (1, 1.2)},
    "suppress_tokens": {"suppress_tokens": [1, 2, 3]},
    "begin_suppress_tokens": {"begin_suppress_tokens": [1, 2]},
    "watermarking_config": {"watermarking_config": WatermarkingConfig(bias=2.0)},
    "watermarking_config (SynthID)": {
        "watermarking_config": SynthIDTextWatermarkingConfig(ngram_len=3, keys=[1, 5, 9], sampling_table_size=64)
    },
    "renormalize_logits": {"renormalize_logits": True},
    "prefix_allowed_tokens_fn": {"prefix_allowed_tokens_fn": lambda row, ids: list(range(40, 60))},
}


def test_every_processor_that_a_configuration_builds_is_tried() -> None:
    tried = {name.partition(" ")[0] for name in (*SAMPLING, *ALWAYS)}
    assert tried == set(OPTIONS.values())


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("option", [*SAMPLING, *ALWAYS])
def test_a_processor_is_recorded_with_what_it_did(text: Session, option: str, rows: int) -> None:
    given = {**SAMPLING, **ALWAYS}[option]
    sampling = {"do_sample": True, "top_k": 0} if option in SAMPLING else {}
    check(text, inputs_of(text, rows), {**sampling, **given}, option.partition(" ")[0])


def test_all_sampling_processors_together(text: Session) -> None:
    given = {name: value for part in SAMPLING.values() for name, value in part.items()}
    check(text, inputs_of(text, 3), {"do_sample": True, **given, "repetition_penalty": 1.2}, "typical_p")


def check(session: Session, inputs: dict[str, Any], options: dict[str, Any], name: str) -> None:
    """Compare the record of 5 steps with the scores of plain generate and with the processors applied by hand."""
    options = {**options, "max_new_tokens": 5}
    kept = {"output_logits": True, "output_scores": True, "return_dict_in_generate": True}
    bare: Any = plain(session, inputs, 5, **options, **kept)
    generation = session.generate(inputs=inputs, seed=5, **options)
    generation.run()
    assert torch.equal(bare.sequences, generation.sequences)
    length = inputs["input_ids"].shape[1]
    chain = processors_of(session, inputs, options)
    for step in generation.steps:
        raw, final = bare.logits[step.index], bare.scores[step.index]
        assert torch.equal(generation.logits(step), raw)
        before, ids = raw, bare.sequences[:, : length + step.index]
        expected = [raw]
        for processor in chain:
            before = LogitsProcessorList([processor])(ids, before.clone())
            expected.append(before)
        assert torch.equal(before, final)
        for row, taken in enumerate(step.rows):
            assert name in taken.processors.names
            assert len(taken.processors) == len(expected)
            token = int(bare.sequences[row, length + step.index])
            check_stages(taken.processors, [scores[row] for scores in expected], token)


def check_stages(stages: Stages, expected: list[Tensor], token: int) -> None:
    for place, (stage, scores) in enumerate(zip(stages, expected, strict=True)):
        probabilities = scores.double().softmax(-1)
        order = scores.argsort(descending=True, stable=True)
        left = scores > torch.finfo(torch.float32).min
        assert stage.kept == int(left.sum())
        if place:
            assert stage.changed == int((scores != expected[place - 1]).sum())
            assert stage.removed == int((~left & (expected[place - 1] > torch.finfo(torch.float32).min)).sum())
        surprises = [-p * math.log(p) for p in probabilities.tolist() if p > 0]
        assert stage.entropy == pytest.approx(sum(surprises), abs=1e-4)
        assert [item.score for item in stage.top] == pytest.approx(scores[order[: len(stage.top)]].tolist())
        assert [item.probability for item in stage.top] == pytest.approx(
            probabilities[list(stage.top.ids)].tolist(),
            abs=1e-5,  # type: ignore[attr-defined]
        )
        assert stage.chosen is not None
        assert stage.chosen.rank == 1 + int((scores > scores[token]).sum())
        assert stage.chosen.probability == pytest.approx(float(probabilities[token]), abs=1e-5)


def processors_of(session: Session, inputs: dict[str, Any], options: dict[str, Any]) -> list[Any]:
    """The processors as transformers builds them, fresh, and caught on their way into its loop."""
    caught: list[Any] = []

    def loop(model: Any, input_ids: Tensor, logits_processor: Any, **prepared: Any) -> Tensor:
        caught.extend(logits_processor)
        return input_ids

    session.model.generate(**session.to_device(inputs), **options, custom_generate=loop)
    return caught


def test_the_choice_is_told_with_its_place(text: Session) -> None:
    generation = text.generate(inputs=inputs_of(text, 1), max_new_tokens=12, do_sample=True, top_k=40, seed=3)
    generation.run()
    for step in generation.steps:
        assert step.chosen is not None
        final: Stage = step.processors[-1]
        assert step.chosen.id == int(generation.sequences[0, step.input_length])  # type: ignore[index]
        assert step.chosen.is_greedy == (step.chosen.rank == 1) == (step.chosen.greedy == step.chosen.id)
        assert final.chosen is not None
        assert step.chosen.probability == pytest.approx(math.exp(step.chosen.log_probability))
        assert step.processors["top_k"].parameters["top_k"] == 40
        assert step.processors["top_k"].removed == text.model.config.vocab_size - 40
    assert not all(step.chosen.is_greedy for step in generation.steps if step.chosen)


def test_rows_of_a_batch_end_one_by_one(text: Session) -> None:
    inputs = inputs_of(text, 3)
    length = inputs["input_ids"].shape[1]
    free = plain(text, inputs, 5, do_sample=True, max_new_tokens=10)
    eos = int(free[0, length + 2])
    generation = text.generate(
        inputs=inputs, do_sample=True, max_new_tokens=10, eos_token_id=eos, pad_token_id=0, seed=5
    )
    generation.run()
    third, fourth = generation.steps[2], generation.steps[3]
    assert {item.name: item.done for item in third.rows[0].stopping} == {"max_length": False, "eos_token": True}
    assert fourth.rows[0].ended
    assert not fourth.rows[1].ended
    assert [line["row"] for line in fourth.lines()] == [1, 2]
    assert {item.name for row in generation.steps[-1].rows for item in row.stopping if item.done} >= {"max_length"}


def test_cache_positions_and_timings(session_of: Callable[[str], Session]) -> None:
    for name in ("qwen2", "qwen2_5_vl"):
        session = session_of(name)
        inputs = inputs_of(session, 1)
        generation = session.generate(inputs=inputs, max_new_tokens=4, seed=1)
        generation.run()
        steps, length = generation.steps, inputs["input_ids"].shape[1]
        assert [step.cache[0] for step in steps if step.cache] == [length + index for index in range(4)]
        first, last = steps[0].cache, steps[-1].cache
        assert first is not None
        assert last is not None
        assert last[1] - first[1] == 3 * first[1] // length
        positions = [step.rows[0].position for step in steps]
        delta = 0 if name == "qwen2" else int(position_delta(session, inputs))
        assert positions == [(length + delta + index,) * (1 if name == "qwen2" else 3) for index in range(4)]
        assert all(step.timings.total >= step.timings.forward > 0 for step in steps)


def position_delta(session: Session, inputs: dict[str, Any]) -> Tensor:
    given = {name: inputs[name] for name in ("input_ids", "image_grid_thw", "attention_mask", "mm_token_type_ids")}
    return session.model.model.get_rope_index(**given)[1][0, 0]


def test_a_step_as_json_is_the_documented_line(text: Session) -> None:
    generation = text.generate(inputs=inputs_of(text, 1), max_new_tokens=2, do_sample=True, seed=1)
    step = generation.step()
    assert step is not None
    (line,) = step.lines()
    assert set(line) >= {
        "step",
        "row",
        "input_length",
        "position",
        "processors",
        "chosen",
        "stopping",
        "cache",
        "seconds",
    }
    assert line["processors"][0]["name"] == "raw"
    assert set(line["processors"][1]) >= {"name", "parameters", "changed", "removed", "kept", "entropy", "top"}
    assert set(line["processors"][1]["top"][0]) == {"id", "text", "score", "probability"}
    assert set(line["chosen"]) >= {"id", "text", "probability", "rank"}
    assert set(line["stopping"][0]) == {"name", "done"}
    assert set(line["cache"]) == {"length", "bytes"}


def test_what_an_accelerator_computes_in_one_piece_is_what_the_cpu_measures_stage_by_stage() -> None:
    generator = torch.Generator().manual_seed(0)
    raw = 3 * torch.randn(3, 2_000, generator=generator)
    cut = raw.masked_fill(raw < 1, -torch.inf)
    pipeline = [raw, raw.clone(), raw / 0.7, cut, cut.masked_fill(raw < 8, -torch.inf)]
    pipeline[4][:, 5] = 1.0
    at = torch.tensor([[3], [5], [1_999]])
    for one, other in zip(_measured(pipeline, at, 10), _fetched(pipeline, at, 10), strict=True):
        assert (one.changed, one.removed, one.kept) == (other.changed, other.removed, other.kept)
        assert one.entropy == pytest.approx(other.entropy, abs=1e-5)
        assert [item[2] for item in one.chosen] == [item[2] for item in other.chosen]
        for row, kept in enumerate(one.kept):
            assert one.top[0][row][:kept] == other.top[0][row][:kept]
            assert one.top[2][row][:kept] == pytest.approx(other.top[2][row][:kept], abs=1e-5)


def test_the_largest_scores_are_found_by_blocks() -> None:
    for size in (100, 1_280, 20_000, 20_001, 20_127):
        scores = torch.randn(2, size, generator=torch.Generator().manual_seed(size))
        best, ids = largest(scores, 10)
        assert torch.equal(best, torch.topk(scores, 10)[0])
        assert torch.equal(scores.gather(-1, ids), best)


def test_a_tie_at_a_temperature_of_nearly_nothing_is_a_tie() -> None:
    scores = torch.full((1, 600), -4.0)
    scores[0, [5, 9]] = 19.5
    (cold,) = _measured([scores / 1e-6], torch.tensor([[9]]), 3)
    assert cold.entropy == [pytest.approx(math.log(2))]
    assert cold.top[2][0][:2] == [pytest.approx(math.log(0.5))] * 2
    assert cold.chosen[0][1] == pytest.approx(math.log(0.5))


def test_a_sure_choice_has_an_entropy_of_zero_that_is_not_negative(text: Session) -> None:
    generation = text.generate("hi", max_new_tokens=2, do_sample=True, temperature=1e-6, seed=0)
    generation.run()
    assert [str(step.processors[-1].entropy) for step in generation.steps] == ["0.0", "0.0"]
