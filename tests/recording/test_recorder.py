"""What a recording holds, whatever the modules take and return."""

from __future__ import annotations

from threading import Event
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import inspector
from inspector import Cancelled, TensorInfo, Trace
from tests.fakes import tiny
from tests.recording.modules import AddInPlace, Breaks, Model, Pair, Returns, Survives, hooks_of


def record(model: nn.Module, *args: Any, **asked: Any) -> Trace:
    with inspector.capture(model, **asked) as trace, torch.no_grad():
        model(*args)
    return trace


def test_calls_stand_in_the_order_in_which_they_began() -> None:
    trace = record(tiny("qwen2"), torch.arange(5)[None])
    assert [call.index for call in trace.calls] == list(range(len(trace.calls)))
    assert [call.path for call in trace.calls][:5] == [
        "",
        "model",
        "model.embed_tokens",
        "model.rotary_emb",
        "model.layers.0",
    ]
    layer = trace.call("model.layers.0")
    assert (layer.depth, trace.calls[layer.parent].path) == (2, "model")
    assert trace.children(layer.index) == [
        trace.call(f"model.layers.0.{name}").index
        for name in ("input_layernorm", "self_attn", "post_attention_layernorm", "mlp")
    ]


def test_positional_arguments_stand_under_their_parameters_names() -> None:
    trace = record(tiny("qwen2"), torch.arange(5)[None])
    assert next(iter(trace.call("model.layers.0").inputs)) == "input.hidden_states"
    assert trace.call("model.layers.0.self_attn.q_proj").inputs["input.input"].shape == (1, 5, 32)


@pytest.mark.parametrize(
    ("make", "ports"),
    [
        (lambda x: None, {"output": None}),
        (lambda x: x * 2, {"output": "f32[2,2]"}),
        (lambda x: (x * 2, None), {"output[0]": "f32[2,2]", "output[1]": None}),
        (lambda x: {"a": {"b": [x * 2]}}, {"output.a.b[0]": "f32[2,2]"}),
        (lambda x: Pair(x * 2), {"output.first": "f32[2,2]"}),
        (lambda x: 3, {"output": 3}),
        (lambda x: [1, 2, 3], {"output": "[1, 2, 3]"}),
        (lambda x: torch.float16, {"output": "torch.float16"}),
        (lambda x: object(), {"output": "object"}),
    ],
)
def test_whatever_a_module_returns_is_flattened_under_readable_names(make: Any, ports: dict[str, Any]) -> None:
    outputs = record(Model(part=Returns(make)), torch.ones(2, 2)).call("part").outputs
    assert {port: str(value) if isinstance(value, TensorInfo) else value for port, value in outputs.items()} == ports


def test_rest_and_named_arguments_are_recorded_too() -> None:
    part = Returns(lambda x: x)
    with inspector.capture(part) as trace:
        part(torch.ones(2), torch.ones(3), torch.ones(4), scale=2.0, mask=None, pair=(torch.ones(5), "x"))
    assert {port: str(value) for port, value in trace.calls[0].inputs.items()} == {
        "input.x": "f32[2]",
        "input[1]": "f32[3]",
        "input[2]": "f32[4]",
        "input.scale": "2.0",
        "input.mask": "None",
        "input.pair[0]": "f32[5]",
        "input.pair[1]": "x",
    }


def test_a_cache_is_words_on_the_way_in_and_tensors_on_the_way_out() -> None:
    trace = record(tiny("qwen2"), torch.arange(5)[None])
    assert trace.call("model.layers.1").inputs["input.past_key_values"] == "DynamicCache(length=0)"
    keys = trace.calls[0].outputs["output.past_key_values.layers[1].keys"]
    assert isinstance(keys, TensorInfo)
    assert keys.shape == (1, 2, 5, 8)


def test_a_module_that_runs_twice_has_two_calls_and_one_that_does_not_run_none() -> None:
    part = nn.Linear(2, 2)
    trace = record(Model(one=part, two=part, three=nn.Identity()), torch.ones(1, 2))
    assert [call.path for call in trace.calls] == ["", "one", "three"] or trace.call("one", 1)
    assert "never" in [module.path for module in trace.modules]
    with pytest.raises(inspector.TraceError, match="No call of a module 'never'"):
        trace.call("never")


def test_origins_and_consumers_follow_a_tensor_from_port_to_port() -> None:
    trace = record(tiny("qwen2"), torch.arange(5)[None])
    norm = trace.call("model.layers.0.input_layernorm")
    queries = trace.call("model.layers.0.self_attn.q_proj")
    assert queries.inputs["input.input"].origin == (norm.index, "output")
    consumers = [trace.calls[index].path.rpartition(".")[2] for index, _ in trace.went_to(norm.index, "output")]
    assert consumers == ["self_attn", "q_proj", "k_proj", "v_proj"]
    assert norm.outputs["output"].origin is None
    mlp, down = trace.call("model.layers.0.mlp"), trace.call("model.layers.0.mlp.down_proj")
    assert mlp.outputs["output"].origin == (down.index, "output")


def test_a_later_tensor_at_the_address_of_a_dead_one_is_not_taken_for_it() -> None:
    parts = {f"part{number}": Returns(lambda x: x.clone()) for number in range(40)}
    trace = record(Model(**parts), torch.ones(3))
    for number in range(1, 40):
        assert trace.call(f"part{number}").inputs["input.x"].origin == (number, "output")


