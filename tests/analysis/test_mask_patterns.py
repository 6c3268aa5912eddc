"""Patterns of masks are called what every query of them does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from transformers import AutoConfig, AutoModel

from inspector import Trace
from inspector.analysis.kernels import kernels
from inspector.analysis.layers import choose
from inspector.analysis.mask_patterns import pattern
from inspector.analysis.mask_words import names_of, sight
from inspector.analysis.masks import applied
from inspector.analysis.spans import Spans, from_rows, runs
from tests.attention_cases import WINDOW, model, pictures, recorded, text
from tests.fakes import TEXT
from tests.views.shown import run

INDEX = np.arange(12)
APART = INDEX[:, None] - INDEX[None]
CAUSAL = APART >= 0
WITHIN = CAUSAL & (APART < 4)
PICTURES = np.zeros((12, 12), np.bool_)
for picture in (slice(3, 6), slice(8, 10)):
    PICTURES[picture, picture] = True
DOCUMENT = np.array([0] * 5 + [1] * 4 + [2] * 3)
PACKED = DOCUMENT[:, None] == DOCUMENT[None]
PREFIX = np.outer(INDEX < 5, INDEX < 5)
TOKENS = np.outer(INDEX > 1, INDEX > 1)
TEXT_ON_PICTURES = np.repeat([[1, 1, 1, 1], [1, 1, 0, 0]], [5, 7], axis=0) > 0


@pytest.mark.parametrize(
    ("seen", "name"),
    [
        (CAUSAL | PICTURES, "causal, and keys 3–5, 8–9 each see each other"),
        (WITHIN | PICTURES, "causal, within a sliding window of 4, and keys 3–5, 8–9 each see each other"),
        ((CAUSAL | PICTURES) & TOKENS, "causal, and keys 3–5, 8–9 each see each other"),
        (CAUSAL | PREFIX, "causal, and keys 0–4 see each other"),
        (CAUSAL | PREFIX | PICTURES, "causal, and keys 0–4, 3–5, 8–9 each see each other"),
        (CAUSAL & PACKED, "causal, within 3 blocks"),
        (WITHIN & PACKED, "causal, within a sliding window of 4 and 3 blocks"),
        (PACKED, "within 3 blocks"),
        (abs(APART) <= 2, "within 2 keys to either side"),
        ((abs(APART) <= 1) & TOKENS, "within 1 key to either side"),
        (TOKENS, "every key"),
        (CAUSAL & TOKENS & (((INDEX - 2) // 4)[:, None] == (INDEX - 2) // 4), "causal, within 3 blocks of 4"),
        (TEXT_ON_PICTURES, "keys 0–3 for queries 0–4, keys 0–1 for queries 5–11"),
        (CAUSAL & (APART % 2 == 0), "irregular"),
        (CAUSAL[::-1], "irregular"),
    ],
)
def test_masks_that_are_read_off_a_tensor(seen: Any, name: str) -> None:
    assert pattern(from_rows(seen)).name == name


@pytest.mark.parametrize(
    ("found", "name", "ahead"),
    [
        (runs(0, np.arange(16) + 1, 16, 128), "causal", 0),
        (runs(0, np.arange(16) + 17, 16, 128), "causal", 16),
        (runs(np.arange(16) + 13, np.arange(16) + 17, 16, 128), "causal, within a sliding window of 4", 16),
        (runs(0, np.arange(3) + 7, 3, 9), "causal", 6),
    ],
)
def test_queries_behind_others_in_a_cache(found: Spans, name: str, ahead: int) -> None:
    """A static cache has room for more keys than there are; the queries stand wherever it goes on."""
    read = pattern(found)
    assert (read.name, read.ahead) == (name, ahead)


@pytest.fixture(scope="module")
def both_ways() -> Trace:
    """Gemma 3 lets the tokens of a picture see each other."""
    return recorded(model("gemma3"), pictures("gemma3"), values=(), steps=1)


def test_pictures_that_see_each_other_are_named(both_ways: Trace) -> None:
    kernel = choose(both_ways, "")
    found = applied(kernel)
    own, other = found.read.together
    runs_named = f"{own.start}–{own.stop - 1}, {other.start}–{other.stop - 1}"
    assert found.pattern == f"causal, and image tokens {runs_named} each see each other"
    said = sight(found, names_of(kernel, 0), own.start, own.stop - 1)
    assert f"both stand among the keys {own.start}–{own.stop - 1}, which see each other" in said
    said = sight(found, names_of(kernel, 0), own.start, own.stop)
    assert f"it comes {len(own)} after the query, and the mask is causal" in said


def test_an_encoder_with_windows_to_either_side() -> None:
    config = AutoConfig.for_model("modernbert", **TEXT, local_attention=2 * WINDOW, global_attn_every_n_layers=2)
    trace = run(AutoModel.from_config(config).eval(), text())
    whole, window = (applied(kernel) for kernel in kernels(trace))
    assert (whole.pattern, window.pattern) == ("every key", f"within {WINDOW} keys to either side")
    said = sight(window, names_of(kernels(trace)[1], 0), 3, 12)
    assert f"it stands 9 behind the query, and the mask lets through what is {window.pattern}" in said
