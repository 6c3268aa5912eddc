"""Which values a recording keeps, as they were at that moment, each once; and their statistics."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import inspector
from inspector import TensorInfo
from tests.fakes import tiny
from tests.recording.modules import AddInPlace, Model, Returns, record


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


@pytest.mark.parametrize(
    ("glob", "said"),
    [
        ("*.mpl", "No module matches the values asked for, '*.mpl'."),
        ("*.0.mlp:input.y", "No port of model.layers.0.mlp matches '*.0.mlp:input.y'. Did you mean input.x?"),
        ("*.0.mlp:outptu", "No port of model.layers.0.mlp matches '*.0.mlp:outptu'. Did you mean output?"),
        ("*.0.self_attn:attention.is_casual", "No port of model.layers.0.self_attn matches '*.0.self_attn:attention"),
        ("*.0.self_attn:output[0]", None),
        ("*:attention.*", None),
    ],
)
def test_a_glob_that_finds_nothing_is_told(glob: str, said: str | None) -> None:
    notices = record(tiny("qwen2"), torch.arange(5)[None], values=glob).notices
    told = [notice for notice in notices if notice.startswith("No ")]
    assert len(told) == (said is not None)
    assert all(notice.startswith(said or "") for notice in told)
