"""Attention on demand is what eager attention computes, whichever kernel ran."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import inspector
from inspector import Trace, TraceError
from inspector.analysis.attention import Attention, entropy, top
from inspector.analysis.kernels import NEEDED, Kernel, in_vision, kernels
from inspector.analysis.layers import choose
from tests.attention_cases import (
    EAGER_ALONE,
    PICTURES,
    STEPS,
    TEXTS,
    eager,
    model,
    pictures,
    recorded,
    text,
)

CASES = [
    *((name, "eager", "text", batch) for name in TEXTS for batch in (False, True)),
    *((name, "sdpa", "text", batch) for name in TEXTS if name not in EAGER_ALONE for batch in (False, True)),
    *(
        (name, attention, "one", batch)
        for name in PICTURES
        for attention in ("sdpa", "eager")
        for batch in (False, True)
    ),
    *((name, "sdpa", "three", False) for name in PICTURES[:3]),
]


def inputs(name: str, kind: str, batch: bool) -> dict[str, Tensor]:
    return text(batch) if kind == "text" else pictures(name, kind, batch)


def whole(pieces: list[Tensor]) -> Tensor:
    """The weights of kernel calls on the diagonal of one matrix, as if the kernel had been called once."""
    if len(pieces) == 1:
        return pieces[0]
    rows, columns = (sum(piece.shape[axis] for piece in pieces) for axis in (2, 3))
    found = torch.zeros(*pieces[0].shape[:2], rows, columns, dtype=pieces[0].dtype)
    row = column = 0
    for piece in pieces:
        found[:, :, row : row + piece.shape[2], column : column + piece.shape[3]] = piece
        row, column = row + piece.shape[2], column + piece.shape[3]
    return found


def pairs(trace: Trace, weights: dict[str, list[Tensor]]) -> Iterator[tuple[Kernel, Tensor]]:
    """Every attention call of a trace with what eager attention computed for it."""
    left = {path: list(items) for path, items in weights.items()}
    for step in range(1 + max(call.step for call in trace.calls)):
        for kernel in kernels(trace, step):
            lengths = kernel.tensor("lengths")
            count = 1 if lengths is None else len(lengths)
            real = whole([left[kernel.path].pop(0) for _ in range(count)])
            for _ in range(1, int(kernel.number("calls") or 1)):
                assert torch.equal(left[kernel.path].pop(0), real), "the same queries and keys, for other values"
            yield kernel, real
    assert not any(left.values()), "every kernel call was recorded"


@pytest.mark.parametrize(("name", "attention", "kind", "batch"), CASES)
def test_probabilities_are_those_of_eager_attention(name: str, attention: str, kind: str, batch: bool) -> None:
    given = inputs(name, kind, batch)
    trace = recorded(model(name, attention), given)
    compared = 0
    for kernel, real in pairs(trace, eager(model(name, "eager"), given).weights):
        for row in range(kernel.batch):
            on_demand = Attention(kernel, row)
            assert on_demand.mask.spans is not None
            sees = torch.from_numpy(on_demand.mask.spans.counts() > 0)
            for head in range(kernel.heads):
                found = on_demand.probabilities(head)
                if attention == "eager":
                    torch.testing.assert_close(found, real[row, head], rtol=1e-5, atol=1e-6)
                torch.testing.assert_close(found[sees], real[row, head][sees], rtol=1e-5, atol=1e-6)
                assert attention == "eager" or not found[~sees].any(), "sdpa gives nothing to a query that sees nothing"
                compared += 1
    assert compared > STEPS


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_in_half_precision_it_differs_from_eager_by_no_more_than_eagers_own_rounding(dtype: torch.dtype) -> None:
    given = text()
    trace = recorded(model("qwen2", "eager", dtype), given)
    ours = theirs = 0.0
    for kernel, real in pairs(trace, eager(model("qwen2", "eager", dtype), given).weights):
        for head in range(kernel.heads):
            query, key = kernel.state("query", 0, head), kernel.state("key", 0, head // kernel.group)
            scores = query.double() @ key.double().T * kernel.scaling
            mask = kernel.tensor("mask")
            exact = (scores if mask is None else scores + mask[0, 0].double()).softmax(-1)
            ours = max(ours, float((Attention(kernel).probabilities(head) - exact).abs().max()))
            theirs = max(theirs, float((real[0, head] - exact).abs().max()))
    assert ours < 1e-6 < theirs


@pytest.mark.parametrize("name", ["gemma3_sliding", "qwen2_5_vl"])
def test_the_kernels_output_follows_from_what_was_recorded(name: str) -> None:
    given = text(True) if name == "gemma3_sliding" else pictures(name, "three")
    trace = recorded(model(name), given, values=("*:attention.*", "*.o_proj:input*", "*.attn.proj:input*"))
    for step in range(STEPS):
        for kernel in kernels(trace, step):
            inner = [trace.calls[index] for index in trace.children(kernel.call.index)]
            (output,) = [call for call in inner if call.path.endswith(("o_proj", ".proj"))]
            real = trace.value(output, "input.input").reshape(kernel.batch, kernel.queries, kernel.heads, -1)
            for row in range(kernel.batch):
                for head in range(kernel.heads):
                    value = kernel.state("value", row, head // kernel.group)
                    made = Attention(kernel, row).probabilities(head) @ value
                    torch.testing.assert_close(made, real[row, :, head], rtol=1e-4, atol=1e-5)


def test_a_second_conversation_has_a_cache_of_its_own() -> None:
    runs = text(), text(True)
    trace = recorded(model("qwen2"), *runs)
    for kernel, real in pairs(trace, eager(model("qwen2", "eager"), *runs).weights):
        found = Attention(kernel, kernel.batch - 1).probabilities(3)
        torch.testing.assert_close(found, real[-1, 3], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["qwen2", "gemma3_sliding", "llama4_chunks"])
def test_masks_need_not_be_kept(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule by which transformers made a mask says as much, also how its kernel treats a query that sees nothing."""
    given = text(True)
    monkeypatch.setattr("inspector.recording.probes.SMALL", 0)
    for attention in ("sdpa", "eager"):
        whole = recorded(model(name, attention), given)
        lean = recorded(model(name, attention), given, values=NEEDED)
        for step in (0, STEPS - 1):
            for one, other in zip(kernels(whole, step), kernels(lean, step), strict=True):
                assert attention == "sdpa" or other.tensor("mask") is None
                expected, found = Attention(one).probabilities(1), Attention(other).probabilities(1)
                torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-7)


