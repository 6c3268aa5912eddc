"""The mask that a call applied is told exactly, from a tensor, a rule or what the kernel was told in its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import masking_utils as library

from inspector import Call, TensorInfo, Trace
from inspector.analysis.kernels import Kernel, kernel_of, kernels
from inspector.analysis.layers import choose
from inspector.analysis.mask_rules import NoRule, Place, hidden_runs, pattern, spans, words
from inspector.analysis.masks import applied, left_out, maker, makers
from inspector.analysis.spans import Bools, Spans, from_rows, runs
from inspector.analysis.windows import windows as window_list
from inspector.recording.mask_functions import describe
from inspector.trace import MemoryValues
from tests.attention_cases import GRIDS, STEPS, WINDOW, forwards, model, pictures, recorded, text
from tests.traces import model_info


def dense(found: Spans | None) -> Bools:
    assert found is not None
    return found.part(range(found.queries), range(found.keys))


LEFT = torch.tensor([0, 3])
PADDING = torch.tensor([[1] * 12, [0, 0, 0, *[1] * 9]]).bool()
BLOCKS = torch.tensor([[-1, -1, 0, 0, 0, -1, 1, 1, -1, -1, -1, -1]] * 2)
PACKED = torch.tensor([[0] * 5 + [1] * 4 + [2] * 3] * 2)
POSITIONS = torch.tensor([[*range(5), *range(4), *range(3)]] * 2)
RULES: dict[str, Any] = {
    "causal": library.causal_mask_function,
    "full": library.bidirectional_mask_function,
    "all(window(4), causal)": library.sliding_window_causal_mask_function(4),
    "all(band(3), full)": library.sliding_window_bidirectional_mask_function(3),
    "all(chunks(5, left_padding), causal)": library.chunked_causal_mask_function(5, LEFT),
    "any(causal, blocks)": library.or_masks(library.causal_mask_function, library.blockwise_overlay(BLOCKS)),
    "all(window(4), any(causal, blocks))": library.and_masks(
        library.sliding_window_overlay(4),
        library.or_masks(library.causal_mask_function, library.blockwise_overlay(BLOCKS)),
    ),
    "all(packed, at(positions, causal))": library.packed_sequence_compatibility_function(
        library.causal_mask_function, POSITIONS, PACKED
    ),
    "all(packed, at(positions, all(window(3), causal)))": library.packed_sequence_compatibility_function(
        library.sliding_window_causal_mask_function(3), POSITIONS, PACKED
    ),
    "all(packed, at(positions, all(chunks(3, left_padding), causal)))": library.packed_sequence_compatibility_function(
        library.chunked_causal_mask_function(3, torch.tensor([0, 0])), POSITIONS, PACKED
    ),
}


@pytest.mark.parametrize("padding", [None, PADDING])
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_the_mask_that_transformers_makes_of_it(rule: str, padding: Tensor | None) -> None:
    read, tensors = describe(RULES[rule], padding)
    for queries, keys, query_offset, key_offset in ((12, 12, 0, 0), (1, 12, 11, 0), (3, 12, 9, 0), (4, 6, 8, 6)):
        if "packed" in rule and queries < 12:
            continue
        real = library.sdpa_mask(
            2, queries, keys, query_offset, key_offset, RULES[rule], padding, allow_is_causal_skip=False
        )
        for row in (0, 1):
            found = spans(read, tensors, Place(queries, keys, query_offset, key_offset, row))
            assert (dense(found) == real[row, 0].numpy()).all()
    if padding is None:
        assert read == rule


def test_a_rule_of_somebody_elses_is_named_and_not_guessed() -> None:
    read, tensors = describe(library.and_masks(library.causal_mask_function, lambda b, h, q, k: q < 5))
    assert "lambda" in read
    assert "not transformers' own" in words(read)
    with pytest.raises(NoRule):
        spans(read, tensors, Place(3, 3))


def test_groups_that_are_scattered_are_no_spans() -> None:
    with pytest.raises(NoRule, match="scattered"):
        spans("packed", {"packed": torch.tensor([[0, 1, 0]])}, Place(3, 3))


def test_rules_in_words() -> None:
    assert words("all(window(4096), causal, padding)") == "causal, within a sliding window of 4,096, without padding"
    assert words("any(causal, blocks)") == "(causal) or (within one picture)"
    assert (
        words("all(packed, at(positions, chunks(8, left_padding)))") == "within one packed sequence, within chunks of 8"
    )
    assert words("what is this") == "what is this"


def causal_within(size: int, offset: int = 0) -> Spans:
    index = np.arange(8) + offset
    return runs(index - size + 1, index + 1, 8, 8 + offset)


@pytest.mark.parametrize(
    ("found", "name"),
    [
        (runs(0, 9, 9, 9), "every key"),
        (runs(0, np.arange(9) + 1, 9, 9), "causal"),
        (runs(0, np.arange(3) + 7, 3, 9), "causal"),
        (runs(0, np.arange(6) + 1, 6, 9), "causal"),
        (causal_within(3), "causal, within a sliding window of 3"),
        (causal_within(3, 4), "causal, within a sliding window of 3"),
        (runs(np.arange(9) // 3 * 3, np.arange(9) + 1, 9, 9), "causal, within 3 blocks of 3"),
        (runs(np.arange(9) // 3 * 3, np.arange(9) // 3 * 3 + 3, 9, 9), "within 3 blocks of 3"),
        (runs([0, 0, 2, 2, 2, 5], [2, 2, 5, 5, 5, 6], 6, 6), "within 3 blocks"),
        (runs(0, 0, 3, 3), "nothing at all"),
        (from_rows(np.array([[1, 0, 1], [1, 1, 1]], np.bool_)), "irregular"),
        (causal_within(3).among(np.arange(8) > 1), "causal, within a sliding window of 3"),
    ],
)
def test_patterns_have_names(found: Spans, name: str) -> None:
    assert pattern(found) == name


def test_hidden_keys_are_counted_by_side() -> None:
    assert hidden_runs(np.array([0, 0, 1, 0, 1, 1, 0], np.bool_)) == (2, 1, 1)
    assert hidden_runs(np.zeros(3, np.bool_)) == (3, 0, 0)
    assert hidden_runs(np.ones(3, np.bool_)) == (0, 0, 0)


@pytest.mark.parametrize("name", ["qwen2", "gpt2", "gemma3_sliding", "llama4_chunks", "qwen2_5_vl", "gemma3"])
@pytest.mark.parametrize("batch", [False, True])
def test_masks_of_real_runs_are_those_of_eager_attention(
    name: str, batch: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eager attention always gets a tensor; what sdpa does with less must come to the same."""
    given = pictures(name, "one", batch) if name in ("qwen2_5_vl", "gemma3") else text(batch)
    by_sdpa, by_eager = (recorded(model(name, attention), given) for attention in ("sdpa", "eager"))
    monkeypatch.setattr("inspector.recording.probes.SMALL", 0)
    bare = recorded(model(name, "eager"), given, values=())
    compared = 0
    for step in range(STEPS):
        for one, other, rule in zip(kernels(by_sdpa, step), kernels(by_eager, step), kernels(bare, step), strict=True):
            for row in range(one.batch):
                expected = dense(applied(other, row).spans)
                assert (dense(applied(one, row).spans) == expected).all()
                assert (dense(applied(rule, row).spans) == expected).all()
                assert applied(rule, row).source in ("rule", "kernel")
                compared += 1
    assert compared >= STEPS


