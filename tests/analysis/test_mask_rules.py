"""A mask by the rule that transformers makes it from, and the names of the patterns that masks show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import masking_utils as library

from inspector.analysis.mask_patterns import pattern
from inspector.analysis.mask_rules import NoRule, Place, hidden_runs, spans, words
from inspector.analysis.spans import Spans, from_rows, runs
from inspector.recording.mask_functions import describe
from tests.attention_cases import dense

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
    assert pattern(found).name == name


def test_hidden_keys_are_counted_by_side() -> None:
    assert hidden_runs(np.array([0, 0, 1, 0, 1, 1, 0], np.bool_)) == (2, 1, 1)
    assert hidden_runs(np.zeros(3, np.bool_)) == (3, 0, 0)
    assert hidden_runs(np.ones(3, np.bool_)) == (0, 0, 0)