@pytest.mark.parametrize("inference", [False, True])
def test_a_kept_value_is_the_value_at_that_moment(inference: bool) -> None:
    model = Model(one=nn.Identity(), two=AddInPlace(), three=AddInPlace())
    x = torch.zeros(2)
    with inspector.capture(model, values="*") as trace, torch.inference_mode(inference):
        model(x.clone())
    at = lambda path, port: trace.value(trace.call(path), port).tolist()  # noqa: E731
    assert at("one", "output") == at("two", "input.x") == [0, 0]
    assert at("two", "output") == at("three", "input.x") == [1, 1]
    assert at("three", "output") == at("", "output") == [2, 2]
    assert at("", "input.x") == [0, 0]
    assert trace.call("three").inputs["input.x"].origin in {None, (1, "output")}


def test_a_value_is_stored_once_however_many_ports_it_passes() -> None:
    trace = record(Model(one=nn.Identity(), two=nn.Identity(), three=nn.Linear(2, 2)), torch.ones(1, 2), values="*")
    keys = {value.value for call in trace.calls for value in call.ports().values() if isinstance(value, TensorInfo)}
    assert len(trace.values) == len(keys) == 2


def test_globs_choose_modules_and_ports() -> None:
    ids = torch.arange(5)[None]
    trace = record(
        tiny("qwen2"), ids, values=("model.layers.1.mlp", "*.self_attn:output[[]0]", "*.0.self_attn:output[0]")
    )
    floats = {key for key in trace.values if trace.values[key].is_floating_point()}
    paths = {trace.calls[int(key.partition("/")[0])].path for key in floats}
    assert all(".mlp" in path or ".self_attn" in path or "norm" in path for path in paths)
    assert trace.value(trace.call("model.layers.1.mlp"), "input.x").shape == (1, 5, 32)
    assert trace.value(trace.call("model.layers.0.self_attn"), "output[0]").shape == (1, 5, 32)
    with pytest.raises(inspector.TraceError, match="was not kept"):
        trace.value(trace.call("model.layers.0.mlp"), "output")


def test_small_integers_are_kept_at_every_level() -> None:
    trace = record(tiny("qwen2"), torch.arange(5)[None])
    assert trace.value(0, "input.input_ids").tolist() == [[0, 1, 2, 3, 4]]
    assert trace.value(trace.call("model.rotary_emb"), "input.position_ids").tolist() == [[0, 1, 2, 3, 4]]


def test_values_carry_their_statistics_and_stats_need_no_values() -> None:
    model = Model(part=nn.Linear(2, 2))
    for asked in ({"values": "*"}, {"stats": True}):
        trace = record(model, torch.tensor([[1.0, 3.0]]), **asked)
        stats = trace.calls[0].inputs["input.x"].stats
        assert (stats.min, stats.max, stats.mean, stats.std) == pytest.approx((1, 3, 2, 1))
    assert not trace.values


def test_beyond_the_budget_values_go_to_disk_and_the_trace_says_so() -> None:
    big = Model(one=Returns(lambda x: x + 1), two=Returns(lambda x: x + 1))
    x = torch.zeros(600, 600)
    trace = record(big, x, values="*", budget=x.nbytes)
    assert any("went to disk" in notice for notice in trace.notices)
    assert torch.equal(trace.value(2), x + 2)
    assert torch.equal(trace.value(1), x + 1)


def test_a_second_forward_is_a_second_step() -> None:
    model = tiny("qwen2")
    with inspector.capture(model) as trace, torch.no_grad():
        cache = model(torch.arange(5)[None]).past_key_values
        model(torch.tensor([[5]]), past_key_values=cache)
    steps = {call.step for call in trace.calls}
    assert steps == {0, 1}
    assert trace.call("model.layers.0", 1).inputs["input.past_key_values"] == "DynamicCache(length=5)"


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


def test_flow_follows_a_tensor_through_the_functions_between_modules() -> None:
    model = tiny("qwen2")
    with inspector.capture(model, flow=True) as trace, torch.no_grad():
        cache = model(torch.arange(5)[None]).past_key_values
        model(torch.tensor([[5]]), past_key_values=cache)

    def sources(path: str, port: str, step: int) -> list[tuple[int, str, str]]:
        info = trace.call(path, step).ports()[port]
        assert isinstance(info, TensorInfo)
        return [(trace.calls[call].step, trace.calls[call].path, name) for call, name in info.sources]

    layer = "model.layers.0"
    attention = trace.call(f"{layer}.self_attn.o_proj").inputs["input.input"]
    assert isinstance(attention, TensorInfo)
    assert "scaled_dot_product_attention" in attention.via
    assert {path for _, path, _ in sources(f"{layer}.self_attn.o_proj", "input.input", 0)} == {
        f"{layer}.self_attn.q_proj",
        f"{layer}.self_attn.k_proj",
        f"{layer}.self_attn.v_proj",
        "model.rotary_emb",
    }
    assert (0, "model", "output.past_key_values.layers[0].keys") in sources(
        f"{layer}.self_attn.o_proj", "input.input", 1
    )
    assert sources(f"{layer}.post_attention_layernorm", "input.hidden_states", 0) == [
        (0, "model.embed_tokens", "output"),
        (0, f"{layer}.self_attn.o_proj", "output"),
    ]
    gate = trace.call(f"{layer}.mlp.act_fn")
    assert (trace.call(f"{layer}.mlp.down_proj").index, "input.input") in trace.went_to(gate.index, "output")


def test_a_recording_without_flow_knows_what_passes_unchanged() -> None:
    trace = record(tiny("qwen2"), torch.arange(5)[None], flow=False)
    assert not any(
        value.sources for call in trace.calls for value in call.ports().values() if isinstance(value, TensorInfo)
    )
    assert trace.went_to(trace.call("model.embed_tokens").index, "output")
