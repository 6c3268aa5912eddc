"""The same on a GPU: the outputs' bits, times that nobody waits for, memory, and values that move to the host."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
import torch

import inspector
from inspector import Session
from inspector.recording import Recorder, Wanted
from tests.fakes import picture, save_tiny, tiny
from tests.recording.modules import hooks_of

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")]

LEVELS: dict[str, dict[str, Any]] = {"shapes": {}, "stats": {"stats": True}, "values": {"values": ("*",)}}
ONE_CALL_OF_EACH = ("model.layers.0.mlp", "model.layers.1.mlp")


@pytest.fixture(scope="module")
def vision(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return inspector.load(save_tiny("qwen2_5_vl", tmp_path_factory.mktemp("vl")), dtype="bfloat16")


@pytest.fixture(scope="module")
def model() -> Any:
    return tiny("qwen2", dtype=torch.bfloat16).to("cuda")


@pytest.fixture
def ids() -> torch.Tensor:
    return torch.arange(12, device="cuda")[None]


def test_auto_takes_the_gpu(vision: Session) -> None:
    assert vision.info.device.startswith("cuda")
    trace = vision.trace("Hi", images=picture())
    assert {call.path for call in trace.calls if call.seconds is None} == set()
    assert trace.calls[0].outputs["output.logits"].device.startswith("cuda")  # type: ignore[union-attr]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@torch.no_grad()
def test_outputs_while_instrumented_are_those_of_the_bare_model(
    dtype: torch.dtype, attention: str, level: str, ids: torch.Tensor
) -> None:
    subject = tiny("qwen2", dtype=dtype, attention=attention).to("cuda")
    bare = subject(ids).logits
    with inspector.capture(subject, **LEVELS[level]) as trace:
        instrumented = subject(ids).logits
    assert torch.equal(bare, instrumented)
    assert hooks_of(subject) == 0
    if level == "values":
        kept = trace.value(0, "output.logits")
        assert kept.device.type == "cpu"
        assert torch.equal(kept, bare.cpu())


def test_times_are_the_devices_and_nest(vision: Session) -> None:
    trace = vision.trace("Hi", images=picture(224, 224))
    for call in trace.calls:
        inner = [trace.calls[child].seconds or 0.0 for child in trace.children(call.index)]
        assert call.seconds is not None
        assert call.seconds >= 0
        assert sum(inner) <= call.seconds * 1.01 + 1e-5


def waits(forward: Callable[[], Any], recording: AbstractContextManager[Any]) -> int:
    """How many operations of a forward made the processor wait for the device."""
    with recording, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            forward()
        finally:
            torch.cuda.set_sync_debug_mode("default")
    return sum("synchroniz" in str(warning.message) for warning in caught)


@pytest.mark.parametrize("level", LEVELS)
@torch.no_grad()
def test_no_module_waits_for_the_device(level: str, model: Any, ids: torch.Tensor) -> None:
    """More than the bare forward does by itself."""
    model(ids)
    bare = waits(lambda: model(ids), nullcontext())
    assert waits(lambda: model(ids), Recorder(model, Wanted(**LEVELS[level]))) == bare


def test_statistics_are_those_of_the_values(model: Any, ids: torch.Tensor) -> None:
    with inspector.capture(model, stats=True) as measured, torch.no_grad():
        model(ids)
    with inspector.capture(model, values="*") as kept, torch.no_grad():
        model(ids)
    for path in ONE_CALL_OF_EACH:
        one, other = (trace.call(path).outputs["output"].stats for trace in (measured, kept))  # type: ignore[union-attr]
        assert one is not None
        assert other is not None
        assert (one.min, one.max, one.nan, one.inf) == (other.min, other.max, other.nan, other.inf)
        assert (one.mean, one.std) == pytest.approx((other.mean, other.std), rel=1e-4, abs=1e-6)


def test_every_call_has_the_devices_memory(model: Any, ids: torch.Tensor) -> None:
    with inspector.capture(model, stats=True) as trace, torch.no_grad():
        model(ids)
    held = sum(parameter.nbytes for parameter in model.parameters())
    assert all(call.memory is not None and call.memory >= held for call in trace.calls)


@torch.no_grad()
def test_values_leave_the_device_and_go_to_disk_beyond_the_budget() -> None:
    part = torch.nn.Sequential(*[torch.nn.Linear(1024, 1024, device="cuda") for _ in range(6)])
    x = torch.randn(1024, 1024, device="cuda")
    with inspector.capture(part, values="*", budget=2 * x.nbytes) as trace:
        expected = part(x)
    before = torch.cuda.memory_allocated()
    assert any("went to disk" in notice for notice in trace.notices)
    assert torch.equal(trace.value(0), expected.cpu())
    hidden = x
    for number, layer in enumerate(part):
        hidden = layer(hidden)
        assert torch.equal(trace.value(trace.call(str(number))), hidden.cpu())
    assert torch.cuda.memory_allocated() <= before + hidden.nbytes


def test_random_weights_are_made_on_the_device() -> None:
    session = inspector.load("preset:Qwen2.5-0.5B", random_weights=True, dtype="bfloat16")
    assert session.info.device.startswith("cuda")
    assert session.info.dtype == "bfloat16"
    trace = session.trace("Hi")
    assert trace.failure is None
    assert len(trace.calls) > 300


def test_a_failure_is_told_with_its_trace(vision: Session) -> None:
    with pytest.raises(inspector.ForwardError) as caught:
        vision.trace(inputs={"inputs_embeds": torch.ones(1, 3, 7)})
    assert caught.value.trace.failure is not None
    assert hooks_of(vision.model) == 0
