"""The whole matrix of a head: what is on the screen is worked out, and no more."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from inspector.analysis import tensors
from inspector.analysis.attention import Attention
from inspector.analysis.layers import choose
from inspector.tui.widgets.attention import matrix
from inspector.tui.widgets.attention.matrix import Matrix, spread
from inspector.tui.widgets.pictures import Look, read
from inspector.tui.widgets.viewport import Window
from tests.attention_cases import model, recorded, text


def whole() -> tuple[Attention, torch.Tensor]:
    attention = Attention(choose(recorded(model("qwen2"), text()), "1"))
    return attention, attention.probabilities(2)


def plane_of(attention: Attention) -> Matrix:
    return Matrix(attention, 2, "query {}".format, "key {}".format)


def same(found: object, real: object) -> None:
    """Rows that were worked out together with others differ in their last digit."""
    torch.testing.assert_close(torch.tensor(found), torch.tensor(real))


def test_cells_of_a_small_one_are_those_of_the_matrix() -> None:
    attention, found = whole()
    edges = [0, 3, 4, 11, 17]
    plane = plane_of(attention)
    same(plane.cells(edges, edges, "max"), tensors.cells(found, edges, edges, "max"))
    same(plane.cells([5, 6, 9], [2, 3], "max"), tensors.cells(found, [5, 6, 9], [2, 3], "max"))
    same(plane.values(range(4, 6), range(2, 5)), found[4:6, 2:5].tolist())
    assert plane.where(3, 4) == "query 3 → key 4"
    assert plane.said(0.123456) == "0.123"


def test_of_many_queries_a_cell_shows_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "ALL", 17)
    attention, found = whole()
    edges = [0, 4, 8, 12, 17]
    plane = plane_of(attention)
    assert plane.sampled
    queries = [query for part in spread(edges) for query in part]
    alone = [tensors.cells(found[query : query + 1], [0, 1], edges, "max")[0] for query in queries]
    same(plane.cells(edges, edges, "max"), alone)
    assert max(plane.sample()) == pytest.approx(1)


def test_a_cell_of_many_is_not_worked_out_twice() -> None:
    plane = plane_of(whole()[0])
    assert read(Look(plane, Window.over(17, 17).fitted(4, 4), "max", False, True), None).found is None
    one = read(Look(plane, Window.over(17, 17).fitted(20, 20).at(3, 0), "max", False, True), None)
    assert one.found == (3, 0, one.value)


@pytest.mark.parametrize(("size", "cells"), [(32_768, 90), (100, 90), (91, 90), (50, 50), (7, 3), (5, 1), (1, 1)])
def test_each_cell_has_one_query_of_its_own(size: int, cells: int) -> None:
    edges = tensors.edges(size, cells)
    queries = [query for part in spread(edges) for query in part]
    assert len(queries) == len(edges) - 1
    assert all(low <= query < high for query, (low, high) in zip(queries, pairwise(edges), strict=True))
    assert len(list(spread(edges))) <= max(1, len(edges) // max(1, size // cells))
