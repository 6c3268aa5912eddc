"""What a model remembers between forwards stands on its calls, with who wrote it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import inspector
from inspector.trace import TensorInfo, Trace
from tests.fakes import tiny, tiny_inputs


@pytest.fixture(scope="module")
def model() -> Any:
    return tiny("qwen2_5_vl")


def ids_alone(count: int) -> dict[str, torch.Tensor]:
    return {"input_ids": torch.arange(1, count + 1)[None], "attention_mask": torch.ones(1, count, dtype=torch.long)}


def key(trace: Trace, port: str, occurrence: int) -> str | None:
    """Under which port the delta was met first. transformers 5.17 puts it out as well, and so meets it earlier."""
    info = trace.call("model", occurrence).inputs[port]
    return info.value if isinstance(info, TensorInfo) else None


def test_the_delta_before_and_after_each_forward(model: Any) -> None:
    model.model.rope_deltas = None
    with inspector.capture(model) as trace, torch.no_grad():
        model(**tiny_inputs("qwen2_5_vl"))
        model(**ids_alone(3))
    first, second = trace.call("model", 0), trace.call("model", 1)
    assert first.inputs["before.rope_deltas"] is None
    assert key(trace, "after.rope_deltas", 0) in (f"{first.index}/after.rope_deltas", "0/output.rope_deltas")
    assert key(trace, "before.rope_deltas", 1) == key(trace, "after.rope_deltas", 0)
    assert torch.equal(trace.value(second, "before.rope_deltas"), model.model.rope_deltas)


def test_what_generate_writes_before_the_first_forward(model: Any) -> None:
    with inspector.capture(model) as trace:
        model.generate(**tiny_inputs("qwen2_5_vl"), max_new_tokens=2, do_sample=False)
    assert key(trace, "after.rope_deltas", 0) == key(trace, "before.rope_deltas", 0) is not None


def test_a_forward_that_fails_leaves_what_was_before(model: Any) -> None:
    with pytest.raises(RuntimeError), inspector.capture(model) as trace, torch.no_grad():
        model(**ids_alone(3), position_ids=torch.zeros(3, 1, 7, dtype=torch.long))
    assert "before.rope_deltas" in trace.call("model").inputs
    assert "after.rope_deltas" not in trace.call("model").inputs


@pytest.mark.parametrize("seconds", [torch.tensor([0.5, 2.0]), [0.5, 2.0]])
def test_the_seconds_of_videos_are_numbers(model: Any, seconds: Any) -> None:
    with inspector.capture(model) as trace, torch.no_grad():
        model(**ids_alone(3), second_per_grid_ts=seconds)
        model(**ids_alone(3), second_per_grid_ts=seconds)
        model(**ids_alone(3))
    roots = [trace.calls[index].inputs for index in trace.children(None)]
    assert [roots[0][f"media.second_per_grid_ts[{video}]"] for video in range(2)] == [0.5, 2.0]
    assert roots[1]["media.second_per_grid_ts[1]"] == 2.0
    assert "media.second_per_grid_ts[0]" not in roots[2]


def test_models_that_remember_nothing_get_no_such_ports() -> None:
    text = tiny("qwen2")
    with inspector.capture(text) as trace, torch.no_grad():
        text(**ids_alone(2))
    assert not any(port.startswith(("before.", "after.", "media.")) for call in trace.calls for port in call.inputs)
