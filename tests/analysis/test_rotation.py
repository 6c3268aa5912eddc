"""Rotation written out pair by pair equals that of models, and tells how they paired dimensions."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers.models.llama4.modeling_llama4 import apply_rotary_emb
from transformers.models.qwen2.modeling_qwen2 import apply_rotary_pos_emb

from inspector.analysis.rotation import Fit, angles, fit_of, turned

INV_FREQ = [10000 ** (-pair / 4) for pair in range(4)]


@pytest.fixture
def vectors() -> torch.Tensor:
    return torch.randn(5, 8, generator=torch.Generator().manual_seed(0))


def angle(positions: torch.Tensor) -> torch.Tensor:
    return angles(positions, INV_FREQ, [0, 0, 0, 0])


def test_halves_as_most_models_pair(vectors: torch.Tensor) -> None:
    turn = angle(torch.arange(5)[None])
    whole = torch.cat([turn, turn], dim=-1)
    expected, _ = apply_rotary_pos_emb(vectors[None, None], vectors[None, None], whole.cos()[None], whole.sin()[None])
    torch.testing.assert_close(turned(vectors, turn, "halves"), expected[0, 0])
    assert fit_of(vectors, expected[0, 0], turn).pairing == "halves"


def test_neighbours_as_llama_4_pairs(vectors: torch.Tensor) -> None:
    turn = angle(torch.arange(5)[None])
    query = vectors[None, :, None]
    expected = apply_rotary_emb(query, query, torch.polar(torch.ones_like(turn), turn)[None])[0][0, :, 0]
    torch.testing.assert_close(turned(vectors, turn, "neighbours"), expected)
    assert fit_of(vectors, expected, turn).pairing == "neighbours"


def test_axes_turn_their_own_pairs() -> None:
    positions = torch.tensor([[1], [10], [100]])
    assert angles(positions, [1.0, 1.0, 1.0], [0, 1, 2]).tolist() == [[1.0, 10.0, 100.0]]


def test_a_wrong_rotation_is_neither(vectors: torch.Tensor) -> None:
    turn = angle(torch.arange(5)[None])
    fit = fit_of(vectors, turned(vectors, turn + 0.3, "halves"), turn)
    assert (fit.pairing, fit.still) == (None, False)
    assert fit.gap > 0.1


@pytest.mark.parametrize("pairing", ["halves", "neighbours"])
def test_turning_backwards_is_told(vectors: torch.Tensor, pairing: Any) -> None:
    turn = angle(torch.arange(5)[None])
    fit = fit_of(vectors, turned(vectors, -turn, pairing), turn)
    assert (fit.pairing, fit.backwards) == (pairing, True)


def test_vectors_that_are_only_made_longer_stand_still(vectors: torch.Tensor) -> None:
    fit = fit_of(vectors, 3 * vectors, angle(torch.arange(5)[None]))
    assert (fit.pairing, fit.still) == (None, True)


def test_a_single_pair_needs_no_pairing() -> None:
    vectors = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    turn = angles(torch.arange(5)[None], [1.0], [0])
    assert fit_of(vectors, turned(vectors, turn, "halves"), turn).pairing == "halves"


def test_at_position_0_nothing_can_be_told(vectors: torch.Tensor) -> None:
    turn = angle(torch.zeros(1, 5, dtype=torch.long))
    assert fit_of(vectors, vectors, turn) == Fit(None, 0.0)


def test_rounding_of_bfloat16_is_no_difference(vectors: torch.Tensor) -> None:
    turn = angle(torch.arange(5)[None])
    assert fit_of(vectors, turned(vectors, turn, "halves").bfloat16(), turn).pairing == "halves"


def test_dimensions_beyond_the_pairs_pass_through(vectors: torch.Tensor) -> None:
    wide = torch.cat([vectors, vectors], dim=-1)
    result = turned(wide, angle(torch.arange(5)[None]), "halves")
    assert torch.equal(result[:, 8:], wide[:, 8:])
