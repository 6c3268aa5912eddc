"""The steps of a branch run again, so that their calls are recorded: the same forwards as a recorded generation's."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from inspector import GenerationError, Session
from inspector.analysis.attention import Attention
from inspector.analysis.kernels import kernels
from inspector.trace import Trace
from inspector.trace.steps import Step
from tests.fakes import IMAGE, VIDEO
from tests.generation.conftest import inputs_of

FORBIDDEN = {"suppress_tokens": [IMAGE, VIDEO]}
KEPT = ("*:attention.query", "*:attention.key*")


def looks(trace: Trace, step: int) -> torch.Tensor:
    """f32 [heads, keys]: the last query of the last layer."""
    kernel = kernels(trace, step)[-1]
    return Attention(kernel).of_query(kernel.queries - 1)


@pytest.mark.parametrize(
    ("rows", "options"),
    [
        (1, {}),
        (3, {"do_sample": True}),
        (1, {"do_sample": True, "num_return_sequences": 2}),
        (2, {"use_cache": False}),
        (1, {"cache_implementation": "static"}),
        (1, {"num_beams": 3}),
        (1, {"prompt_lookup_num_tokens": 2}),
    ],
)
def test_it_is_what_calls_would_have_recorded(text: Session, rows: int, options: dict[str, Any]) -> None:
    asked = {"inputs": inputs_of(text, rows), "max_new_tokens": 6, "seed": 3, **options}
    recorded = text.generate(**asked, calls=True, values=KEPT)
    recorded.run()
    plain = text.generate(**asked)
    plain.run()
    made: list[Step] = []
    again, expected = plain.trace_again(values=KEPT, on_step=made.append), recorded.trace()
    assert [(call.step, call.path) for call in again.calls] == [(call.step, call.path) for call in expected.calls]
    assert again.generation is not None
    assert [step.forward for step in again.generation.steps()] == [step.forward for step in recorded.steps]
    assert again.tokens == expected.tokens
    assert len(made) == len({step.forward for step in recorded.steps})
    for step in (0, 3):
        torch.testing.assert_close(looks(again, step), looks(expected, step))


def test_a_branch_that_was_forced_and_changed_is_followed(vision: Session) -> None:
    generation = vision.generate(inputs=inputs_of(vision, 1), max_new_tokens=4, **FORBIDDEN)
    generation.run()
    generation.branch(1, "other")
    generation.force(7)
    generation.set(max_new_tokens=9, do_sample=True, temperature=1.5)
    generation.run()
    steps, branches = list(generation.steps), list(generation.tree)
    trace = generation.trace_again(values=("lm_head", *KEPT))
    assert trace.generation is not None
    assert trace.generation.branches.keys() == {"other"}
    assert [step.rows for step in trace.generation.steps()] == [step.rows for step in steps]
    for step in trace.generation.steps():
        call = next(call for call in trace.find("lm_head") if call.step == step.forward)
        torch.testing.assert_close(trace.value(call)[:, -1], generation.logits(step.index))
    assert (list(generation.steps), list(generation.tree)) == (steps, branches)
    assert any("were run again" in notice for notice in trace.notices)


def test_what_cannot_be_run_again_says_so(text: Session) -> None:
    beams = text.generate("hi", max_new_tokens=6, num_beams=2)
    with pytest.raises(GenerationError, match="no step"):
        beams.trace_again()
    beams.run()
    beams.branch(2)
    beams.set(repetition_penalty=5.0)
    beams.run()
    with pytest.raises(GenerationError, match="calls=True"):
        beams.trace_again()


def test_it_ends_when_it_is_told_to_and_leaves_nothing_attached(text: Session) -> None:
    generation = text.generate("hi", max_new_tokens=6)
    generation.run()

    def stop(step: Step) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generation.trace_again(on_step=stop)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in text.model.modules())
    assert generation.trace_again().calls
