"""The model that is inspected is the model that runs: its outputs are the same bits, and nothing stays attached."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

import pytest
import torch
from torch import Tensor

import inspector
from inspector import Cancelled, Family, ForwardError, Request, Session
from inspector.models import Source
from tests.fakes import IMAGE_TEXT_MODELS, VOCABULARY, picture, save_tiny, tiny
from tests.recording.modules import hooks_of

FAMILIES = {
    "qwen2": "qwen2",
    "qwen2_5_vl": "qwen2_5_vl",
    "gemma3_text": "generic",
    "gpt2": "generic",
    "llama": "generic",
    "llava": "generic",
    "mixtral": "generic",
    "qwen3": "generic",
}
LEVELS: dict[str, dict[str, Any]] = {"shapes": {}, "stats": {"stats": True}, "values": {"values": "*"}}
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@cache
def model(name: str, attention: str, dtype: str) -> Any:
    return tiny(name, attention=attention, dtype=DTYPES[dtype])


@cache
def inputs(name: str) -> dict[str, Tensor]:
    """A batch of two, the first padded on the left; with two pictures of different sizes where the model sees."""
    if name not in IMAGE_TEXT_MODELS:
        ids = torch.randint(0, VOCABULARY - 64, (2, 9), generator=torch.Generator().manual_seed(0))
        mask = torch.ones_like(ids)
        mask[0, :3] = 0
        return {"input_ids": ids, "attention_mask": mask}
    with TemporaryDirectory() as folder:
        source = Source(name, "directory", path=save_tiny(name, folder, weights=False))
        config = model(name, "sdpa", "float32").config
        request = Request(("Hi", "What is it?"), images=(picture(84, 56), picture(56, 112)))
        return Family().inputs(request, Family().processor(source, config), config).tensors


def prefill_and_decode(model: Any, given: dict[str, Tensor]) -> list[Tensor]:
    """The logits of a prefill and of one step on its cache, and every tensor of that cache."""
    cast = {name: item.to(model.dtype) if item.is_floating_point() else item for name, item in given.items()}
    first = model(**cast, use_cache=True)
    token = first.logits[:, -1:].argmax(dim=-1)
    second = model(input_ids=token, past_key_values=first.past_key_values, use_cache=True)
    cache = [tensor for layer in second.past_key_values.layers for tensor in (layer.keys, layer.values)]
    return [first.logits, second.logits, *cache]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("name", FAMILIES)
@torch.no_grad()
def test_outputs_while_instrumented_are_those_of_the_bare_model(
    name: str, attention: str, dtype: str, level: str
) -> None:
    subject, given = model(name, attention, dtype), inputs(name)
    bare = prefill_and_decode(subject, given)
    own = hooks_of(subject)  # transformers attaches hooks of its own to some vision towers, in their first forward
    with inspector.capture(subject, **LEVELS[level]) as trace:
        assert hooks_of(subject) > own
        instrumented = prefill_and_decode(subject, given)
    assert hooks_of(subject) == own
    assert trace.model.family == FAMILIES[name]
    assert trace.model.attention == attention
    for one, other in zip(bare, instrumented, strict=True):
        assert torch.equal(one, other)
    assert trace.calls[0].outputs["output.logits"].dtype == dtype  # type: ignore[union-attr]
    if level == "values":
        assert torch.equal(trace.value(0, "output.logits"), bare[0])


@pytest.mark.parametrize("level", LEVELS)
@torch.no_grad()
def test_generate_makes_the_same_tokens(level: str) -> None:
    subject, given = model("qwen2", "sdpa", "float32"), inputs("qwen2")
    options = {"max_new_tokens": 5, "do_sample": False, "output_logits": True, "return_dict_in_generate": True}
    bare = subject.generate(**given, **options)
    with inspector.capture(subject, **LEVELS[level]) as trace:
        instrumented = subject.generate(**given, **options)
    assert {call.step for call in trace.calls} == {0, 1, 2, 3, 4}
    assert torch.equal(bare.sequences, instrumented.sequences)
    for one, other in zip(bare.logits, instrumented.logits, strict=True):
        assert torch.equal(one, other)


def test_gradients_are_the_same() -> None:
    def gradients(subject: Any) -> list[Tensor]:
        subject(**inputs("qwen2"), labels=inputs("qwen2")["input_ids"]).loss.backward()
        return [parameter.grad for parameter in subject.parameters()]

    bare, instrumented = gradients(tiny("qwen2")), tiny("qwen2")
    with inspector.capture(instrumented, stats=True, values="*"):
        found = gradients(instrumented)
    assert all(torch.equal(one, other) for one, other in zip(bare, found, strict=True))


@pytest.fixture(params=["qwen2", "qwen2_5_vl", "llama"], scope="module")
def session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Session:
    directory: Path = tmp_path_factory.mktemp("checkpoint")
    return inspector.load(save_tiny(request.param, directory))


@pytest.mark.parametrize("level", LEVELS)
def test_nothing_stays_attached_after_success(session: Session, level: str) -> None:
    session.trace("Hi", **LEVELS[level])
    assert hooks_of(session.model) == 0


@pytest.mark.parametrize("level", LEVELS)
def test_nothing_stays_attached_after_a_failure(session: Session, level: str) -> None:
    outside = {"input_ids": torch.tensor([[VOCABULARY]])}
    with pytest.raises(ForwardError) as caught:
        session.trace(inputs=outside, **LEVELS[level])
    assert caught.value.trace.failure is not None
    assert caught.value.trace.failure.path.endswith("embed_tokens")
    assert hooks_of(session.model) == 0


@pytest.mark.parametrize("level", LEVELS)
def test_nothing_stays_attached_after_a_cancellation(session: Session, level: str) -> None:
    cancel = Event()

    def stop(calls: int) -> None:
        if calls == 7:
            cancel.set()

    with pytest.raises(Cancelled):
        session.trace("Hi", on_call=stop, cancel=cancel, **LEVELS[level])
    assert hooks_of(session.model) == 0
    assert session.trace("Hi").failure is None, "the next forward is whole again"