def test_one_query_of_all_heads_some_queries_of_one_head_and_sums_agree() -> None:
    kernel = choose(recorded(model("gemma3_sliding"), text(True)), "1")
    attention = Attention(kernel, 1)
    heads = torch.stack([attention.probabilities(head) for head in range(kernel.heads)])
    torch.testing.assert_close(attention.of_query(9), heads[:, 9])
    torch.testing.assert_close(attention.probabilities(2, range(3, 14, 5)), heads[2, 3:14:5])
    torch.testing.assert_close(attention.entropies(2, range(4, 9)), entropy(heads[2, 4:9]))
    torch.testing.assert_close(attention.entropies(0), entropy(heads[0]))
    received = heads[3].sum(0) / (heads[3] > 0).sum(0)
    torch.testing.assert_close(attention.received(3), received)


def test_pieces_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = choose(recorded(model("gemma3_sliding"), text(True)), "0")
    for row in (0, 1):
        expected = Attention(kernel, row).probabilities(1), Attention(kernel, row).received(1)
        monkeypatch.setattr("inspector.analysis.attention.PIECE", 20)
        found = Attention(kernel, row).probabilities(1), Attention(kernel, row).received(1)
        torch.testing.assert_close(found, expected)
        monkeypatch.undo()


def test_entropy_and_the_most_attended() -> None:
    even, sharp = torch.full((4,), 0.25), torch.tensor([0.0, 1.0, 0.0, 0.0])
    assert entropy(torch.stack([even, sharp])).tolist() == pytest.approx([1.3863, 0], abs=1e-4)
    assert [(item.key, item.probability) for item in top(torch.tensor([0.2, 0.5, 0.0, 0.3]), 9)] == [
        (1, 0.5),
        (3, pytest.approx(0.3)),
        (0, pytest.approx(0.2)),
    ]
    assert top(torch.full((3,), torch.nan), 2) == []


