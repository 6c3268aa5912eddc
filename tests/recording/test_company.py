"""A recording in the company of whatever else a program does with its modules: the program must not notice it."""

from __future__ import annotations

import copy
from threading import Thread

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

import inspector
from inspector import InputError, ModelError
from tests.fakes import tiny
from tests.recording.modules import Breaks, Model, Returns, hooks_of


class Careful(nn.Module):
    """Goes on without its child where that fails."""

    def __init__(self, child: nn.Module) -> None:
        super().__init__()
        self.child = child

    def forward(self, x: Tensor) -> Tensor:
        try:
            return self.child(x)
        except ValueError:
            return x


def test_somebody_elses_hook_that_raises_first_is_none_of_ours() -> None:
    def refuse(module: nn.Module, args: object) -> None:
        raise ValueError("not today")

    model = Model(part=Careful(nn.Linear(2, 2)), last=nn.Linear(2, 2))
    model.part.child.register_forward_pre_hook(refuse)
    with inspector.capture(model) as trace:
        model(torch.ones(1, 2))
    assert [(call.path, call.error) for call in trace.calls] == [("", None), ("part", None), ("last", None)]
    assert trace.failure is None


def test_calls_on_other_threads_are_left_out_and_said_to_be() -> None:
    model = tiny("llama")
    ids = torch.arange(4)[None]
    results: list[Tensor] = []
    threads = [Thread(target=lambda: results.append(model(ids).logits)) for _ in range(4)]
    expected = model(ids).logits
    with inspector.capture(model) as trace, torch.no_grad():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(results) == 4
    assert all(torch.equal(result, expected) for result in results)
    assert all(call.parent is None or trace.calls[call.parent].depth == call.depth - 1 for call in trace.calls)


def test_a_copy_made_inside_the_block_works_there_and_afterwards() -> None:
    model = Model(part=nn.Linear(2, 2))
    with inspector.capture(model) as trace:
        twin = copy.deepcopy(model)
        twin(torch.ones(1, 2))
        model(torch.ones(1, 2))
    twin(torch.ones(1, 2))
    assert [call.path for call in trace.calls] == ["", "part"]
    assert any("copies" in notice for notice in trace.notices)


def test_gradient_checkpointing_is_no_failure() -> None:
    class Checkpointed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.part = Model(one=nn.Linear(2, 2), two=nn.Linear(2, 2))

        def forward(self, x: Tensor) -> Tensor:
            return checkpoint(self.part, x, use_reentrant=False)

    model = Checkpointed()
    with inspector.capture(model) as trace:
        model(torch.ones(1, 2, requires_grad=True)).sum().backward()
    assert trace.failure is None
    assert all(call.error is None for call in trace.calls)
    assert model.part.one.weight.grad is not None


def test_a_failure_that_was_followed_by_a_good_forward_is_not_the_traces() -> None:
    model = Model(part=nn.Linear(3, 3))
    with inspector.capture(model) as trace:
        with pytest.raises(RuntimeError):
            model(torch.ones(1, 4))
        model(torch.ones(1, 3))
    assert trace.failure is None
    assert [call.error for call in trace.calls] == ["RuntimeError", "RuntimeError", None, None]


def test_a_compiled_module_runs_uncompiled_and_is_recorded() -> None:
    model = Model(part=torch.compile(Model(inner=nn.Linear(2, 2)), backend="eager"))
    with inspector.capture(model) as trace:
        model(torch.ones(1, 2))
    assert any(call.path.endswith("inner") for call in trace.calls)
    assert any("compiled" in notice for notice in trace.notices)


def test_torchscript_takes_no_hooks_and_the_rest_is_recorded() -> None:
    model = Model(part=torch.jit.trace(nn.Linear(2, 2), torch.ones(1, 2)), last=nn.Linear(2, 2))
    with inspector.capture(model) as trace:
        model(torch.ones(1, 2))
    assert [call.path for call in trace.calls] == ["", "last"]
    assert any("TorchScript" in notice for notice in trace.notices)


def test_the_line_of_a_failure_is_the_modules_and_not_its_helpers() -> None:
    def check(x: Tensor) -> None:
        if x.shape[-1] != 3:
            raise ValueError("three were expected")

    class Checks(nn.Module):
        def forward(self, hidden_states: Tensor) -> Tensor:
            check(hidden_states)
            return hidden_states

    model = Model(part=Checks())
    with pytest.raises(ValueError, match="three"), inspector.capture(model) as trace:
        model(torch.ones(1, 2))
    assert trace.failure is not None
    assert trace.failure.code == "check(hidden_states)"
    assert str(trace.failure.ports["local.hidden_states"]) == "f32[1,2]"


def test_small_values_keep_to_the_budget_too() -> None:
    parts = {f"part{number}": Returns(lambda x: x + 1) for number in range(30)}
    model = Model(**parts)
    with inspector.capture(model, values="*", budget=2**20) as trace:
        model(torch.zeros(256, 256))
    assert any("went to disk" in notice for notice in trace.notices)
    assert [trace.value(number).max().item() for number in (1, 15, 30)] == [1, 15, 30]


def test_a_glob_that_matches_nothing_is_said_to() -> None:
    model = Model(part=nn.Linear(2, 2))
    with inspector.capture(model, values=("prat", "part:output[7]")) as trace:
        model(torch.ones(1, 2))
    assert any("'prat'" in notice and "part" in notice for notice in trace.notices)
    assert any("'part:output[7]'" in notice for notice in trace.notices)


@pytest.mark.parametrize("asked", [{"budget": "1GB"}, {"budget": -5}, {"budget": 1.5}, {"values": 3}, {"values": (3,)}])
def test_what_is_no_request_is_refused_before_anything_runs(asked: dict[str, object]) -> None:
    model = Model(part=nn.Linear(2, 2))
    with pytest.raises(InputError), inspector.capture(model, **asked):  # type: ignore[arg-type]
        pass
    assert hooks_of(model) == 0


@pytest.mark.parametrize("thing", [None, len, "model"])
def test_what_is_no_module_cannot_be_captured(thing: object) -> None:
    with pytest.raises(ModelError, match=r"torch\.nn\.Module"), inspector.capture(thing):  # type: ignore[arg-type]
        pass


def test_a_callback_that_raises_stops_the_forward_with_its_own_error() -> None:
    from inspector.recording import Recorder

    def stop(calls: int) -> None:
        raise LookupError("enough")

    model = Model(part=Breaks())
    with pytest.raises(LookupError, match="enough"), Recorder(model, on_call=stop):
        model(torch.ones(1, 3))
    assert hooks_of(model) == 0
