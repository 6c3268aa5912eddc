"""The mask of a kernel call by hand: of what it was told in place of a mask, and of tensors of every form."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from inspector import Call, TensorInfo, Trace
from inspector.analysis.kernels import Kernel, kernel_of
from inspector.analysis.masks import applied
from inspector.trace import MemoryValues
from tests.attention_cases import dense
from tests.traces import model_info


def told(kernel: str, queries: int, keys: int, mask: Tensor | None = None, **arguments: Any) -> Kernel:
    """A kernel call by hand, with arguments that are numbers or tensors."""
    values = MemoryValues()
    inputs: dict[str, Any] = {
        "attention.kernel": kernel,
        "attention.query": TensorInfo((1, 2, queries, 4), "float32", "cpu"),
        "attention.key": TensorInfo((1, 2, keys, 4), "float32", "cpu"),
        "attention.mask": None,
    }
    for name, item in {"mask": mask, **arguments}.items():
        inputs[f"attention.{name}"] = item
        if isinstance(item, Tensor):
            values[name] = item
            dtype = str(item.dtype).removeprefix("torch.")
            inputs[f"attention.{name}"] = TensorInfo(tuple(item.shape), dtype, "cpu", value=name)
    call = Call(0, 0, None, 0, "attention", "Attention", "attention", inputs, {})
    found = kernel_of(Trace(model_info(), calls=[call], values=values), call)
    assert found is not None
    return found


def test_flash_attention_is_causal_from_the_end() -> None:
    assert (dense(applied(told("flash_attention_2", 2, 5, is_causal=True)).spans) == np.tri(2, 5, 3, dtype=bool)).all()
    found = applied(told("flash_attention_2", 5, 5, is_causal=True, sliding_window=2))
    assert found.pattern == "causal, within a sliding window of 2"
    assert "sliding window of 2" in found.reason
    both = dense(applied(told("flash_attention_2", 5, 5, is_causal=False, sliding_window=2)).spans)
    index = np.arange(5)
    assert (both == (abs(index[:, None] - index) <= 1)).all()
    assert applied(told("flash_attention_2", 5, 5, is_causal=True, sliding_window=5)).pattern == "causal"


def test_flash_attention_of_packed_sequences() -> None:
    lengths = torch.tensor([0, 2, 5], dtype=torch.int32)
    blocks = dense(
        applied(told("flash_attention_3", 5, 5, is_causal=False, cu_seq_lens_q=lengths, cu_seq_lens_k=lengths)).spans
    )
    expected = np.zeros((5, 5), bool)
    expected[:2, :2] = expected[2:, 2:] = True
    assert (blocks == expected).all()
    found = applied(told("flash_attention_2", 5, 5, is_causal=True, position_ids=torch.tensor([[0, 1, 0, 1, 2]])))
    assert (dense(found.spans) == (expected & np.tri(5, dtype=bool))).all()
    assert "packed" in found.reason
    assert (
        applied(told("flash_attention_2", 3, 3, is_causal=True, position_ids=torch.tensor([[4, 5, 6]]))).pattern
        == "causal"
    )


def test_flash_attention_leaves_padding_out() -> None:
    padding = torch.tensor([[0, 0, 1, 1]])
    found = applied(told("flash_attention_2", 4, 4, padding, is_causal=True))
    expected = np.tri(4, dtype=bool)
    expected[:, :2] = expected[:2] = False
    assert (dense(found.spans) == expected).all()
    assert "padding is left out" in found.reason


def test_kernels_without_a_mask() -> None:
    assert applied(told("sdpa", 4, 4, is_causal=False)).pattern == "every key"
    static = applied(told("sdpa", 3, 8, is_causal=True))
    assert (dense(static.spans) == np.tri(3, 8, dtype=bool)).all(), "keys behind the last query are cut off"
    assert applied(told("eager", 4, 4, is_causal=True)).pattern == "every key"
    assert "adds none of its own" in applied(told("eager", 4, 4, is_causal=True)).reason


def test_a_mask_that_was_neither_kept_nor_seen_being_made_is_not_known() -> None:
    kernel = told("sdpa", 4, 4)
    inputs = {**kernel.call.inputs, "attention.mask": TensorInfo((1, 1, 4, 4), "float32", "cpu")}
    call = Call(0, 0, None, 0, "attention", "Attention", None, inputs, {})
    other = kernel_of(Trace(model_info(), calls=[call]), call)
    assert other is not None
    found = applied(other)
    assert (found.spans, found.source, found.pattern) == (None, "unknown", "not known")
    assert "--values 'attention:attention.mask'" in found.reason
    words_alone = {**inputs, "attention.mask": "3 masks, one for each kernel call"}
    call = Call(0, 0, None, 0, "attention", "Attention", None, words_alone, {})
    other = kernel_of(Trace(model_info(), calls=[call]), call)
    assert other is not None
    assert applied(other).spans is None


def test_masks_that_differ_between_heads_or_spread_over_queries() -> None:
    heads = torch.stack([torch.ones(3, 3), torch.ones(3, 3).tril()]).bool()[None]
    kernel = told("sdpa", 3, 3, heads)
    assert (applied(kernel, 0, 0).pattern, applied(kernel, 0, 1).pattern) == ("every key", "causal")
    wide = told("sdpa", 3, 4, torch.tensor([[[[True, True, False, True]]]]))
    assert applied(wide).pattern == "every key, 1 hidden key"
    assert applied(wide).spans.queries == 3  # type: ignore[union-attr]
