"""What goes wrong is one clear message, and the generation is not lost."""

from __future__ import annotations

from typing import Any

import pytest
from torch import Tensor
from transformers import LogitsProcessor

import inspector
from inspector import GenerationError, InputError, Session
from tests.fakes import tiny_tokenizer
from tests.generation.conftest import inputs_of, plain


class Broken(LogitsProcessor):  # type: ignore[misc]
    """Does whatever it is told to."""

    def __init__(self, make: Any) -> None:
        self.make = make

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Any:
        return self.make(scores)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda scores: 1 / 0, "raised ZeroDivisionError: division by zero"),
        (lambda scores: scores[:, :5], r"tensor of the shape \[1, 5\]"),
        (lambda scores: scores * float("nan"), "made 320 scores NaN"),
        (lambda scores: None, "returned NoneType"),
        (lambda scores: scores - float("inf"), "left row 0 no token"),
        (lambda scores: scores.long(), "returned torch.int64"),
    ],
)
def test_a_processor_that_fails_is_told_and_the_generation_lives(text: Session, make: Any, message: str) -> None:
    generation = text.generate("hi", max_new_tokens=6, seed=1)
    generation.run(steps=2)
    generation.add(Broken(make), name="mine")
    for _ in range(2):
        with pytest.raises(GenerationError, match=message) as raised:
            generation.step()
        assert "'mine'" in str(raised.value)
        assert "The steps so far are kept" in str(raised.value)
    assert len(generation.steps) == 2
    generation.remove("mine")
    generation.run()
    bare = text.generate("hi", max_new_tokens=6, seed=1)
    bare.run()
    assert generation.sequences.tolist() == bare.sequences.tolist()  # type: ignore[union-attr]


def test_bad_options_are_one_clear_message(text: Session) -> None:
    for options, message in [
        ({"temprature": 1.0}, "Did you mean temperature"),
        ({"do_sample": True, "temperature": -1.0}, "temperature"),
        ({"do_sample": True, "top_p": 3.0}, "top_p"),
        ({"do_sample": True, "top_k": -2}, "top_k"),
        ({"max_new_tokens": 0}, "max_new_tokens"),
        ({"max_length": 2}, "leaves no room"),
        ({"num_return_sequences": 3}, "num_return_sequences"),
        ({"penalty_alpha": 0.6, "top_k": 4}, "contrastive search"),
        ({"output_scores": True}, "every step is recorded"),
    ]:
        with pytest.raises(InputError, match=message):
            text.generate("hi", **options)
    generation = text.generate("hi", do_sample=True, seed=1)
    generation.step()
    for options, message in [
        ({"temperature": 0.0}, "temperature"),
        ({"num_beams": 4}, "Start another generation"),
        ({"top_pp": 0.4}, "Did you mean top_p"),
    ]:
        with pytest.raises(InputError, match=message):
            generation.set(**options)
    assert generation.changes == ()
    assert generation.step() is not None


def test_options_without_effect_are_remarked(text: Session) -> None:
    generation = text.generate("hi", temperature=0.3)
    assert any("temperature" in notice and "do_sample" in notice for notice in generation.notices)


def test_what_is_no_single_token_shows_how_it_splits(text: Session) -> None:
    generation = text.generate("hi")
    with pytest.raises(InputError, match=r"'Pa' is not one token for this model but 2: 'P' \(80\), 'a' \(97\)"):
        generation.force("Pa")
    with pytest.raises(InputError, match="vocabulary has 320"):
        generation.force(320)
    with pytest.raises(InputError, match="There is no row 1"):
        generation.force(5, row=1)


def test_an_assistant_that_is_no_model_is_refused(text: Session) -> None:
    with pytest.raises(InputError, match="a model or a session was expected"):
        text.generate("hi", assistant_model="owner/name")


def test_an_assistant_with_another_vocabulary_is_refused(text: Session, session_of: Any) -> None:
    other = session_of("gpt2")
    other.model.config.vocab_size = 321
    try:
        with pytest.raises(InputError, match="321 tokens, where the model has 320"):
            text.generate("hi", assistant_model=other)
    finally:
        other.model.config.vocab_size = 320
    renamed = inspector.load(text.reference)
    renamed.processor.tokenizer = tiny_tokenizer("gemma3")
    assert text.generate("hi", assistant_model=session_of("qwen2")) is not None
    with pytest.raises(InputError, match="same size: token"):
        text.generate("hi", assistant_model=renamed)


def test_a_forward_that_fails_is_told_with_its_place_and_can_be_repeated(text: Session) -> None:
    generation = text.generate("hi", max_new_tokens=5, seed=1)
    generation.run(steps=2)
    handle = text.model.model.layers[1].mlp.register_forward_hook(fail)
    with pytest.raises(inspector.ForwardError, match=r"layers\.1") as raised:
        generation.step()
    handle.remove()
    assert raised.value.trace.failure is not None
    assert raised.value.trace.failure.path == "model.layers.1.mlp"
    assert len(raised.value.trace.generation.steps()) == 2  # type: ignore[union-attr]
    generation.run()
    bare = text.generate("hi", max_new_tokens=5, seed=1)
    bare.run()
    assert generation.sequences.tolist() == bare.sequences.tolist()  # type: ignore[union-attr]


def test_a_first_forward_that_fails_can_be_repeated(vision: Session) -> None:
    inputs = inputs_of(vision, 1)
    generation = vision.generate(inputs=inputs, max_new_tokens=3, suppress_tokens=[261, 262])
    handle = vision.model.model.language_model.layers[0].register_forward_hook(fail)
    with pytest.raises(inspector.ForwardError):
        generation.step()
    handle.remove()
    generation.run()
    expected = plain(vision, inputs, 0, max_new_tokens=3, suppress_tokens=[261, 262])
    assert generation.sequences.tolist() == expected.tolist()  # type: ignore[union-attr]


def test_a_vision_tower_that_fails_before_the_loop_is_a_failed_forward(vision: Session) -> None:
    generation = vision.generate(inputs=inputs_of(vision, 1), max_new_tokens=3)
    handle = vision.model.model.visual.blocks[1].register_forward_hook(fail)
    with pytest.raises(inspector.ForwardError, match=r"visual\.blocks\.1") as raised:
        generation.step()
    handle.remove()
    assert raised.value.trace.failure is not None
    assert generation.step() is not None


def test_logits_of_nan_are_named(text: Session) -> None:
    generation = text.generate("hi", do_sample=True, seed=1)
    handle = text.model.lm_head.register_forward_hook(lambda module, given, output: output * float("nan"))
    with pytest.raises(GenerationError, match="put out NaN"):
        generation.step()
    handle.remove()
    assert generation.step() is not None


def fail(*_: Any) -> None:
    raise RuntimeError("no more memory")


@pytest.mark.parametrize("rows", [1, 3])
def test_guidance_is_refused_before_it_where_transformers_itself_fails_with_it(vision: Session, rows: int) -> None:
    inputs = inputs_of(vision, rows)
    with pytest.raises(RuntimeError):
        plain(vision, inputs, 0, max_new_tokens=3, guidance_scale=1.5)
    with pytest.raises(InputError, match="guidance_scale cannot be used with Qwen2_5_VLForConditionalGeneration"):
        vision.generate(inputs=inputs, max_new_tokens=3, guidance_scale=1.5)
    generation = vision.generate(inputs=inputs, max_new_tokens=3, guidance_scale=1)
    generation.step()
    with pytest.raises(InputError, match="guidance_scale"):
        generation.set(guidance_scale=2)
    with pytest.raises(InputError, match="guidance_scale"):
        generation.what_if(0, guidance_scale=2)
