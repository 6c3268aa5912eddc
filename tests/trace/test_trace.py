"""What can be asked of a trace."""

from __future__ import annotations

import pytest

from inspector import Trace, TraceError
from inspector.trace import TensorInfo
from tests.traces import big_trace, failing_trace, small_trace, steps_trace


@pytest.fixture(scope="module")
def trace() -> Trace:
    return small_trace()


def test_calls_are_found_by_glob_path_and_occurrence(trace: Trace) -> None:
    assert [call.path for call in trace.find("*.layers.1*")] == [
        "language_model.layers.1",
        "language_model.layers.1.norm",
        "language_model.layers.1.self_attn",
        "language_model.layers.1.mlp",
    ]
    steps = steps_trace(3)
    assert [steps.call("lm_head", number).step for number in (0, 1, 2, -1)] == [0, 1, 2, 2]
    assert len(steps.occurrences("lm_head")) == 3
    assert steps.occurrences("unused_head") == []


def test_a_call_that_is_not_there_is_told_with_what_is_near(trace: Trace) -> None:
    with pytest.raises(TraceError, match=r"No call of a module 'lm_haed' .* Did you mean lm_head"):
        trace.call("lm_haed")
    with pytest.raises(TraceError, match="'lm_head' was called 1 times; there is no occurrence 1"):
        trace.call("lm_head", 1)


def test_values_are_read_by_call_and_port(trace: Trace) -> None:
    call = trace.call("language_model.layers.1.mlp")
    assert trace.value(call) is trace.value(call.index, "output")
    assert trace.value(call).isnan().sum() == 1
    with pytest.raises(TraceError, match=r"has no port 'ouput'; it has input\.x, output"):
        trace.value(call, "ouput")
    with pytest.raises(TraceError, match=r"input\.x was not kept .*--values 'language_model\.layers\.1\.mlp'"):
        trace.value(call, "input.x")
    with pytest.raises(TraceError, match=r"No tensor stands at input\.use_cache of call 0 \(the model\), but True"):
        trace.value(0, "input.use_cache")


def test_producers_and_consumers_are_two_ends_of_one_way(trace: Trace) -> None:
    for call in trace.calls:
        for port, value in call.inputs.items():
            if isinstance(value, TensorInfo) and value.origin is not None:
                assert (call.index, port) in trace.went_to(*value.origin)
    assert trace.went_to(0, "output.logits") == []


def test_children_and_parents_are_two_ends_of_one_way(trace: Trace) -> None:
    assert trace.children(None) == [0]
    for call in trace.calls:
        for child in trace.children(call.index):
            assert trace.calls[child].parent == call.index
            assert trace.calls[child].depth == call.depth + 1


def test_a_tensor_knows_its_size() -> None:
    assert TensorInfo((2, 3, 4), "bfloat16", "cpu").nbytes == 48
    assert TensorInfo((), "int64", "cpu").numel == 1
    assert TensorInfo((0, 7), "float32", "cpu").nbytes == 0
    assert str(TensorInfo((1, 31, 128), "float32", "cpu")) == "f32[1,31,128]"


def test_a_trace_in_one_line() -> None:
    assert repr(small_trace()) == "<Trace of demo:tiny-vl: 20 calls, 5 values kept>"
    assert "failed in language_model.layers.1.mlp" in repr(failing_trace())
    assert "1,000 calls" in repr(big_trace(1000))
