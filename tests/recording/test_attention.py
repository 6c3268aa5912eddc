"""What kernels get is recorded while they run as they would."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Barrier, Thread
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers.masking_utils import AttentionMaskInterface
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS, AttentionInterface

import inspector
from inspector import Call, TensorInfo, Trace
from inspector.analysis.kernels import kernels
from inspector.analysis.layers import choose
from inspector.analysis.mask_makers import maker
from inspector.analysis.masks import applied
from tests.attention_cases import STEPS, WINDOW, model, pictures, recorded, text

Given = tuple[nn.Module, tuple[Any, ...], dict[str, Any]]


@pytest.fixture
def spy() -> Iterator[list[Given]]:
    """A kernel of the user's own, registered as `spy`, that remembers its arguments."""
    seen: list[Given] = []

    def kernel(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        copies = tuple(item.clone() if isinstance(item, Tensor) else item for item in args)
        seen.append((module, copies, kwargs))
        return ALL_ATTENTION_FUNCTIONS["sdpa"](module, *args, **kwargs)

    AttentionInterface.register("spy", kernel)
    AttentionMaskInterface.register("spy", AttentionMaskInterface()["sdpa"])
    yield seen
    del AttentionInterface._global_mapping["spy"]
    del AttentionMaskInterface._global_mapping["spy"]


def attention_ports(call: Call) -> dict[str, Any]:
    return {port: value for port, value in call.inputs.items() if port.startswith("attention.")}


@pytest.mark.parametrize("name", ["qwen2", "gemma3_sliding", "gpt2"])
def test_ports_are_what_the_kernel_received(name: str, spy: list[Given]) -> None:
    subject = model(name, "spy")
    trace = recorded(subject, text(True))
    recorded_calls = [kernel for step in range(STEPS) for kernel in kernels(trace, step)]
    paths = {id(module): path for path, module in subject.named_modules()}
    assert len(recorded_calls) == len(spy)
    for kernel, (module, args, kwargs) in zip(recorded_calls, spy, strict=True):
        assert (kernel.path, kernel.name) == (paths[id(module)], "spy")
        for state, tensor in zip(("query", "key", "value"), args, strict=False):
            for head in range(tensor.shape[1]):
                assert torch.equal(kernel.state(state, 1, head), tensor[1, head])
        given = args[3] if len(args) > 3 else kwargs["attention_mask"]
        mask = kernel.tensor("mask")
        assert (mask is None and given is None) or torch.equal(mask, given)
        assert kernel.scaling == pytest.approx(kwargs["scaling"])
        assert kernel.number("sliding_window") == kwargs.get("sliding_window")


def test_kernel_and_mask_may_be_given_by_name() -> None:
    class ByName(nn.Module):
        is_causal = False

        def forward(self, x: Tensor) -> Any:
            kernel = ALL_ATTENTION_FUNCTIONS["sdpa"]
            return kernel(self, query=x, key=x, value=x, attention_mask=torch.ones(3, 3).bool(), scaling=0.5)[0]

    with inspector.capture(part := ByName()) as trace:
        part(torch.randn(1, 2, 3, 4))
    ports = attention_ports(trace.calls[0])
    assert str(ports["attention.query"]) == str(ports["attention.key"]) == "f32[1,2,3,4]"
    assert str(ports["attention.mask"]) == "bool[3,3]"
    assert (ports["attention.scaling"], ports["attention.is_causal"]) == (0.5, False)


def test_values_are_kept_on_request_only() -> None:
    trace = recorded(model("qwen2"), text(), values=())
    assert not [key for key in trace.values if "attention." in key and trace.values[key].is_floating_point()]
    trace = recorded(model("qwen2"), text(), values="*:attention.query")
    floating = [key for key in trace.values if trace.values[key].is_floating_point()]
    assert floating
    assert all(key.endswith("/attention.query") for key in floating), "the modules' own tensors are not kept for it"
    one = recorded(model("qwen2"), text(), values="*.layers.1.self_attn:attention.query")
    assert len([key for key in one.values if one.values[key].is_floating_point()]) == STEPS


def test_statistics_tell_of_queries_and_keys() -> None:
    trace = recorded(model("qwen2"), text(), values=(), stats=True)
    for port in ("attention.query", "attention.key", "attention.value"):
        info = trace.call("model.layers.0.self_attn", 1).inputs[port]
        assert isinstance(info, TensorInfo)
        assert info.stats is not None


def test_windows_of_a_vision_tower_are_one_query() -> None:
    trace = recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl"))
    call = trace.call("model.visual.blocks.0.attn")
    lengths = trace.value(call, "attention.lengths")
    assert lengths.sum(0).tolist() == [60, 60]
    assert str(call.inputs["attention.query"]) == "f32[1,2,60,16]"
    assert trace.value(call, "attention.query").shape == (1, 2, 60, 16)
    unkept = recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl"), values=())
    assert str(unkept.call("model.visual.blocks.0.attn").inputs["attention.key"]) == "f32[1,2,60,16]"


def test_a_kernel_called_again_for_other_values_is_no_second_piece() -> None:
    trace = recorded(model("diffllama"), text(), steps=2)
    for step, (queries, keys) in enumerate([(17, 17), (1, 18)]):
        kernel = choose(trace, "", step)
        assert (kernel.queries, kernel.keys, kernel.number("calls")) == (queries, keys, 2)
        assert kernel.tensor("lengths") is None
        assert applied(kernel).pattern == ("causal" if step == 0 else "every key")


class Twice(nn.Module):
    """Attention with two queries and keys of its own, one after the other."""

    is_causal = True

    def forward(self, states: Tensor) -> Tensor:
        kernel = ALL_ATTENTION_FUNCTIONS["sdpa"]
        one, two = (states * factor for factor in (1, 2))
        return kernel(self, one, one, one, None)[0] - kernel(self, two, two, two, None)[0]


def test_calls_that_belong_together_in_no_known_way_are_said_to_be_missing() -> None:
    subject = nn.Sequential(Twice())
    with inspector.capture(subject, values=("*",)) as trace:
        subject(torch.randn(1, 2, 5, 4))
    (kernel,) = kernels(trace)
    assert (kernel.queries, kernel.keys) == (5, 5)
    assert trace.notices == ["A module called its attention kernel several times: only the first call is shown."]


def test_masks_are_recorded_where_they_are_made() -> None:
    trace = recorded(model("gemma3_sliding"), text(True))
    ports = trace.call("model").inputs
    assert ports["masks[1].maker"] == "create_sliding_window_causal_mask"
    assert ports["masks[1].rule"] == f"all(window({WINDOW}), causal, padding)"
    made = trace.call("model.layers.0.self_attn").inputs["attention.mask"]
    assert isinstance(made, TensorInfo)
    assert made.origin == (trace.call("model").index, "masks[1].made")
    into = {trace.calls[call].path for call, _ in trace.went_to(*made.origin)}
    assert "model.layers.0.self_attn" in into


def test_masks_that_generate_makes_beforehand_stand_on_the_call_of_the_model() -> None:
    subject = model("qwen2")
    with inspector.capture(subject) as trace, torch.no_grad():
        subject.generate(**text(True), max_new_tokens=3, cache_implementation="static", disable_compile=True)
    for step in (0, 1):
        kernel = choose(trace, "0", step)
        made = maker(kernel)
        assert made is not None
        assert (made.maker, made.keys) == ("create_causal_mask", kernel.keys)
        assert (made.spans(0).counts() == applied(kernel, 0).spans.counts()).all()  # type: ignore[union-attr]
    assert "masks[0].rule" in trace.call("", 1).inputs


def test_where_keys_come_from_is_still_told() -> None:
    trace = recorded(model("qwen2"), text(), values=(), flow=True)
    key = trace.call("model.layers.0.self_attn").inputs["attention.key"]
    assert isinstance(key, TensorInfo)
    assert key.origin is None, "the call that hands the cache out is still running"
    assert (trace.call("model.layers.0.self_attn.k_proj").index, "output") in key.sources


def test_a_failing_kernel_leaves_what_it_got(spy: list[Given]) -> None:
    def broken(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("the kernel broke")

    AttentionInterface.register("spy", broken)
    subject = model("qwen2", "spy")
    with pytest.raises(RuntimeError, match="the kernel broke"), inspector.capture(subject) as trace, torch.no_grad():
        subject(**text())
    call = trace.call("model.layers.0.self_attn")
    assert call.error == "RuntimeError"
    assert str(call.inputs["attention.query"]) == "f32[1,4,17,8]"
    assert trace.failure is not None
    assert trace.failure.path == "model.layers.0.self_attn"
    assert str(trace.failure.ports["attention.key"]) == "f32[1,2,17,8]"


def test_a_probe_that_stumbles_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*args: Any) -> None:
        raise RuntimeError("cannot look")

    monkeypatch.setattr("inspector.recording.attention.Listening._kernel", stumble)
    monkeypatch.setattr("inspector.recording.attention.Listening._mask", stumble)
    trace = recorded(model("qwen2"), text())
    assert trace.notices == [
        "A mask could not be noted (create_causal_mask): RuntimeError: cannot look",
        "An attention kernel (sdpa) could not be noted: RuntimeError: cannot look",
        "No port of the model matches '*:attention.*'.",
    ]


def test_two_models_at_once_hear_only_their_own() -> None:
    first, second, both = model("qwen2"), model("gpt2"), Barrier(2)
    traces: dict[str, Trace] = {}

    def run(name: str, subject: Any) -> None:
        with inspector.capture(subject) as traces[name], torch.no_grad():
            both.wait()
            for _ in range(5):
                subject(**text())
            both.wait()

    threads = [Thread(target=run, args=item) for item in (("first", first), ("second", second))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, subject in (("first", first), ("second", second)):
        calls = [call for call in traces[name].calls if attention_ports(call)]
        assert len(calls) == 10
        assert all(call.path.endswith("attn") for call in calls)
        assert {call.path for call in calls} <= {path for path, _ in subject.named_modules()}


def test_a_bare_model_runs_undisturbed_beside_a_recorded_one() -> None:
    given = text()
    with torch.no_grad():
        expected = model("gpt2")(**given).logits
        with inspector.capture(model("qwen2")) as trace:
            assert torch.equal(model("gpt2")(**given).logits, expected)
    assert len(trace.calls) == 0


@pytest.mark.slow
def test_flex_attention_runs_as_it_does_alone_and_its_mask_is_told_by_its_rule() -> None:
    subject, given = model("qwen2", "flex_attention"), text(True)
    with torch.no_grad():
        try:
            bare = subject(**given).logits
        except Exception as error:
            pytest.skip(f"flex attention cannot be compiled here: {error}")
        with inspector.capture(subject, flow=True) as trace:
            assert torch.equal(subject(**given).logits, bare)
    kernel = choose(trace, "0")
    assert kernel.mask == "BlockMask"
    found, expected = applied(kernel, 0), applied(choose(recorded(model("qwen2"), given, steps=1), "0"), 0)
    assert found.source == "rule"
    assert found.spans is not None
    assert expected.spans is not None
    assert (found.spans.counts() == expected.spans.counts()).all()
