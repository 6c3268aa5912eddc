from __future__ import annotations

import math

from inspector.render.scale import INF, NAN, Scale, shrink


def test_both_signs_put_zero_in_the_middle() -> None:
    scale = Scale.of([-1.0, 3.0])
    assert (scale.low, scale.high) == (-3.0, 3.0)
    assert scale.level(0.0) == 0.5


def test_an_outlier_does_not_flatten_the_rest() -> None:
    values = [float(value) for value in range(300)] + [1e9]
    scale = Scale.of(values)
    assert scale.high < 300
    assert scale.level(1e9) == 1.0


def test_a_single_value_among_many_can_be_seen() -> None:
    scale = Scale.of([0.0] * 1000 + [5.0])
    assert scale.color(5.0) != scale.color(0.0)


def test_nothing_finite_and_one_value() -> None:
    assert Scale.of([math.nan]).color(math.nan) == NAN
    assert Scale.of([]).color(-math.inf) == INF
    assert Scale.of([2.0]).level(2.0) == 0.5


def test_the_whole_range_of_doubles() -> None:
    scale = Scale.of([-1.7e308, 1.7e308])
    assert scale.level(1.7e308) == 1.0


def test_shades() -> None:
    scale = Scale(0.0, 1.0)
    assert "".join(map(scale.shade, [0.0, 0.3, 0.5, 0.7, 1.0, math.nan, math.inf])) == " ░▒▓█!∞"
    both = Scale(-1.0, 1.0)
    assert both.shade(-1.0) == both.shade(1.0) == "█"


def test_shrink() -> None:
    assert shrink([[1.0, 3.0], [5.0, 7.0]], 1, 1) == [[4.0]]
    assert shrink([[1.0]], 5, 5) == [[1.0]]
    assert math.isnan(shrink([[1.0, math.nan]], 1, 1)[0][0])
    assert shrink([[1.0, -math.inf]], 1, 1) == [[-math.inf]]
    assert shrink([], 3, 3) == shrink([[]], 3, 3) == []
