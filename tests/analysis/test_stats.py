"""The few numbers against torch's own, on the tensors that are hard."""

from __future__ import annotations

import math

import pytest
import torch

from inspector import Stats
from inspector.analysis.stats import _on_device, stats_of


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("shift", [0.0, 100.0])
def test_numbers_are_torchs_own(dtype: torch.dtype, shift: float) -> None:
    tensor = (torch.randn(64, 65, generator=torch.Generator().manual_seed(0)) + shift).to(dtype)
    exact = tensor.double()
    found = stats_of(tensor)
    assert found.min == exact.min().item()
    assert found.max == exact.max().item()
    assert found.mean == pytest.approx(exact.mean().item(), rel=1e-5, abs=1e-6)
    assert found.std == pytest.approx(exact.std(correction=0).item(), rel=2e-3)


def test_a_mean_far_above_the_spread_does_not_cancel_the_spread() -> None:
    tensor = 1e4 + torch.linspace(-1, 1, 1001)
    assert stats_of(tensor).std == pytest.approx(tensor.double().std(correction=0).item(), rel=1e-4)


def test_what_is_not_finite_is_counted_and_left_out() -> None:
    tensor = torch.tensor([1.0, math.nan, 3.0, math.inf, -math.inf, math.inf])
    assert stats_of(tensor) == Stats(1, 3, 2, 1, nan=1, inf=3)  # float64 there, so exact
    assert stats_of(torch.full((3,), math.nan)) == Stats(None, None, None, None, nan=3)


def test_finite_values_whose_sums_overflow_are_finite() -> None:
    tensor = torch.tensor([3e38, 3e38, 3e38])
    found = stats_of(tensor)
    assert (found.nan, found.inf) == (0, 0)
    assert found.mean == pytest.approx(3e38, rel=1e-6)
    assert found.std == 0


@pytest.mark.parametrize(
    ("tensor", "expected"),
    [
        (torch.tensor([1, 2, 3, 4, 5]), Stats(1, 5, 3, math.sqrt(2))),
        (torch.tensor([True, False]), Stats(0, 1, 0.5, 0.5)),
        (torch.empty(0, 3), Stats(None, None, None, None)),
        (torch.tensor(7.0), Stats(7, 7, 7, 0)),
        (torch.ones(4, 4).t()[::2], Stats(1, 1, 1, 0)),
        (torch.tensor([3 + 4j, -5j]), Stats(5, 5, 5, 0)),
    ],
)
def test_integers_booleans_scalars_and_nothing(tensor: torch.Tensor, expected: Stats) -> None:
    found = stats_of(tensor)
    assert (found.min, found.max, found.mean) == (expected.min, expected.max, expected.mean)
    assert found.std == (None if expected.std is None else pytest.approx(expected.std, abs=1e-6))


def test_the_way_for_accelerators_says_the_same() -> None:
    tensor = torch.tensor([[1.0, math.nan, 3.0], [math.inf, -2.0, 0.5]])
    low, high, mean, std, nan, inf, count = _on_device(tensor).tolist()
    expected = stats_of(tensor)
    assert (low, high, nan, inf, count) == (expected.min, expected.max, expected.nan, expected.inf, 4)
    assert (mean, std) == (pytest.approx(expected.mean), pytest.approx(expected.std))
