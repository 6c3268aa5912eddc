"""What a recording holds of a forward that fails, or is stopped; and that nothing stays attached."""

from __future__ import annotations

from threading import Event
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import inspector
from inspector import Cancelled
from tests.fakes import tiny
from tests.recording.modules import Breaks, Model, Returns, Survives, hooks_of, record


def test_a_raising_forward_leaves_a_trace_up_to_the_failure() -> None:
    model = Model(one=nn.Linear(3, 3), two=Model(broken=Breaks()), three=nn.Linear(3, 3))
    with pytest.raises(RuntimeError, match="must match"), inspector.capture(model) as trace:
        model(torch.ones(2, 3))
    assert [(call.path, call.error) for call in trace.calls] == [
        ("", "RuntimeError"),
        ("one", None),
        ("two", "RuntimeError"),
        ("two.broken", "RuntimeError"),
    ]
    failure = trace.failure
    assert failure is not None
    assert (failure.path, failure.class_name, failure.error, failure.call) == (
        "two.broken",
        "Breaks",
        "RuntimeError",
        3,
    )
    assert failure.code == "return doubled + torch.zeros(7, 7)"
    assert str(failure.ports["input.hidden_states"]) == "f32[2,3]"
    assert str(failure.ports["local.doubled"]) == "f32[4,3]"
    assert hooks_of(model) == 0


def test_the_line_of_a_failure_is_the_models_not_torchs() -> None:
    model = Model(one=nn.Linear(3, 3))
    with pytest.raises(RuntimeError), inspector.capture(model) as trace:
        model(torch.ones(2, 4))
    assert trace.failure is not None
    assert trace.failure.path == "one"
    assert trace.failure.code == "result = part(x)"


def test_an_exception_that_the_model_catches_is_an_error_of_that_call_alone() -> None:
    trace = record(Model(part=Survives()), torch.ones(2, 3))
    assert {call.path: call.error for call in trace.calls} == {
        "": None,
        "part": None,
        "part.broken": "RuntimeError",
        "part.silent": None,
    }
    assert trace.failure is None


def test_recording_inside_an_except_block_sees_no_failure() -> None:
    try:
        raise ValueError("somebody else's")
    except ValueError:
        trace = record(Model(part=Returns(lambda x: None)), torch.ones(2))
    assert trace.failure is None
    assert all(call.error is None for call in trace.calls)


def test_ctrl_c_leaves_what_there_is_and_nothing_attached() -> None:
    def interrupt(x: Tensor) -> None:
        raise KeyboardInterrupt

    model = Model(one=nn.Identity(), two=Returns(interrupt))
    with pytest.raises(KeyboardInterrupt), inspector.capture(model) as trace:
        model(torch.ones(2))
    assert [call.error for call in trace.calls] == ["KeyboardInterrupt", None, "KeyboardInterrupt"]
    assert hooks_of(model) == 0


def test_a_second_capture_inside_the_first_is_refused() -> None:
    model = Model(one=nn.Identity())
    with (
        inspector.capture(model),
        pytest.raises(inspector.ModelError, match="captured already"),
        inspector.capture(model),
    ):
        pass
    record(model, torch.ones(1))


def test_cancelling_stops_between_two_calls() -> None:
    from inspector.recording import Recorder

    cancel = Event()
    model = tiny("qwen2")
    with pytest.raises(Cancelled), Recorder(model, on_call=lambda n: n == 6 and cancel.set(), cancel=cancel):
        model(torch.arange(4)[None])
    assert hooks_of(model) == 0


def test_an_object_that_cannot_be_described_stops_nothing() -> None:
    class Rude(dict[str, Any]):
        def items(self) -> Any:
            raise RuntimeError("no")

    trace = record(Model(part=Returns(lambda x: Rude(a=1))), torch.ones(1))
    assert any("could not be noted" in notice for notice in trace.notices)
