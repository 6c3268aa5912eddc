"""The front door on real tiny models: load, trace, fail, and what a trace then holds."""

from __future__ import annotations

from pathlib import Path
from threading import Event, Thread

import pytest
import torch

import inspector
from inspector import Cancelled, ForwardError, InputError, Session
from tests.fakes import picture, save_tiny
from tests.recording.modules import hooks_of


@pytest.fixture(scope="module")
def vision(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return inspector.load(save_tiny("qwen2_5_vl", tmp_path_factory.mktemp("models") / "vl"))


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return inspector.load(save_tiny("llama", tmp_path_factory.mktemp("models") / "text"))


def test_a_trace_has_model_tokens_positions_and_calls(vision: Session) -> None:
    trace = vision.trace("hi", images=[picture(84, 56), picture(56, 112)])
    assert trace.model.family == "qwen2_5_vl"
    assert trace.model.parameters == sum(item.numel() for item in vision.model.parameters())
    assert trace.calls[0].class_name == "Qwen2_5_VLForConditionalGeneration"
    assert [(item.width, item.height) for item in trace.media] == [(84, 56), (56, 112)]
    (row,) = trace.tokens
    images = [token for token in row if token.kind == "image"]
    assert len(images) == 3 * 2 + 2 * 4
    assert len({token.position for token in images}) == len(images)
    assert {call.role for call in trace.calls} >= {"patch_embed", "vision_block", "merger", "decoder_layer", "lm_head"}
    assert hooks_of(vision.model) == 0


def test_a_batch_is_padded_on_the_left_and_every_row_has_its_tokens(text: Session) -> None:
    trace = text.trace(["a", "a longer one"], raw=True)
    short, long = trace.tokens
    assert len(short) == len(long)
    assert short[0].kind == "pad"
    assert "".join(token.text for token in long) == "a longer one"
    assert long[-1].position == (len("a longer one") - 1,)


def test_shape_only_has_the_same_integers_as_a_run_with_weights(vision: Session) -> None:
    shapes = inspector.load(vision.reference, shape_only=True)
    vision.model.model.rope_deltas = None  # as in a model that has not run yet
    with_weights, without = (one.trace("hi", images=picture(112, 84)) for one in (vision, shapes))
    assert without.model.shape_only
    assert without.tokens == with_weights.tokens
    assert all(call.seconds is None for call in without.calls)
    assert [call.path for call in without.calls] == [call.path for call in with_weights.calls]
    for real, bare in zip(with_weights.calls, without.calls, strict=True):
        assert [str(value) for value in real.ports().values()] == [str(value) for value in bare.ports().values()]


def test_the_forwards_own_arguments_can_be_given(text: Session) -> None:
    trace = text.trace(inputs={"input_ids": torch.tensor([[1, 2, 3]])})
    assert [token.id for token in trace.tokens[0]] == [1, 2, 3]


def test_a_failed_forward_is_raised_with_its_trace(vision: Session) -> None:
    inputs = vision.encode(inspector.Request(("hi",), (picture(84, 56),)))
    inputs.tensors["input_ids"] = inputs.tensors["input_ids"][:, 3:]
    inputs.tensors["image_grid_thw"] = inputs.tensors["image_grid_thw"] * 2
    with pytest.raises(ForwardError, match="The forward failed in") as raised:
        vision.trace(inputs=inputs)
    trace = raised.value.trace
    assert trace.failure is not None
    assert trace.calls[trace.failure.call or 0].error
    assert hooks_of(vision.model) == 0


def test_cancelling_stops_a_forward_and_leaves_nothing_attached(text: Session) -> None:
    cancel = Event()
    cancel.set()
    with pytest.raises(Cancelled):
        text.trace("hi", cancel=cancel)
    assert hooks_of(text.model) == 0


def test_two_threads_take_turns(text: Session) -> None:
    traces = []
    threads = [Thread(target=lambda: traces.append(text.trace("hi"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({len(trace.calls) for trace in traces}) == 1


def test_nothing_to_encode_is_a_clear_error(text: Session) -> None:
    with pytest.raises(InputError):
        text.trace("")
    with pytest.raises(InputError):
        text.trace()


def test_a_saved_trace_is_the_same_trace(vision: Session, tmp_path: Path) -> None:
    trace = vision.trace("hi", images=picture(), values="*.merger")
    opened = inspector.Trace.open(trace.save(tmp_path / "trace"))
    assert opened.to_json() == trace.to_json()
    assert opened.config["vision_config"]["fullatt_block_indexes"] == [1]
    merger = trace.call("model.visual.merger")
    assert torch.equal(opened.value(merger.index), trace.value(merger))


def test_globs_that_match_nothing_are_told_unless_they_are_optional(text: Session) -> None:
    given = {"input_ids": torch.tensor([[1, 2, 3]])}
    assert "No module matches" in text.trace(inputs=given, values="*.nothing").notices[-1]
    trace = text.trace(inputs=given, values=("*.nothing", "*.q_proj:output"), optional="*.nothing")
    assert not any("No module matches" in notice for notice in trace.notices)
    assert trace.value(trace.call("model.layers.0.self_attn.q_proj")).shape == (1, 3, 32)
