"""What can be changed on the way: forced tokens, options, the seed, processors of one's own and of plugins."""

from __future__ import annotations

from typing import Any

import pytest
from torch import Tensor
from transformers import LogitsProcessor

import inspector
from inspector import GenerationError, InputError, NamedLogitsProcessor, Session, hookimpl
from inspector.plugins import Plugins
from tests.generation.conftest import inputs_of, plain


class Favour(LogitsProcessor):  # type: ignore[misc]
    """Lifts one token above all others."""

    def __init__(self, token: int = 65, by: float = 100.0) -> None:
        self.token = token
        self.by = by

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        scores[:, self.token] += self.by  # in place, as many write it
        return scores


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


def test_a_whole_number_is_the_fraction_that_an_option_wants(text: Session) -> None:
    generation = text.generate("hi", max_new_tokens=4, do_sample=True, temperature=2, repetition_penalty=2, seed=1)
    step = generation.step()
    assert step is not None
    assert step.processors["temperature"].parameters["temperature"] == 2.0
    assert step.processors["repetition_penalty"].parameters["penalty"] == 2.0
    generation.set(temperature=3)
    assert generation.changes == ("temperature = 3.0",)
    assert generation.step().processors["temperature"].parameters["temperature"] == 3.0  # type: ignore[union-attr]
    assert generation.what_if(0, typical_p=1, temperature=4)["temperature"].parameters["temperature"] == 4.0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"temperature": -1}, r"temperature is -1.0, which is out of range: a number above 0 was expected."),
        ({"top_p": 3}, r"top_p is 3.0, which is out of range: a number from 0 to 1 was expected."),
        ({"typical_p": 2}, r"typical_p is 2.0, which is out of range: a number above 0, up to 1, was expected."),
        ({"top_k": "many"}, r"top_k is 'many'; a number from 0 on was expected."),
        ({"temperature": 0, "do_sample": True}, "strictly positive float"),
    ],
)
def test_what_is_out_of_range_is_told_with_the_range(text: Session, given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        text.generate("hi", **given)


def test_of_what_waits_the_last_state_is_told(text: Session) -> None:
    generation = text.generate("hi", max_new_tokens=4, do_sample=True, logits_processor=[Favour(70)], seed=1)
    generation.step()
    for temperature in (2, 3, 4):
        generation.set(temperature=temperature, seed=temperature)
        generation.force(60 + temperature)
        generation.switch("top_k", on=temperature == 3)
    generation.add(Favour(71), name="other")
    generation.switch("other", on=False)
    waiting = ("temperature = 4.0", "seed = 4", "forced '@'", "top_k off")
    assert generation.changes == (*waiting, "added other", "other off")
    generation.remove("other")
    assert generation.changes == waiting
    assert generation.step().processors.names == ["raw", "favour", "temperature"]  # type: ignore[union-attr]
    assert generation.tree.current.changes[-1].words == "temperature = 4.0, seed = 4, forced '@', top_k off"


def test_a_token_beyond_the_vocabulary_is_refused_wherever_it_is_named(text: Session) -> None:
    generation = text.generate("hi", max_new_tokens=4)
    generation.step()
    for ask in (generation.force, generation.token_of, generation.standing):
        with pytest.raises(InputError, match="There is no token 99999; the vocabulary has"):
            ask(99999)
