"""What a recording holds, whatever the modules take and return."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import inspector
from inspector import TensorInfo
from tests.fakes import tiny
from tests.recording.modules import Model, Pair, Returns, record


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


def test_a_second_forward_is_a_second_step() -> None:
    model = tiny("qwen2")
    with inspector.capture(model) as trace, torch.no_grad():
        cache = model(torch.arange(5)[None]).past_key_values
        model(torch.tensor([[5]]), past_key_values=cache)
    steps = {call.step for call in trace.calls}
    assert steps == {0, 1}
    assert trace.call("model.layers.0", 1).inputs["input.past_key_values"] == "DynamicCache(length=5)"


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
