"""A stepped generation is transformers' generate: the same sequences, token by token, in every mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from transformers.generation.utils import DeferredStopCheck

from inspector import InputError, Session
from tests.generation.conftest import NAMES, inputs_of, options_for, plain
from tests.recording.modules import hooks_of

MODES: dict[str, dict[str, Any]] = {
    "greedy": {},
    "sample": {"do_sample": True, "temperature": 0.8, "top_k": 30, "top_p": 0.95},
    "beam search, 2": {"num_beams": 2},
    "beam search, 4": {"num_beams": 4, "num_return_sequences": 2, "length_penalty": 0.5},
    "beam sample": {"num_beams": 2, "do_sample": True, "top_k": 20},
    "several sequences": {"do_sample": True, "num_return_sequences": 3},
    "without a cache": {"use_cache": False},
    "static cache": {"cache_implementation": "static"},
}
ONE_ROW: dict[str, dict[str, Any]] = {
    "prompt lookup": {"prompt_lookup_num_tokens": 3, "repetition_penalty": 1.1},
    "assisted": {"num_assistant_tokens": 3},
    "assisted sample": {"do_sample": True, "num_assistant_tokens": 3, "temperature": 0.9},
}


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
def test_the_sequences_are_those_of_generate(
    session_of: Callable[[str], Session], name: str, mode: str, rows: int
) -> None:
    session = session_of(name)
    compare(session, inputs_of(session, rows), **options_for(session, **MODES[mode]))


@pytest.mark.parametrize("mode", ONE_ROW)
@pytest.mark.parametrize("name", NAMES)
def test_assistants_draft_as_in_generate(session_of: Callable[[str], Session], name: str, mode: str) -> None:
    session = session_of(name)
    options = options_for(session, **ONE_ROW[mode])
    if mode.startswith("assisted"):
        options["assistant_model"] = near_twin(session)
    compare(session, inputs_of(session, 1), **options)


def test_a_text_that_ends_early_ends_here_too(text: Session) -> None:
    inputs = inputs_of(text, 3)
    free = plain(text, inputs, 5, do_sample=True, max_new_tokens=12)
    start = inputs["input_ids"].shape[1]
    eos = int(free[0, start + 4])
    sequences = compare(text, inputs, do_sample=True, max_new_tokens=12, eos_token_id=eos, pad_token_id=0)
    assert (sequences[:, start:] == eos).any()


def test_stop_strings_and_healing_have_their_tokenizer(text: Session) -> None:
    inputs = inputs_of(text, 1)
    free = plain(text, inputs, 5, max_new_tokens=8)
    letters = text.processor.tokenizer.decode(free[0, -4:-2])
    bare = plain(text, inputs, 5, max_new_tokens=8, stop_strings=letters, tokenizer=text.processor.tokenizer)
    generation = text.generate(inputs=inputs, max_new_tokens=8, stop_strings=letters, seed=5)
    generation.run()
    assert torch.equal(bare, generation.sequences)
    assert generation.reason == "stop_string" or len(generation.steps) == 8


def test_a_stop_check_that_comes_a_step_late_leaves_no_undone_step(
    text: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DeferredStopCheck, "is_supported", staticmethod(lambda *args, **kwargs: True))
    monkeypatch.setattr(torch, "Event", Moment)
    inputs = inputs_of(text, 1)
    eos = int(plain(text, inputs, 5, max_new_tokens=12)[0, -6])
    options = {"max_new_tokens": 12, "eos_token_id": eos, "pad_token_id": 0}
    bare = plain(text, inputs, 5, **options)
    generation = text.generate(inputs=inputs, seed=5, **options)
    generation.run()
    assert torch.equal(bare, generation.sequences)
    assert len(generation.steps) == bare.shape[1] - inputs["input_ids"].shape[1]
    assert generation.finished


def test_recorded_calls_change_nothing(text: Session) -> None:
    inputs = inputs_of(text, 1)
    bare = plain(text, inputs, 5, do_sample=True, max_new_tokens=6)
    generation = text.generate(inputs=inputs, do_sample=True, max_new_tokens=6, seed=5, values="*.mlp")
    generation.run()
    assert torch.equal(bare, generation.sequences)
    trace = generation.trace()
    assert {call.step for call in trace.calls} == set(range(6))
    assert [step.forward for step in generation.steps] == list(range(6))
    assert hooks_of(text.model) == 0


def test_what_assisted_decoding_refuses_is_said(text: Session) -> None:
    with pytest.raises(InputError, match="batch"):
        text.generate(inputs=inputs_of(text, 3), prompt_lookup_num_tokens=3).step()


class Moment:
    """An event of a device that is never behind, as the CPU is none that has events."""

    def __init__(self, **options: Any) -> None: ...
    def record(self) -> None: ...
    def synchronize(self) -> None: ...


def compare(session: Session, inputs: dict[str, Any], **options: Any) -> torch.Tensor:
    """Run both with one seed, somebody else drawing random numbers between the steps."""
    bare = plain(session, inputs, 5, **options)
    generation = session.generate(inputs=inputs, seed=5, **options)
    for _ in generation:
        torch.rand(2)
    assert generation.sequences is not None
    assert generation.sequences.tolist() == bare.tolist()
    assert generation.finished
    assert hooks_of(session.model) == 0
    return bare


def near_twin(session: Session) -> Any:
    """An assistant that agrees with the model now and then: the same weights, a little off."""
    torch.manual_seed(1)
    twin = type(session.model)(session.model.config).eval()
    twin.load_state_dict(session.model.state_dict())
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    return twin
