"""A forward on shapes against the same forward with weights."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
import torch
from torch import nn

from inspector.errors import ModelError
from inspector.models.shape_only import shape_only
from tests.fakes import (
    IMAGE_TEXT_MODELS,
    TEXT_MODELS,
    picture,
    tiny,
    tiny_inputs,
)

ROUTED = ("mixtral", "qwen3_moe")
"""Their routing follows from values."""

Record = list[tuple[str, str, torch.Tensor]]


def leaves(value: Any, port: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{port}.{key}")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from leaves(item, f"{port}[{index}]")
    else:
        yield port, value


def record(model: nn.Module, mode: AbstractContextManager[Any], **inputs: Any) -> tuple[Any, Record]:
    """The model's output, and every tensor at every port, as it was at that moment."""
    seen: Record = []

    def note(path: str, value: Any) -> None:
        seen.extend((path, port, item.clone()) for port, item in leaves(value) if isinstance(item, torch.Tensor))

    handles = []
    for path, module in model.named_modules():
        before = lambda module, args, kwargs, path=path: note(path, ("in", args, kwargs))  # noqa: E731
        after = lambda module, args, kwargs, output, path=path: note(path, ("out", output))  # noqa: E731
        handles.append(module.register_forward_pre_hook(before, with_kwargs=True))
        handles.append(module.register_forward_hook(after, with_kwargs=True))
    try:
        with mode:
            return model(**inputs), seen
    finally:
        for handle in handles:
            handle.remove()


def assert_same_integers(real: Record, shapes: Record) -> None:
    """Same ports, shapes and dtypes; integers, bools and float masks equal in value."""
    assert [(path, port) for path, port, _ in real] == [(path, port) for path, port, _ in shapes]
    compared = 0
    for (path, port, expected), (_, _, found) in zip(real, shapes, strict=True):
        where = f"{path}{port}"
        assert (expected.shape, expected.dtype) == (found.shape, found.dtype), where
        if not expected.is_floating_point():
            assert found.device.type == "cpu", where
        if found.device.type == "cpu":
            assert torch.equal(expected, found), where
            compared += 1
    assert compared >= 3


def pair(name: str, attention: str) -> tuple[Any, Any]:
    """The same model with random weights and without any."""
    with shape_only(), torch.device("meta"):
        bare = tiny(name, attention=attention)
    return tiny(name, attention=attention), bare


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("name", sorted({*TEXT_MODELS, *IMAGE_TEXT_MODELS} - {*ROUTED}))
def test_integers_masks_and_positions_equal_those_with_weights(name: str, attention: str) -> None:
    model, bare = pair(name, attention)
    inputs = tiny_inputs(name, batch=True)
    with torch.no_grad():
        output, real = record(model, nullcontext(), **inputs)
        with shape_only(bare) as mode:
            bare_output, shapes = record(bare, nullcontext(), **inputs)
    assert_same_integers(real, shapes)
    assert bare_output.logits.is_meta
    assert not mode.notices

    step: dict[str, Any] = {"input_ids": torch.tensor([[5], [6]])}
    length = inputs["input_ids"].shape[1]
    step["position_ids"] = torch.full((3, 2, 1) if name in ("qwen2_vl", "qwen2_5_vl") else (2, 1), length)
    step["attention_mask"] = torch.cat([inputs["attention_mask"], torch.ones(2, 1, dtype=torch.long)], 1)
    with torch.no_grad():
        _, real = record(model, nullcontext(), past_key_values=output.past_key_values, **step)
        with shape_only(bare):
            _, shapes = record(bare, nullcontext(), past_key_values=bare_output.past_key_values, **step)
    assert_same_integers(real, shapes)
    assert bare_output.past_key_values.get_seq_length() == length + 1


def test_works_inside_inference_mode_where_operators_come_whole() -> None:
    model, bare = pair("qwen2_5_vl", "sdpa")
    inputs = tiny_inputs("qwen2_5_vl", batch=True)
    with torch.inference_mode():
        _, real = record(model, nullcontext(), **inputs)
        _, shapes = record(bare, shape_only(bare), **inputs)
    assert_same_integers(real, shapes)


def test_several_pictures_of_different_sizes_in_one_prompt() -> None:
    model, bare = pair("qwen2_5_vl", "sdpa")
    inputs = tiny_inputs("qwen2_5_vl", pictures=[picture(112, 56), picture(40, 112), picture(100, 100)])
    with torch.no_grad():
        _, real = record(model, nullcontext(), **inputs)
        _, shapes = record(bare, shape_only(bare), **inputs)
    assert_same_integers(real, shapes)
    windows = [tensor for _, port, tensor in shapes if port.endswith(".cu_seqlens")]
    assert len({tuple(tensor.tolist()) for tensor in windows}) == 2  # windowed blocks and those with full attention


