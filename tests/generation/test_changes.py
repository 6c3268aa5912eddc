"""What can be changed on the way, and what-if: forced tokens, options, processors of one's own and of plugins."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import LogitsProcessor

import inspector
from inspector import GenerationError, InputError, NamedLogitsProcessor, Session, hookimpl
from inspector.plugins import Plugins
from tests.fakes import tiny_tokenizer
from tests.generation.conftest import inputs_of, plain


class Favour(LogitsProcessor):  # type: ignore[misc]
    """Lifts one token above all others."""

    def __init__(self, token: int = 65, by: float = 100.0) -> None:
        self.token = token
        self.by = by

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        scores[:, self.token] += self.by  # in place, as many write it
        return scores


class Broken(LogitsProcessor):  # type: ignore[misc]
    """Does whatever it is told to."""

    def __init__(self, make: Any) -> None:
        self.make = make

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Any:
        return self.make(scores)


def test_hook_inspector_logits_processors(text: Session) -> None:
    class Plugin:
        @hookimpl
        def inspector_logits_processors(self) -> list[NamedLogitsProcessor]:
            return [NamedLogitsProcessor("favour", "Lifts a token; takes token and by", Favour)]

    session = inspector.load(text.reference, plugins=Plugins(Plugin()))
    generation = session.generate("hi", max_new_tokens=4, logits_processor=["favour"])
    assert generation.processors == ["favour"]
    assert generation.step().chosen.id == 65  # type: ignore[union-attr]
    generation.add("favour", name="more", token=66, by=200.0)
    step = generation.step()
    assert step is not None
    assert step.processors["more"].parameters == {"token": 66, "by": 200.0}
    assert step.processors["more"].changed == 1
    assert step.chosen.id == 66  # type: ignore[union-attr]
    with pytest.raises(InputError, match="Did you mean favour"):
        generation.add("favor")
    with pytest.raises(InputError, match="cannot be made"):
        generation.add("favour", nonsense=1)


def test_forcing_a_token_by_its_text(text: Session) -> None:
    generation = text.generate("hi", max_new_tokens=5, do_sample=True, seed=1)
    generation.force("P")
    step = generation.step()
    assert step is not None
    assert step.chosen is not None
    assert (step.chosen.text, step.chosen.forced) == ("P", True)
    assert step.chosen.probability == pytest.approx(step.processors[-1].chosen.probability)  # type: ignore[union-attr]
    assert not generation.step().chosen.forced  # type: ignore[union-attr]
    special = text.processor.tokenizer.eos_token
    generation.force(special)
    assert generation.step().chosen.text == special  # type: ignore[union-attr]
    assert generation.finished
    assert generation.reason == "eos_token"


@pytest.mark.parametrize("options", [{}, {"do_sample": True}, {"num_beams": 3}, {"prompt_lookup_num_tokens": 2}])
def test_a_forced_token_is_taken_in_every_mode(text: Session, options: dict[str, Any]) -> None:
    inputs = inputs_of(text, 1)
    generation = text.generate(inputs=inputs, max_new_tokens=6, seed=4, eos_token_id=None, pad_token_id=0, **options)
    generation.force(77)
    generation.step()
    while len(generation.steps) < 3:
        generation.step()
    generation.force(78)
    at = len(generation.steps)
    generation.run()
    generated = generation.sequences[0, inputs["input_ids"].shape[1] :].tolist()  # type: ignore[index]
    assert (generated[0], generated[at]) == (77, 78)


def test_a_row_alone_can_be_forced(text: Session) -> None:
    generation = text.generate(inputs=inputs_of(text, 3), max_new_tokens=3, seed=4)
    free = generation.step()
    generation.go(0)
    generation.force(77, row=1)
    forced = generation.step()
    assert free is not None
    assert forced is not None
    assert [row.chosen.id for row in forced.rows] == [free.rows[0].chosen.id, 77, free.rows[2].chosen.id]  # type: ignore[union-attr]


def test_forced_before_or_on_the_way_it_goes_on_as_generate_would(text: Session) -> None:
    inputs = inputs_of(text, 1)
    generation = text.generate(inputs=inputs, max_new_tokens=8)
    generation.step()
    generation.force("x")
    generation.run()
    prefix = generation.sequences[:, : inputs["input_ids"].shape[1] + 2]  # type: ignore[index]
    expected = text.model.generate(input_ids=prefix, max_new_tokens=6)
    assert generation.sequences.tolist() == expected.tolist()  # type: ignore[union-attr]


def test_options_change_from_the_next_step_on(text: Session) -> None:
    generation = text.generate("hi", max_new_tokens=10, do_sample=True, seed=1)
    assert generation.processors == ["top_k"]
    generation.step()
    generation.set(
        temperature=0.5, top_p=0.9, min_p=0.02, typical_p=0.9, repetition_penalty=1.2, no_repeat_ngram_size=2
    )
    expected = ["repetition_penalty", "no_repeat_ngram_size", "temperature", "top_k", "top_p", "min_p", "typical_p"]
    assert generation.processors == expected
    step = generation.step()
    assert step is not None
    assert step.processors.names == ["raw", *expected]
    assert step.processors["temperature"].parameters["temperature"] == 0.5
    generation.set(temperature=None, top_k=0)
    assert "temperature" not in generation.step().processors.names  # type: ignore[union-attr]
    assert "top_k" not in generation.processors


def test_a_new_seed_draws_what_generate_draws_with_it(text: Session) -> None:
    inputs = inputs_of(text, 1)
    generation = text.generate(inputs=inputs, max_new_tokens=8, do_sample=True, seed=1)
    generation.run(steps=3)
    generation.set(seed=99)
    generation.run()
    prefix = {"input_ids": generation.sequences[:, :-5]}  # type: ignore[index]
    expected = plain(text, prefix, 99, max_new_tokens=5, do_sample=True)
    assert generation.sequences.tolist() == expected.tolist()  # type: ignore[union-attr]


def test_greedy_becomes_sampling_and_back(text: Session) -> None:
    generation = text.generate("hi", max_new_tokens=9, seed=1)
    generation.run(steps=3)
    generation.set(do_sample=True, temperature=3.0)
    assert generation.step().processors.names == ["raw", "temperature", "top_k"]  # type: ignore[union-attr]
    generation.run(steps=2)
    generation.set(do_sample=False)
    assert generation.step().chosen.is_greedy  # type: ignore[union-attr]
    assert generation.step().processors.names == ["raw"]  # type: ignore[union-attr]
    assert generation.tree.current.notices == []


def test_more_tokens_after_the_end(text: Session) -> None:
    inputs = inputs_of(text, 1)
    generation = text.generate(inputs=inputs, max_new_tokens=3)
    generation.run()
    assert (generation.finished, generation.reason) == (True, "max_length")
    with pytest.raises(GenerationError, match="larger max_new_tokens"):
        generation.step()
    generation.set(max_new_tokens=7)
    assert not generation.finished
    generation.run()
    expected = plain(text, inputs, 0, max_new_tokens=7)
    assert generation.sequences.tolist() == expected.tolist()  # type: ignore[union-attr]


def test_a_processor_that_is_switched_off_shows_what_it_did(text: Session) -> None:
    generation = text.generate("hi", max_new_tokens=5, do_sample=True, top_k=5, seed=1)
    step = generation.step()
    assert step is not None
    without = generation.what_if(step, off=["top_k"])
    assert without.names == ["raw"]
    assert without[-1].kept > step.processors["top_k"].kept == 5
    generation.switch("top_k", on=False)
    assert generation.step().processors.names == ["raw"]  # type: ignore[union-attr]
    generation.switch("top_k", on=True)
    assert generation.step().processors.names == ["raw", "top_k"]  # type: ignore[union-attr]
    with pytest.raises(InputError, match="there are top_k"):
        generation.switch("top_p", on=False)


def test_processors_come_and_go(text: Session) -> None:
    generation = text.generate("hi", max_new_tokens=6, do_sample=True, seed=1, logits_processor=[Favour(70)])
    assert generation.processors == ["favour", "top_k"]
    assert generation.step().chosen.id == 70  # type: ignore[union-attr]
    assert generation.add(Favour(71, 300.0)) == "favour"
    assert generation.processors == ["favour", "favour#2", "top_k"]
    assert generation.step().chosen.id == 71  # type: ignore[union-attr]
    generation.remove("favour")
    assert generation.processors == ["top_k"]
    with pytest.raises(InputError, match="was added"):
        generation.remove("top_k")


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


def test_logits_of_nan_are_named(text: Session) -> None:
    generation = text.generate("hi", do_sample=True, seed=1)
    handle = text.model.lm_head.register_forward_hook(lambda module, given, output: output * float("nan"))
    with pytest.raises(GenerationError, match="put out NaN"):
        generation.step()
    handle.remove()
    assert generation.step() is not None


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


def fail(*_: Any) -> None:
    raise RuntimeError("no more memory")


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