def test_why_a_mask_is_as_it_is() -> None:
    plain, padded = recorded(model("qwen2"), text()), recorded(model("qwen2"), text(True))
    prefill, decode = (applied(choose(plain, "0", step)) for step in (0, 1))
    assert prefill.pattern == "causal"
    assert "told is_causal" in prefill.reason
    assert "left out what comes to the same: create_causal_mask (causal, without padding)" in prefill.reason
    assert decode.pattern == "every key"
    assert "one query" in decode.reason
    kernel = choose(padded, "0")
    assert applied(kernel).pattern == "causal, 5 hidden keys"
    assert applied(kernel).rule == "causal, without padding"
    assert "bool[2,1,17,17], made by create_causal_mask" in applied(kernel).reason
    made = maker(kernel)
    assert made is not None
    assert (made.maker, made.skipped, left_out(kernel)) == ("create_causal_mask", False, [])


def test_kinds_of_layers_differ() -> None:
    trace = recorded(model("gemma3_sliding"), text(), values=())
    call = trace.call("model")
    assert [made.rule for made in makers(trace, call)] == [
        "all(causal, padding)",
        f"all(window({WINDOW}), causal, padding)",
    ]
    assert [made.skipped for made in makers(trace, call)] == [True, False]
    chunks = recorded(model("llama4_chunks"), text(), values=())
    assert {applied(kernel).pattern for kernel in kernels(chunks)} == {"causal", f"causal, within 3 blocks of {WINDOW}"}


def test_vision_windows_are_blocks() -> None:
    trace = recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl", "three"), values=())
    windows, frames = (applied(choose(trace, f"vision.{block}")) for block in (0, 1))
    assert windows.spans is not None
    assert frames.pattern == "within 3 blocks"
    assert sorted({int(count) for count in frames.spans.counts()}) == [12, 24, 80]  # type: ignore[union-attr]
    assert int(windows.spans.counts().max()) == 16
    assert f"calls its kernel {len(window_list(GRIDS['three'], 2, 2))} times" in windows.reason


def test_shape_only_knows_every_mask(tmp_path: Path) -> None:
    import inspector
    from tests.fakes import picture, save_tiny

    session = inspector.load(save_tiny("qwen2_5_vl", tmp_path), shape_only=True)
    trace = session.trace(["Hi", "Good morning"], images=[picture(84, 56), picture(60, 100)])
    padded = [applied(kernel, row) for kernel in kernels(trace) for row in range(kernel.batch)]
    assert all(found.spans is not None for found in padded)
    assert "causal, " in applied(choose(trace, "0"), 0).pattern + applied(choose(trace, "0"), 1).pattern


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


def test_a_static_cache_hides_the_places_that_are_still_empty() -> None:
    from transformers import StaticCache

    import inspector

    subject = model("qwen2")
    with inspector.capture(subject, values="*:attention.*") as trace, torch.no_grad():
        forwards(subject, text(), cache=StaticCache(config=subject.config, max_cache_len=24))
    counts = [int(applied(choose(trace, "0", step)).spans.counts()[-1]) for step in range(STEPS)]  # type: ignore[union-attr]
    assert counts == [17, 18, 19, 20]
