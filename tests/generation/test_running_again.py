"""What is run again, and says so: branches without a cache that goes back, forwards that are to be recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import SynthIDTextWatermarkingConfig

import inspector
from inspector import GenerationError, InputError, Session
from tests.fakes import IMAGE, VIDEO, tiny, tiny_config, tiny_tokenizer
from tests.generation.conftest import inputs_of
from tests.generation.test_equality import near_twin

FORBIDDEN = {"suppress_tokens": [IMAGE, VIDEO]}


@pytest.mark.parametrize("options", [{"use_cache": False}, {"cache_implementation": "static"}])
def test_without_a_cache_that_can_be_cropped(text: Session, options: dict[str, Any]) -> None:
    asked = {"max_new_tokens": 8, "do_sample": True, **options}
    generation = text.generate(inputs=inputs_of(text, 3), seed=5, **asked)
    generation.run()
    expected = generation.sequences
    generation.branch(3)
    generation.run()
    assert generation.sequences.tolist() == expected.tolist()  # type: ignore[union-attr]
    told = [notice for notice in generation.notices if "run again" in notice]
    assert len(told) == (1 if "cache_implementation" in options else 0)


def test_a_window_that_has_been_passed_is_run_again_and_said(tmp_path: Path) -> None:
    config = tiny_config("gemma3_text")
    config.sliding_window = 12
    config.layer_types = ["sliding_attention", "full_attention"]
    torch.manual_seed(0)
    type(tiny("gemma3_text"))(config).save_pretrained(tmp_path)
    tiny_tokenizer("gemma3_text").save_pretrained(tmp_path)
    session = inspector.load(tmp_path)
    generation = session.generate("hi", max_new_tokens=8, do_sample=True, seed=2)
    generation.run()
    expected = generation.sequences
    generation.branch(4)
    generation.run()
    assert generation.sequences.tolist() == expected.tolist()  # type: ignore[union-attr]
    assert any("run again" in notice and "SlidingWindow" in notice for notice in generation.notices)


@pytest.mark.parametrize(
    "options",
    [
        {"guidance_scale": 1.5},
        {"watermarking_config": SynthIDTextWatermarkingConfig(ngram_len=3, keys=[1, 5, 9], sampling_table_size=64)},
        {"min_new_tokens": 6, "exponential_decay_length_penalty": (2, 1.3), "encoder_no_repeat_ngram_size": 2},
        {"forced_eos_token_id": 256, "begin_suppress_tokens": [5], "repetition_penalty": 1.2},
    ],
)
def test_processors_know_on_a_branch_where_the_prompt_ended_and_what_came_before(
    text: Session, options: dict[str, Any]
) -> None:
    generation = text.generate("hi", max_new_tokens=8, do_sample=True, seed=5, **options)
    generation.run()
    expected = generation.sequences
    for at in (0, 4):
        generation.look("main")
        generation.branch(at)
        generation.run()
        assert generation.sequences.tolist() == expected.tolist()  # type: ignore[union-attr]


@pytest.mark.parametrize("options", [{"num_beams": 3}, {"num_beams": 2, "do_sample": True}])
def test_a_branch_of_a_beam_search_is_run_again_from_the_prompt_and_says_so(
    text: Session, options: dict[str, Any]
) -> None:
    inputs = inputs_of(text, 3)
    generation = text.generate(inputs=inputs, max_new_tokens=8, seed=5, **options)
    generation.run()
    expected = generation.sequences
    generation.branch(4)
    generation.run()
    assert generation.sequences.tolist() == expected.tolist()  # type: ignore[union-attr]
    assert any("cannot be entered in the middle" in notice for notice in generation.notices)
    assert [step.rows[0].beams for step in generation.steps] == [
        step.rows[0].beams for step in generation.tree["main"].steps
    ]
    generation.branch(2)
    generation.set(repetition_penalty=5.0)
    generation.run()
    assert generation.steps[3].processors.names == ["raw", "log_softmax", "repetition_penalty"] + (
        ["top_k"] if "do_sample" in options else []
    )
    generation.look("main")
    generation.go(2)
    with pytest.raises(InputError, match="do_sample cannot change"):
        generation.set(do_sample=not options.get("do_sample", False))


def test_a_branch_of_assisted_decoding_begins_with_an_empty_cache_and_says_so(text: Session) -> None:
    asked = {"max_new_tokens": 12, "assistant_model": near_twin(text), "num_assistant_tokens": 3}
    generation = text.generate("hi", **asked)
    generation.run()
    expected = generation.sequences
    generation.branch(5)
    generation.run()
    assert generation.sequences.tolist() == expected.tolist()  # type: ignore[union-attr]
    assert any("assisted decoding begins with an empty" in notice for notice in generation.notices)


def test_a_forward_can_be_run_again_to_be_recorded(vision: Session) -> None:
    generation = vision.generate(inputs=inputs_of(vision, 1), max_new_tokens=5, **FORBIDDEN)
    generation.run()
    for step in generation.steps:
        trace = generation.trace_step(step, values="lm_head")
        (call,) = trace.find("lm_head")
        assert torch.equal(trace.value(call)[:, -1], generation.logits(step))
        seen = generation.sequences[0, : step.input_length]  # type: ignore[index]
        assert [token.id for token in trace.tokens[0]] == seen.tolist()
    assert any(call.path == "model.visual" for call in generation.trace_step(0).calls)
    generation.branch(1)
    assert len(generation.trace_step(1).calls) > 0
    beams = vision.generate(inputs=inputs_of(vision, 1), max_new_tokens=5, num_beams=2, **FORBIDDEN)
    beams.step()
    with pytest.raises(GenerationError, match="calls=True"):
        beams.trace_step(0)


def test_a_saved_generation_is_the_same_record(vision: Session, tmp_path: Path) -> None:
    generation = vision.generate(inputs=inputs_of(vision, 1), max_new_tokens=5, do_sample=True, seed=3, **FORBIDDEN)
    generation.run()
    generation.branch(1, name="forced")
    generation.force("Z")
    generation.run(steps=2)
    trace = inspector.Trace.open(generation.save(tmp_path / "trace"))
    record = trace.generation
    assert record is not None
    assert record.to_json() == generation.record().to_json()
    assert record.current == "forced"
    assert record.steps("forced")[:2] == list(generation.tree["main"].steps[:2])
    assert record.steps() == list(generation.steps)
    key = record.steps()[2].logits
    assert key is not None
    assert torch.equal(trace.values[key], generation.logits(2))
    assert [token.id for token in trace.tokens[0]] == generation.sequences[0].tolist()  # type: ignore[index]
    assert trace.tokens[0][-2].position == generation.steps[2].rows[0].position
