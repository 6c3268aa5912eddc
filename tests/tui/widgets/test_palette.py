from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.tui.widgets.palette import INFINITE, NAN, STEPS, Palette, Scale, glyph

GROUND = (26, 29, 34)


def test_levels() -> None:
    scale = Scale(0.0, 2.0)
    assert [scale.level(value) for value in (-9, -2, 0, 1, 2, 9)] == [-STEPS, -STEPS, 0, STEPS // 2, STEPS, STEPS]
    assert scale.level(math.nan) == NAN
    assert scale.level(-math.inf) == INFINITE
    assert Scale(3.0, 0.0).level(3.0) == 0


@given(st.floats(allow_nan=True), st.floats(-1e9, 1e9), st.floats(0, 1e9))
def test_every_number_has_a_colour_and_a_glyph(value: float, centre: float, half: float) -> None:
    level = Scale(centre, half).level(value)
    assert len(glyph(level)) == 1
    for dark in (True, False):
        assert all(0 <= channel <= 255 for channel in Palette(GROUND, dark).rgb(level))


@pytest.mark.parametrize("dark", [True, False])
def test_zero_is_the_background_and_the_signs_differ(dark: bool) -> None:
    palette = Palette(GROUND, dark)
    assert palette.rgb(0) == GROUND
    red, _, blue = palette.rgb(STEPS)
    assert red > blue
    red, _, blue = palette.rgb(-STEPS)
    assert blue > red
    assert len({palette.rgb(level) for level in (NAN, INFINITE, STEPS, -STEPS, 0)}) == 5


def test_without_colours_the_sign_shows() -> None:
    assert glyph(0) == " "
    assert glyph(STEPS) == "█"
    assert glyph(-STEPS) == "≡"
    assert glyph(NAN) == "N"