@pytest.mark.parametrize("name", ROUTED)
def test_routing_is_spread_evenly_and_said(name: str) -> None:
    _, bare = pair(name, "sdpa")
    with torch.no_grad(), shape_only(bare) as mode:
        _, shapes = record(bare, nullcontext(), **tiny_inputs(name))
    chosen = [tensor for path, _, tensor in shapes if path.endswith(".gate") and not tensor.is_floating_point()]
    assert chosen
    for experts in chosen:
        counts = experts.flatten().bincount(minlength=4)
        assert counts.max() - counts.min() <= 2
    assert len(mode.notices) == 1
    assert "Router" in mode.notices[0]
    assert "topk" in mode.notices[0]


class Deciding(nn.Module):
    """Goes one way or the other by its values."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.linear(x)
        return x if x.sum() > 0 else -x


class Listing(nn.Module):
    def forward(self, x: torch.Tensor) -> list[float]:
        return x.tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize(("inner", "operator"), [(Deciding, "_local_scalar_dense"), (Listing, "tolist")])
@pytest.mark.parametrize("inference", [False, True])
def test_what_needs_values_is_refused_by_the_name_of_its_module(
    inner: type[nn.Module], operator: str, inference: bool
) -> None:
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(4, 4), inner())
        x = torch.zeros(2, 4)
    with (
        torch.inference_mode(inference),
        shape_only(model),
        pytest.raises(ModelError, match=rf"1 \({inner.__name__}\) decides by the values of a tensor \({operator}\)"),
    ):
        model(x)


def test_a_mask_that_follows_from_values_is_refused() -> None:
    x = torch.zeros(3, 4, device="meta")
    with shape_only(), pytest.raises(ModelError, match="decides by the values"):
        x[x > 0]


def test_integers_stay_on_the_cpu_wherever_they_are_sent() -> None:
    x = torch.zeros(2, 5, 8, device="meta")
    with shape_only():
        made = [
            torch.arange(5, device=x.device),
            torch.tensor([3, 1], device="meta"),
            torch.as_tensor([True], device="meta"),
            x.new_tensor([1, 2]),
            x.new_ones(3, dtype=torch.bool),
            torch.ones_like(x[..., 0], dtype=torch.long),
            torch.tensor([1, 2]).to("meta"),
            torch.tensor([1, 2]).to(device="meta", dtype=torch.int32),
            torch.linspace(0, 4, 5, device="meta").round().long(),
            torch.isnan(x).any(),
        ]
        floats = [torch.tensor(1.0, device="meta"), x.new_zeros(3), torch.arange(3).to("meta", torch.float32), x.cpu()]
    assert [item.device.type for item in made] == ["cpu"] * len(made)
    assert made[-2].tolist() == [0, 1, 2, 3, 4]
    assert not made[-1]
    assert all(item.is_meta for item in floats)


def test_pictures_go_where_a_bool_mask_on_the_cpu_says() -> None:
    embeddings, features = torch.zeros(2, 5, 8, device="meta"), torch.zeros(3, 8, device="meta")
    mask = torch.tensor([[0, 1, 1, 0, 0], [0, 0, 0, 0, 1]]).bool()
    with shape_only():
        embeddings[mask] = features
        assert embeddings[mask].shape == (3, 8)
        assert embeddings.masked_scatter(mask[..., None], features).shape == (2, 5, 8)
        assert torch.masked_select(embeddings[..., 0], mask).shape == (3,)


def test_attention_on_shapes_that_do_not_fit_raises_as_torch_does() -> None:
    query, key = torch.zeros(1, 2, 5, 8, device="meta"), torch.zeros(1, 2, 5, 4, device="meta")
    with shape_only(), pytest.raises(RuntimeError):
        nn.functional.scaled_dot_product_attention(query, key, key)


def test_writing_unknown_values_into_a_cpu_tensor_is_said() -> None:
    target = torch.zeros(4, dtype=torch.long)
    with shape_only() as mode:
        target.copy_(torch.zeros(4, device="meta"))
    assert target.tolist() == [0, 0, 0, 0]
    assert "keeps its old ones" in mode.notices[0]


def test_nothing_is_left_behind() -> None:
    with shape_only():
        pass
    assert torch.arange(3, device="meta").is_meta


PROGRAM = """
import resource
import torch
from PIL import Image
import inspector
session = inspector.load("preset:Qwen2.5-VL-72B")
trace = session.trace("What is this?", images=[Image.new("RGB", (1280, 960))])
assert trace.failure is None and len(trace.calls) > 1000, trace
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_72_billion_parameters_take_little_memory() -> None:
    """Measured 0.6 GB. `tests/benchmarks/shape_only.py` has the time, which says nothing on a busy machine."""
    result = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert float(result.stdout) < 2e6
