from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from inspector.tui.widgets.plot_lines import Span, bar_column, bars, index_at, line, line_column

values = st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(math.nan)), min_size=1, max_size=80)


@given(values, st.integers(1, 60), st.integers(1, 12), st.booleans())
def test_a_chart_has_its_size(found: list[float], width: int, height: int, from_zero: bool) -> None:
    span = Span.of([found], from_zero=from_zero)
    for draw in (bars, line):
        lines = draw(found, span, width, height)
        assert [len(row) for row in lines] == [width] * height


@given(st.integers(1, 200), st.integers(1, 60))
def test_columns_and_indices_agree(count: int, width: int) -> None:
    for index in range(count):
        for column in (bar_column(index, count, width), line_column(index, count, width)):
            assert 0 <= column < width
        if count <= width:
            assert index_at(bar_column(index, count, width), count, width) == index


def test_bars() -> None:
    assert bars([0, 1, 2, 4], Span(0, 4), 4, 1) == [" ▂▄█"]
    assert bars([0, 4], Span(0, 4), 4, 2) == ["  ██", "  ██"]


def test_the_least_bar_is_visible() -> None:
    assert bars([1, 1_000_000], Span(0, 1_000_000), 2, 1) == ["▁█"]


def test_lines() -> None:
    assert line([0, 1], Span(0, 1), 2, 1) == ["▄▛"]
    assert line([1, math.nan, math.nan, 1], Span(0, 1), 4, 1)[0].strip(" ") != "▀▀▀▀"


def test_a_constant_and_nothing() -> None:
    assert Span.of([[3.0, 3.0]], from_zero=False) == Span(2.5, 3.5)
    assert Span.of([[math.nan]], from_zero=True).high > 0
    assert bars([], Span(0, 1), 4, 1) == [""]
