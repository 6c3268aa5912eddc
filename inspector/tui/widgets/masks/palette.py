"""Colours of a mask: what is seen stands out, what nobody sees is a grey stripe, a query that sees nothing is loud."""

from __future__ import annotations

from functools import lru_cache

from rich.color import Color
from rich.style import Style

from inspector.tui.widgets.palette import LETTERS, LOUD, STEPS, Palette, Rgb

SEEN: dict[bool, Rgb] = {True: (104, 160, 196), False: (36, 106, 148)}
NOBODY: dict[bool, Rgb] = {True: (74, 70, 60), False: (205, 196, 172)}
"""On a dark background (True) and on a light one."""

FAINTEST = 0.2
"""How much of the colour a cell has at least of which anything is seen."""


class MaskPalette(Palette):
    """The colours of a mask for a background, which stands for keys that are not seen."""

    __slots__ = ()

    def rgb(self, level: int) -> Rgb:
        return _rgb(self, level)

    def halves(self, upper: int, lower: int) -> Style:
        return _halves(self, upper, lower)


@lru_cache(1024)
def _rgb(palette: MaskPalette, level: int) -> Rgb:
    if level in LETTERS:
        return LOUD[palette.dark][level]
    if level < 0:
        return NOBODY[palette.dark]
    share = 0.0 if level == 0 else FAINTEST + (1 - FAINTEST) * level / STEPS
    ends = zip(palette.background, SEEN[palette.dark], strict=True)
    red, green, blue = (round(ground + (seen - ground) * share) for ground, seen in ends)
    return red, green, blue


@lru_cache(16384)
def _halves(palette: MaskPalette, upper: int, lower: int) -> Style:
    return Style(color=Color.from_rgb(*palette.rgb(upper)), bgcolor=Color.from_rgb(*palette.rgb(lower)))
