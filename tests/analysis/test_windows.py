"""Patch order, windows and their inverse equal those of transformers' vision towers."""

from __future__ import annotations

import pytest
import torch
from transformers import vision_utils

from inspector.analysis.windows import (
    Size,
    frame_lengths,
    inverse,
    patch_at,
    patch_place,
    patch_places,
    window_index,
    window_lengths,
    windows,
)

CASES: list[list[Size]] = [
    [(1, 8, 8)],
    [(1, 4, 6)],
    [(1, 18, 26)],
    [(3, 10, 12)],
    [(1, 6, 30), (2, 16, 16), (1, 2, 2)],
    [(4, 2, 50), (1, 34, 6)],
]


@pytest.mark.parametrize("side", [2, 4])
@pytest.mark.parametrize("grids", CASES)
def test_window_order_and_lengths_equal_the_librarys(grids: list[Size], side: int) -> None:
    index, lengths = vision_utils.get_vision_window_index(torch.tensor(grids), 2, side * 28, 14)
    assert window_index(grids, 2, side) == index.tolist()
    assert window_lengths(grids, 2, side) == lengths.tolist()
    assert inverse(window_index(grids, 2, side)) == index.argsort().tolist()


@pytest.mark.parametrize("grids", CASES)
def test_frames_and_positions_equal_the_librarys(grids: list[Size]) -> None:
    sizes = torch.tensor(grids)
    assert frame_lengths(grids) == vision_utils.get_vision_cu_seqlens(sizes).tolist()
    expected = vision_utils.get_vision_position_ids(sizes, 2).tolist()
    assert [list(place) for place in patch_places(grids, 2)] == expected


def test_a_patch_is_found_where_it_stands() -> None:
    size = (2, 6, 8)
    for patch in range(96):
        assert patch_at(size, 2, *patch_place(size, 2, patch)) == patch


def test_windows_cover_the_picture_once() -> None:
    found = windows([(1, 12, 20)], 2, 4)
    assert [(w.top, w.left, w.rows, w.columns) for w in found] == [
        *((0, 0, 4, 4), (0, 4, 4, 4), (0, 8, 4, 2)),
        *((4, 0, 2, 4), (4, 4, 2, 4), (4, 8, 2, 2)),
    ]
    assert [w.start for w in found] == [0, 16, 32, 40, 48, 56]
