"""Whether a query may see a key, and why, in words."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import inspector
from inspector import Trace
from inspector.analysis.layers import choose
from inspector.analysis.mask_words import names_of, own_key, runs_seen, sight
from inspector.analysis.masks import applied
from inspector.views.masks import VIEW
from tests.attention_cases import WINDOW, model, pictures, recorded, text


def said(trace: Trace, query: int, key: int, *, layer: str = "0", row: int = 0, step: int = 0) -> str:
    kernel = choose(trace, layer, step)
    return sight(applied(kernel, row), names_of(kernel, row), query, key)


def test_causal_and_padded() -> None:
    trace = recorded(model("qwen2"), text(True), values=())
    assert "may see key 9 " in said(trace, 12, 9)
    assert said(trace, 12, 9).endswith("it stands 3 before the query. It sees 8 of 17 keys: 5–12.")
    assert "it comes 2 after the query, and the mask is causal" in said(trace, 12, 14)
    assert "it is padding, which is hidden from every query" in said(trace, 12, 2)
    assert "it is the query's own" in said(trace, 12, 12)
    assert said(trace, 2, 1, row=1).startswith("Query 2")


def test_a_query_that_is_padding_sees_nothing() -> None:
    words = said(recorded(model("qwen2", "eager"), text(True), values=()), 2, 9)
    assert "the query is padding itself" in words
    assert words.endswith("It sees none of 17 keys.")


def test_a_query_of_a_decoding_step_is_named_by_its_token() -> None:
    trace = recorded(model("qwen2"), text(), values=())
    assert said(trace, 0, 3, step=2).startswith("Query 0 (token 18")


@pytest.mark.parametrize(
    ("name", "query", "key", "because"),
    [
        ("gemma3_sliding", 12, 3, "it lies before the sliding window, which begins at key 7"),
        ("gemma3_sliding", 12, 9, f"it stands 3 before the query, within a sliding window of {WINDOW}"),
        ("llama4_chunks", 8, 3, "it lies in another block; the query's begins at key 6"),
        ("llama4_chunks", 8, 10, "it comes 2 after the query, and the mask is causal"),
    ],
)
def test_windows_and_chunks(name: str, query: int, key: int, because: str) -> None:
    assert f": {because}. It sees" in said(recorded(model(name), text(), values=()), query, key)


def test_patches_are_named_by_where_they_stand() -> None:
    """Window order is undone: the place of a patch in the picture is told, not its place among the queries."""
    trace = recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl", "three"), values=())
    words = said(trace, 0, 30, layer="vision.0")
    assert words.startswith("Query 0 (image 1, row 0, column 0) may not see key 30 (image 2, row 1, column 2)")
    assert "it lies behind the block of keys 0–" in words
    assert "both stand in the block of keys 0–" in said(trace, 1, 2, layer="vision.0")


def test_a_row_without_keys() -> None:
    seen = torch.ones(1, 1, 6, 6, dtype=torch.bool).tril()
    seen[..., 4, :] = False
    subject = model("qwen2")
    with inspector.capture(subject) as trace, torch.no_grad():
        subject(input_ids=torch.arange(1, 7)[None], attention_mask=seen)
    assert "this query sees no key at all" in said(trace, 4, 2)


def test_every_pair_agrees_with_the_mask() -> None:
    """No pair is said to be seen that is not, and the runs that are named are those that are seen."""
    for name in ("qwen2", "gemma3_sliding", "llama4_chunks"):
        found: Any = applied(choose(recorded(model(name), text(True), values=()), "0", 0), 0)
        whole = found.spans.part(range(17), range(17))
        for query in range(17):
            listed = [key for run in runs_seen(found.spans, query) for key in run]
            assert listed == whole[query].nonzero()[0].tolist()
            assert not listed or own_key(found, query) == query


def test_an_empty_place_of_a_static_cache() -> None:
    subject = model("qwen2")
    with inspector.capture(subject) as trace, torch.no_grad():
        subject.generate(**text(True), max_new_tokens=3, do_sample=False, cache_implementation="static")
    assert "may not see key 18: it is an empty place of the cache, which has room for more" in said(trace, 16, 18)
    assert "it is padding, which is hidden from every query" in said(trace, 16, 2)


def test_the_view_says_it_for_one_query_and_key() -> None:
    trace = recorded(model("qwen2"), text(), values=())
    parts = VIEW(trace, queries="4", keys="9")
    assert next(part.text for part in parts if part.title == "In words").startswith("Query 4")  # type: ignore[union-attr]
    assert not any(part.title == "In words" for part in VIEW(trace, queries="4"))
