"""Pixels on the screen: the base of everything that shows a picture, and the one place that knows how it is drawn.

Two pixels stand in each character, one above the other, as half blocks. Without colours they are shades of grey.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from inspector.tui.widgets.palette import RISING

if TYPE_CHECKING:
    from PIL.Image import Image

CELL = 2
"""Pixels that stand above one another in a character; with that, they are square."""

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Label:
    """A text over the picture, from a character on. `reverse` turns the colours around."""

    column: int
    line: int
    text: str
    reverse: bool = False


class Canvas(Widget):
    """Draws what a subclass gives it: `fit` says how many pixels it takes in a room, `draw` makes them."""

    DEFAULT_CSS = """
    Canvas { height: 1fr; background: $surface; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: dict[bytes, Strip] = {}
        self._strips: list[Strip] = []
        self._painted: object = None
        self._version = 0

    def fit(self, width: int, height: int) -> Size:
        """How many pixels across and down it takes, of `width` and `height` at most. Zero shows nothing."""
        raise NotImplementedError

    def draw(self, width: int, height: int) -> Image:
        """The picture in exactly so many pixels, RGB."""
        raise NotImplementedError

    def labels(self, width: int, height: int) -> list[Label]:
        """Texts over a picture of so many pixels, in characters of one by two pixels."""
        return []

    def redraw(self) -> None:
        """Something else is to be shown."""
        self._version += 1
        self.refresh()

    @property
    def fitted(self) -> Size:
        """Pixels across and down at the size that the widget has."""
        return self.fit(self.size.width, CELL * self.size.height)

    def render_line(self, y: int) -> Strip:
        key = (self._version, self.size, self.app.theme, self.app.no_color)
        if self._painted != key:
            self._painted = key
            self._strips = self._paint()
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, self.rich_style)

    def _paint(self) -> list[Strip]:
        width, height = self.fitted
        if not width or not height:
            return []
        rgb = self.draw(width, height).tobytes()
        texts: dict[int, list[Label]] = {}
        for label in self.labels(width, height):
            texts.setdefault(label.line, []).append(label)
        stride = 3 * width
        rows = [rgb[line * CELL * stride : (line + 1) * CELL * stride] for line in range(-(-height // CELL))]
        known, self._lines = self._lines, {}
        return [self._strip(row, width, texts.get(line, []), known) for line, row in enumerate(rows)]

    def _strip(self, row: bytes, width: int, texts: list[Label], known: dict[bytes, Strip]) -> Strip:
        """A line of characters. One that was painted the time before with the same pixels is taken again."""
        strip = known.get(row) or self._lines.get(row)
        base = self.rich_style
        if strip is None or strip.cell_length != self.size.width or texts:
            cells = _shades(row, width) if self.app.no_color else _halves(row, width)
            for label in texts:
                _write(cells, label, row, width, colours=not self.app.no_color)
            strip = Strip(_joined(cells)).apply_style(base).crop_extend(0, self.size.width, base)
        if not texts:
            self._lines[row] = strip
        return strip


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
