"""What can be asked of recorded steps without running the model, conditions, and tokens as text."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from inspector import GenerationError, InputError, Session
from tests.generation.conftest import inputs_of


def test_what_if_is_what_would_have_been(text: Session) -> None:
    """The same numbers as a generation that ran with those options."""
    inputs = inputs_of(text, 3)
    asked = {"inputs": inputs, "max_new_tokens": 4, "do_sample": True, "seed": 3}
    first = text.generate(**asked)
    first.run()
    other = text.generate(**asked, temperature=0.6, top_p=0.7, repetition_penalty=1.3)
    step = other.step()
    assert step is not None
    for row in range(3):
        stages = first.what_if(0, row=row, temperature=0.6, top_p=0.7, repetition_penalty=1.3)
        assert stages.names == step.processors.names
        for mine, its in zip(stages, step.rows[row].processors, strict=True):
            assert (mine.changed, mine.removed, mine.kept, list(mine.top)) == (
                its.changed,
                its.removed,
                its.kept,
                list(its.top),
            )
            assert mine.entropy == its.entropy


def test_what_if_without_changes_is_the_record(text: Session) -> None:
    for options in ({"do_sample": True, "temperature": 0.7}, {"num_beams": 3, "repetition_penalty": 1.2}):
        generation = text.generate(inputs=inputs_of(text, 3), max_new_tokens=5, seed=3, **options)
        generation.run()
        for step in generation.steps:
            for row, taken in enumerate(step.rows):
                again = generation.what_if(step, row=row)
                assert again.names == taken.processors.names
                assert [stage.entropy for stage in again] == [stage.entropy for stage in taken.processors]
                assert [stage.chosen for stage in again] == [stage.chosen for stage in taken.processors]


def test_what_if_after_guidance_keeps_what_the_model_had_said(text: Session) -> None:
    generation = text.generate("hi", max_new_tokens=4, do_sample=True, guidance_scale=1.5, seed=3)
    generation.run()
    again = generation.what_if(2, temperature=0.5)
    assert again.names == ["raw", "guidance_scale", "temperature", "top_k"]
    assert again["guidance_scale"].entropy == generation.steps[2].processors["guidance_scale"].entropy
    with pytest.raises(GenerationError, match="depends on the steps before"):
        generation.what_if(2, guidance_scale=3.0)


def test_any_token_can_be_followed_through_the_pipeline(text: Session) -> None:
    generation = text.generate("hi", max_new_tokens=3, do_sample=True, top_k=5, temperature=0.5, seed=3)
    step = generation.step()
    assert step is not None
    best = step.processors["raw"].top[0].id
    followed = generation.standing(best)
    assert list(followed) == step.processors.names
    assert [standing.rank for standing in followed.values()] == [1, 1, 1]
    last = int(generation.logits(0)[0].argmin())
    assert generation.standing(last)["top_k"].probability == 0
    assert generation.standing(last)["raw"].rank == text.model.config.vocab_size


@pytest.mark.parametrize(
    ("words", "holds"),
    [
        ("token:{text}", lambda step, text: step.chosen.text == text),
        ("text:{text}", lambda step, text: step.chosen.text == text),
        ("entropy>0", lambda step, text: step.index == 0),
        ("probability<0.02", lambda step, text: step.chosen.probability < 0.02),
        ("rank>20", lambda step, text: step.chosen.rank > 20),
        ("stop:max_length", lambda step, text: step.index == 39),
        ("7", lambda step, text: step.index == 6),
    ],
)
def test_running_until_a_condition(text: Session, words: str, holds: Any) -> None:
    asked = {"max_new_tokens": 40, "do_sample": True, "seed": 6, "eos_token_id": None}
    whole = text.generate("hi", **asked)
    whole.run()
    readable = next(step.text for step in whole.steps[5:] if step.text.isascii() and step.text.strip())
    expected = next(step.index for step in whole.steps if holds(step, readable))
    generation = text.generate("hi", **asked)
    last = generation.run(words.format(text=readable))
    assert last is not None
    assert last.index == expected == len(generation.steps) - 1


def test_no_condition_is_told_with_what_there_is(text: Session) -> None:
    with pytest.raises(InputError, match=r"entropy>2\.5"):
        text.generate("hi").run("entrpy>2")


def test_a_part_of_a_character_is_shown_as_its_bytes(text: Session) -> None:
    generation = text.generate("hi", max_new_tokens=4)
    for byte in "é".encode():
        generation.force(byte_token(text, byte))
        generation.step()
    assert [step.text for step in generation.steps] == ["<0xC3>", "<0xA9>"]
    assert generation.texts == ["é"]


def byte_token(session: Session, byte: int) -> int:
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    token: int = session.processor.tokenizer.convert_tokens_to_ids(bytes_to_unicode()[byte])
    return token


def test_tensors_of_a_trace_are_the_models_own(text: Session) -> None:
    generation = text.generate("hi", max_new_tokens=2)
    step = generation.step()
    assert step is not None
    trace = generation.trace()
    assert torch.equal(trace.values[step.logits], generation.logits(step))  # type: ignore[index]
