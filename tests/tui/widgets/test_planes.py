from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inspector.analysis.tensors import REDUCTIONS, Reduction
from inspector.tui.widgets.pictures import Look, read
from inspector.tui.widgets.planes import SAMPLE, ListPlane, TensorPlane, colour_scale, reduced
from inspector.tui.widgets.slicing import Slicing
from inspector.tui.widgets.tensor_facts import plane_of
from inspector.tui.widgets.viewport import Window

numbers = st.one_of(st.floats(-1e6, 1e6, width=32), st.sampled_from([math.nan, math.inf, -math.inf]))


def tensor_plane(tensor: torch.Tensor) -> TensorPlane:
    return plane_of(tensor, Slicing.of(tuple(tensor.shape)))


@given(st.lists(st.lists(numbers, min_size=4, max_size=4), min_size=3, max_size=3), st.sampled_from(REDUCTIONS))
def test_lists_and_tensors_are_summed_up_alike(rows: list[list[float]], how: Reduction) -> None:
    edges = [0, 1, 3], [0, 3, 4]
    mine, theirs = ListPlane(rows).cells(*edges, how), tensor_plane(torch.tensor(rows).double()).cells(*edges, how)
    for row, other in zip(mine, theirs, strict=True):
        for value, expected in zip(row, other, strict=True):
            if math.isinf(expected):
                assert math.isinf(value)
            else:
                assert value == pytest.approx(expected, nan_ok=True)


def test_huge_numbers_do_not_overflow() -> None:
    assert reduced([1.7e308, 1.7e308], "mean") == 1.7e308


class TestTensors:
    @pytest.mark.parametrize(
        "dtype", [torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.int64, torch.bool, torch.complex64]
    )
    def test_dtypes(self, dtype: torch.dtype) -> None:
        plane = tensor_plane(torch.ones(3, 4).to(dtype))
        assert plane.cells([0, 3], [0, 4], "mean") == [[1.0]]
        assert plane.values(range(1), range(2)) == [[1, 1]]
        assert plane.sample() == [1.0] * 12

    def test_integers_stay_exact(self) -> None:
        large = 2**60 + 1
        assert tensor_plane(torch.tensor([[large]])).values(range(1), range(1)) == [[large]]

    def test_addresses_are_those_of_the_tensor(self) -> None:
        slicing = Slicing.of((2, 3, 4, 5)).stepped(1).turned()
        tensor = torch.arange(120).reshape(2, 3, 4, 5)
        plane = plane_of(tensor, slicing)
        assert (plane.rows, plane.columns) == (5, 4)
        assert plane.where(2, 3) == "[0, 1, 3, 2]"
        assert plane.values(range(2, 3), range(3, 4)) == [[int(tensor[0, 1, 3, 2])]]

    @pytest.mark.parametrize("shape", [(), (7,), (0, 4), (2, 0)])
    def test_odd_shapes(self, shape: tuple[int, ...]) -> None:
        plane = tensor_plane(torch.ones(shape))
        assert plane.rows * plane.columns == torch.ones(shape).numel()

    @pytest.mark.parametrize("shape", [(1_000_000, 8), (8, 1_000_000), (1, 3_000_000), (3000, 3000)])
    def test_a_sample_stays_small(self, shape: tuple[int, int]) -> None:
        found = len(tensor_plane(torch.zeros(1, 1).expand(shape)).sample())
        assert SAMPLE // 8 < found <= SAMPLE * 2


class TestScale:
    def test_around_zero(self) -> None:
        assert colour_scale([-1.0, 3.0, math.nan]).half == 3.0

    def test_outliers_do_not_wash_out_the_rest(self) -> None:
        scale = colour_scale([1.0] * 999 + [1000.0])
        assert scale.half == 1.0

    def test_mostly_zero(self) -> None:
        assert colour_scale([0.0] * 9999 + [5.0]).half == 5.0

    def test_from_least_to_greatest(self) -> None:
        scale = colour_scale([10.0, 12.0], centred=False)
        assert (scale.centre, scale.half) == (11.0, 1.0)

    def test_nothing_finite(self) -> None:
        assert colour_scale([math.nan]).half == 1.0


class TestRead:
    def look(self, plane: TensorPlane, how: Reduction = "extreme", **fields: bool) -> Look:
        window = Window.over(plane.rows, plane.columns).fitted(4, 4, exact=fields.get("numbers", False))
        return Look(plane, window, how, fields.get("numbers", False), fields.get("centred", True))

    def test_the_element_that_a_cell_shows_is_found(self) -> None:
        tensor = torch.zeros(16, 16)
        tensor[2, 3] = -5.0
        picture = read(self.look(tensor_plane(tensor)), None)
        assert picture.cells[0][0] == -5.0
        assert picture.found == (2, 3, -5.0)

    def test_not_a_number_before_everything(self) -> None:
        tensor = torch.full((16, 16), 9.0)
        tensor[0, 1], tensor[3, 3] = math.inf, math.nan
        found = read(self.look(tensor_plane(tensor), "min"), None).found
        assert found is not None
        assert found[:2] == (3, 3)

    def test_a_mean_is_no_element(self) -> None:
        assert read(self.look(tensor_plane(torch.ones(16, 16)), "mean"), None).found is None

    def test_what_is_still_right_is_not_read_again(self) -> None:
        plane = tensor_plane(torch.randn(16, 16))
        first = read(self.look(plane), None)
        again = read(self.look(plane), first)
        assert again.cells is first.cells
        assert again.scale is first.scale
        assert read(self.look(plane, "max"), first).cells is not first.cells

    def test_numbers(self) -> None:
        tensor = torch.arange(64.0).reshape(8, 8)
        picture = read(self.look(tensor_plane(tensor), numbers=True), None)
        assert picture.values == tensor[:4, :4].tolist()
