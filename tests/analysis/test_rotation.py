"""Rotation written out pair by pair equals that of models, and tells how they paired dimensions."""

from __future__ import annotations

import pytest
import torch
from transformers.models.llama4.modeling_llama4 import apply_rotary_emb
from transformers.models.qwen2.modeling_qwen2 import apply_rotary_pos_emb

from inspector.analysis.rotation import angles, pairing_of, turned

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
    assert pairing_of(vectors, expected[0, 0], turn)[0] == "halves"


def test_neighbours_as_llama_4_pairs(vectors: torch.Tensor) -> None:
    turn = angle(torch.arange(5)[None])
    query = vectors[None, :, None]
    expected = apply_rotary_emb(query, query, torch.polar(torch.ones_like(turn), turn)[None])[0][0, :, 0]
    torch.testing.assert_close(turned(vectors, turn, "neighbours"), expected)
    assert pairing_of(vectors, expected, turn)[0] == "neighbours"


def test_axes_turn_their_own_pairs() -> None:
    positions = torch.tensor([[1], [10], [100]])
    assert angles(positions, [1.0, 1.0, 1.0], [0, 1, 2]).tolist() == [[1.0, 10.0, 100.0]]


def test_a_wrong_rotation_is_neither(vectors: torch.Tensor) -> None:
    turn = angle(torch.arange(5)[None])
    pairing, gap = pairing_of(vectors, turned(vectors, turn + 0.3, "halves"), turn)
    assert pairing is None
    assert gap > 0.1


def test_at_position_0_nothing_can_be_told(vectors: torch.Tensor) -> None:
    turn = angle(torch.zeros(1, 5, dtype=torch.long))
    assert pairing_of(vectors, vectors, turn) == (None, 0.0)


def test_rounding_of_bfloat16_is_no_difference(vectors: torch.Tensor) -> None:
    turn = angle(torch.arange(5)[None])
    assert pairing_of(vectors, turned(vectors, turn, "halves").bfloat16(), turn)[0] == "halves"


def test_dimensions_beyond_the_pairs_pass_through(vectors: torch.Tensor) -> None:
    wide = torch.cat([vectors, vectors], dim=-1)
    result = turned(wide, angle(torch.arange(5)[None]), "halves")
    assert torch.equal(result[:, 8:], wide[:, 8:])