def masked(attention: str, mask: Tensor, **options: Any) -> Kernel:
    """The first layer of a forward with a mask of the user's own, [1, 1, queries, keys]."""
    subject = model("qwen2", attention)
    with inspector.capture(subject, values="*:attention.*", **options) as trace, torch.no_grad():
        subject(input_ids=torch.arange(1, 6)[None], attention_mask=mask)
    return choose(trace, "0")


def test_a_query_without_keys_gets_what_its_kernel_gives() -> None:
    seen = torch.ones(1, 1, 5, 5, dtype=torch.bool).tril()
    seen[..., 2, :] = False
    infinite = torch.zeros(1, 1, 5, 5).masked_fill(~seen, -torch.inf)
    finite = torch.zeros(1, 1, 5, 5).masked_fill(~seen, torch.finfo(torch.float32).min)
    assert not Attention(masked("sdpa", seen)).probabilities(0)[2].any()
    assert not Attention(masked("sdpa", infinite)).probabilities(0)[2].any()
    assert Attention(masked("eager", infinite)).probabilities(0)[2].isnan().all()
    for attention in ("sdpa", "eager"):
        assert Attention(masked(attention, finite)).probabilities(0)[2].tolist() == pytest.approx([0.2] * 5)


def test_eager_attention_adds_a_bool_mask_and_so_hides_nothing() -> None:
    kernel = masked("eager", torch.ones(1, 1, 5, 5, dtype=torch.bool).tril())
    attention = Attention(kernel)
    assert attention.mask.pattern == "every key"
    assert "nothing is hidden" in attention.mask.reason
    assert (attention.probabilities(0) > 0).all()


def test_a_saved_trace_has_the_same_attention(tmp_path: Path) -> None:
    trace = recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl"))
    opened = Trace.open(trace.save(tmp_path / "trace"))
    for step in (0, STEPS - 1):
        for one, other in zip(kernels(trace, step), kernels(opened, step), strict=True):
            assert torch.equal(Attention(one).probabilities(1), Attention(other).probabilities(1))
    growing = [key for key in opened.values if key.endswith("/attention.key")]
    assert len(growing) == len(kernels(trace, 0)), "keys are on disk once, and not once a step"


def test_what_was_not_kept_is_said_with_what_to_do() -> None:
    kernel = choose(recorded(model("qwen2"), text(), values=()), "0", 1)
    with pytest.raises(TraceError, match=r"attention.key was not kept.*--values '\*:attention.query'"):
        Attention(kernel).probabilities(0)


def test_layers_are_named_by_number_or_path() -> None:
    trace = recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl"))
    assert choose(trace, "").path == choose(trace, "1").path == "model.language_model.layers.1.self_attn"
    assert choose(trace, "vision.0").path == choose(trace, "model.visual.blocks.0.attn").path
    assert in_vision(trace, "model.visual.blocks.0.attn")
    with pytest.raises(inspector.InputError, match=r"no layer 7; this step has 0 to 1 and vision.0 to vision.1"):
        choose(trace, "7")
    with pytest.raises(inspector.InputError, match=r"Did you mean model.visual.blocks"):
        choose(trace, "model.visual.blocks.9.attn")
    with pytest.raises(inspector.InputError, match="no step 9"):
        choose(trace, "", 9)
    assert choose(trace, "", 2).queries == 1
