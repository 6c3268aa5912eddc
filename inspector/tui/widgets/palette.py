"""Colours of a heatmap: blue below 0, red above it, the background at 0, and loud ones for nan and infinity.

Where there are no colours (`NO_COLOR`), blocks stand for what is above 0, lines for what is below.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rich.color import Color
from rich.style import Style

STEPS = 24
"""Shades on either side of 0."""

NAN, INFINITE = STEPS + 1, STEPS + 2
"""Levels beyond the shades."""

Rgb = tuple[int, int, int]

BELOW: dict[bool, tuple[Rgb, Rgb]] = {True: ((34, 84, 132), (116, 190, 255)), False: ((140, 184, 222), (8, 70, 140))}
ABOVE: dict[bool, tuple[Rgb, Rgb]] = {True: ((140, 58, 34), (255, 150, 98)), False: ((240, 166, 140), (160, 24, 28))}
"""Half way and at the end of the scale, on a dark background (True) and on a light one."""

LOUD: dict[bool, dict[int, Rgb]] = {
    True: {NAN: (255, 60, 220), INFINITE: (255, 226, 70)},
    False: {NAN: (205, 0, 165), INFINITE: (190, 140, 0)},
}

RISING = " ░▒▓█"
FALLING = " ╌─═≡"
LETTERS = {NAN: "N", INFINITE: "∞"}


@dataclass(frozen=True, slots=True)
class Scale:
    """Numbers to shades: `centre` is drawn as the background, `centre ± half` and beyond in full colour."""

    centre: float = 0.0
    half: float = 1.0

    def level(self, value: float) -> int:
        """-STEPS to STEPS, or NAN or INFINITE."""
        return self.levels([value])[0]

    def levels(self, values: Sequence[float]) -> list[int]:
        centre, factor = self.centre, STEPS / self.half if self.half else 0.0
        shades = [(value - centre) * factor for value in values]
        return [
            round(shade) if -STEPS <= shade <= STEPS else _beyond(value, shade)
            for value, shade in zip(values, shades, strict=True)
        ]

    def times(self, factor: float) -> Scale:
        return Scale(self.centre, self.half * factor)


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours for a background, which stands for 0."""

    background: Rgb
    dark: bool

    def rgb(self, level: int) -> Rgb:
        return _rgb(self, level)

    def halves(self, upper: int, lower: int) -> Style:
        """The style in which `▀` shows one level above another."""
        return _halves(self, upper, lower)

    def behind(self, level: int) -> Style:
        """The style of text that stands on a level."""
        red, green, blue = self.rgb(level)
        bright = 0.299 * red + 0.587 * green + 0.114 * blue > 128
        return _style((20, 22, 26) if bright else (240, 242, 245), (red, green, blue))


def glyph(level: int) -> str:
    """A level as a character, for screens without colour."""
    if level in LETTERS:
        return LETTERS[level]
    ramp = RISING if level >= 0 else FALLING
    return ramp[math.ceil(abs(level) / STEPS * (len(ramp) - 1))]


def _beyond(value: float, shade: float) -> int:
    """The level of a number that lies off the scale, or is none."""
    if math.isfinite(value):
        return 0 if math.isnan(shade) else STEPS if shade > 0 else -STEPS
    return NAN if math.isnan(value) else INFINITE


@lru_cache(1024)
def _rgb(palette: Palette, level: int) -> Rgb:
    if level in LETTERS:
        return LOUD[palette.dark][level]
    half, full = (BELOW if level < 0 else ABOVE)[palette.dark]
    share = 2 * abs(level) / STEPS
    return _between(palette.background, half, share) if share <= 1 else _between(half, full, share - 1)


@lru_cache(16384)
def _halves(palette: Palette, upper: int, lower: int) -> Style:
    return _style(palette.rgb(upper), palette.rgb(lower))


def _style(front: Rgb, back: Rgb) -> Style:
    return Style(color=Color.from_rgb(*front), bgcolor=Color.from_rgb(*back))


def _between(one: Rgb, other: Rgb, share: float) -> Rgb:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
