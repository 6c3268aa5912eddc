from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.analysis.tensors import REDUCTIONS, cells, edges, grid, histogram, plane
from inspector.errors import InputError

INF = math.inf


class TestHistogram:
    def test_every_finite_value_is_counted_once(self) -> None:
        found = histogram(torch.randn(1000), bins=20)
        assert (len(found.counts), len(found.edges)) == (20, 21)
        assert sum(found.counts) == 1000
        assert list(found.edges) == sorted(found.edges)

    def test_what_is_not_finite_stands_beside_it(self) -> None:
        found = histogram(torch.tensor([0.0, 1.0, math.nan, INF, INF, -INF]), bins=4)
        assert (found.nan, found.positive_inf, found.negative_inf) == (1, 2, 1)
        assert found.counts == (1, 0, 0, 1)

    def test_nothing_finite(self) -> None:
        assert histogram(torch.tensor([math.nan])).counts == ()
        assert histogram(torch.zeros(0)).edges == ()

    def test_few_integers_get_a_bin_each(self) -> None:
        found = histogram(torch.tensor([3, 3, 5]))
        assert (found.counts, found.edges) == ((2, 0, 1), (2.5, 3.5, 4.5, 5.5))

    def test_one_value(self) -> None:
        assert histogram(torch.full((7,), 2.0)).counts == (7,)

    @pytest.mark.parametrize(
        "dtype", [torch.float16, torch.bfloat16, torch.float64, torch.bool, torch.uint8, torch.int64]
    )
    def test_dtypes(self, dtype: torch.dtype) -> None:
        assert sum(histogram(torch.tensor([0, 1, 1, 0, 1]).to(dtype)).counts) == 5

    def test_complex_by_magnitude(self) -> None:
        assert histogram(torch.tensor([3 + 4j])).edges == (4.5, 5.5)

    def test_float8(self) -> None:
        assert sum(histogram(torch.tensor([0.5, 1.0]).to(torch.float8_e4m3fn)).counts) == 2

    def test_span_that_overflows(self) -> None:
        wide = torch.finfo(torch.float64)
        found = histogram(torch.tensor([wide.min, 0.0, wide.max], dtype=torch.float64), bins=3)
        assert found.counts == (1, 1, 1)
        assert all(map(math.isfinite, found.edges))


class TestPlane:
    def test_last_two_axes_at_the_first_index_of_the_others(self) -> None:
        tensor = torch.arange(24).reshape(2, 3, 4)
        assert plane(tensor).equal(tensor[0])

    def test_any_two_axes_either_way_round(self) -> None:
        tensor = torch.arange(120).reshape(2, 3, 4, 5)
        assert plane(tensor, 3, 1, [1, 2]).equal(tensor[1, :, 2, :].T)
        assert plane(tensor, -4, 2, [2, -1]).equal(tensor[:, 2, :, -1])

    def test_fewer_axes_than_two(self) -> None:
        assert plane(torch.arange(3)).shape == (1, 3)
        assert plane(torch.tensor(1.0)).shape == (1, 1)

    def test_shares_memory(self) -> None:
        tensor = torch.zeros(2, 3, 4)
        assert plane(tensor, 1, 2, [1]).data_ptr() == tensor[1].data_ptr()

    @pytest.mark.parametrize(
        ("rows", "columns", "at", "message"),
        [
            (1, 1, (), "Rows and columns"),
            (0, -3, (), "Rows and columns"),
            (5, 0, (), "no axis 5"),
            (1, 2, (2,), "no index 2"),
            (1, 2, (0, 0), "2 indices for the 1 other axes"),
        ],
    )
    def test_what_is_not_there(self, rows: int, columns: int, at: tuple[int, ...], message: str) -> None:
        with pytest.raises(InputError, match=message):
            plane(torch.zeros(2, 3, 4), rows, columns, at)


class TestGrid:
    def test_small_enough_already(self) -> None:
        values = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        assert grid(values, 10, 10) == values.tolist()

    def test_reductions(self) -> None:
        values = torch.arange(16.0).reshape(4, 4)
        assert grid(values, 2, 2, "mean") == [[2.5, 4.5], [10.5, 12.5]]
        assert grid(values, 2, 2, "min") == [[0, 2], [8, 10]]
        assert grid(values, 2, 2, "max") == [[5, 7], [13, 15]]

    @pytest.mark.parametrize("how", REDUCTIONS)
    def test_not_a_number_and_infinity_take_over_their_cell(self, how: str) -> None:
        values = torch.zeros(4, 8)
        values[0, 0], values[0, 3], values[1, 5], values[3, 0], values[3, 1] = INF, -INF, math.nan, math.nan, INF
        cells = grid(values, 2, 4, how)  # type: ignore[arg-type]
        assert cells[0][:2] == [INF, -INF]
        assert math.isnan(cells[0][2])
        assert math.isnan(cells[1][0])
        assert cells[0][3] == cells[1][3] == 0

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.bool, torch.int64, torch.float8_e4m3fn])
    def test_dtypes(self, dtype: torch.dtype) -> None:
        assert grid(torch.ones(6, 6).to(dtype), 2, 2) == [[1, 1], [1, 1]]

    def test_a_mean_does_not_overflow(self) -> None:
        values = torch.full((100, 100), 60000.0, dtype=torch.float16)
        assert grid(values, 1, 1) == [[60000.0]]

    def test_nothing(self) -> None:
        assert grid(torch.zeros(0, 3), 4, 4) == []

    @settings(max_examples=40, deadline=None)
    @given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 50), st.integers(1, 50), st.sampled_from(REDUCTIONS))
    def test_each_cell_is_the_reduction_of_what_it_covers(
        self, r: int, c: int, height: int, width: int, how: str
    ) -> None:
        values = torch.randn(r, c, dtype=torch.float64, generator=torch.Generator().manual_seed(r * c))
        found = torch.tensor(grid(values, height, width, how), dtype=torch.float64)  # type: ignore[arg-type]
        down, across = edges(r, height), edges(c, width)
        for i, j in [(0, 0), (len(down) - 2, len(across) - 2), (len(down) // 3, len(across) // 3)]:
            covered = values[down[i] : down[i + 1], across[j] : across[j + 1]]
            farthest = covered.flatten()[covered.abs().argmax()]
            assert torch.allclose(found[i, j], farthest if how == "extreme" else getattr(covered, how)())

    @pytest.mark.parametrize("how", REDUCTIONS)
    def test_a_transposed_plane(self, how: str) -> None:
        values = torch.randn(17, 29, generator=torch.Generator().manual_seed(1))
        straight, turned = grid(values.T.contiguous(), 5, 7, how), grid(values.T, 5, 7, how)  # type: ignore[arg-type]
        assert torch.allclose(torch.tensor(straight), torch.tensor(turned))

    def test_between_given_edges(self) -> None:
        values = torch.arange(16.0).reshape(4, 4)
        assert cells(values, [1, 2, 4], [0, 3], "max") == [[6], [14]]
        assert cells(-values, [1, 2, 4], [1, 2, 3], "extreme") == [[-5, -6], [-13, -14]]

    def test_in_pieces(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("inspector.analysis.tensors.PIECE", 7)
        values = torch.arange(60.0).reshape(10, 6)
        assert grid(values, 2, 3, "max") == [[25, 27, 29], [55, 57, 59]]
        assert grid(values, 1, 1, "mean") == [[29.5]]
        assert sum(histogram(values, 5).counts) == 60


def test_edges() -> None:
    assert edges(10, 4) == [0, 2, 5, 7, 10]
    assert edges(3, 10) == [0, 1, 2, 3]
