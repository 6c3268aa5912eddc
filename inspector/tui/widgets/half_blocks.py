"""Pixels as half blocks: two in each character, one above the other; shades of grey where there are no colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from inspector.tui.widgets.palette import RISING

CELL = 2
"""Pixels that stand above one another in a character; with that, they are square."""


@dataclass(frozen=True, slots=True)
class Label:
    """A text over the picture, from a character on. `reverse` turns the colours around."""

    column: int
    line: int
    text: str
    reverse: bool = False


def segments(row: bytes, width: int, labels: Sequence[Label], *, colours: bool) -> list[Segment]:
    """A line of characters: RGB of `width` pixels, and of as many below them where `row` goes on; labels over them."""
    cells = _halves(row, width) if colours else _shades(row, width)
    for label in labels:
        _write(cells, label, row, width, colours=colours)
    return _joined(cells)


Cell = tuple[str, Style]


def _halves(row: bytes, width: int) -> list[Cell]:
    """One pixel row above another, or alone, as upper half blocks."""
    upper, lower = row[: 3 * width], row[3 * width :]
    if not lower:
        return [("▀", _style(upper[at : at + 3], b"")) for at in range(0, 3 * width, 3)]
    return [("▀", _style(upper[at : at + 3], lower[at : at + 3])) for at in range(0, 3 * width, 3)]


def _shades(row: bytes, width: int) -> list[Cell]:
    plain = Style()
    return [(RISING[round(sum(row[at : at + 3]) / 765 * (len(RISING) - 1))], plain) for at in range(0, 3 * width, 3)]


def _write(cells: list[Cell], label: Label, row: bytes, width: int, *, colours: bool) -> None:
    """Put a label over the characters of its line, on the colours that were there."""
    for place, sign in enumerate(label.text, label.column):
        if 0 <= place < len(cells):
            style = _ink(row[3 * place : 3 * place + 3]) if colours else Style(bold=True)
            cells[place] = (sign, style + Style(reverse=True) if label.reverse else style)


def _joined(cells: list[Cell]) -> list[Segment]:
    """Neighbours of one style in one segment."""
    found: list[Segment] = []
    text, style = "", cells[0][1]
    for sign, own in cells:
        if own is not style and own != style:
            found.append(Segment(text, style))
            text, style = "", own
        text += sign
    return [*found, Segment(text, style)]


@lru_cache(2**16)
def _style(upper: bytes, lower: bytes) -> Style:
    return Style(color=Color.from_rgb(*upper), bgcolor=Color.from_rgb(*lower) if lower else None)


@lru_cache(2**12)
def _ink(ground: bytes) -> Style:
    """Text that can be read on a colour."""
    red, green, blue = ground
    bright = 0.299 * red + 0.587 * green + 0.114 * blue > 128
    front = Color.from_rgb(20, 22, 26) if bright else Color.from_rgb(240, 242, 245)
    return Style(color=front, bgcolor=Color.from_rgb(*ground), bold=True)
