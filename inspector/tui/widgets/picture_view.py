"""A `parts.Picture` on the screen, two pixels in each character."""

from __future__ import annotations

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from inspector.parts import Picture
from inspector.tui.widgets.palette import RISING

CELL = 2
"""Pixels that stand above one another in a character; with that, they are square."""


class PictureView(Widget):
    """The picture as large as it fits, never larger than it is. Without colours, shades of grey."""

    DEFAULT_CSS = """
    PictureView { height: 1fr; background: $surface; }
    """

    def __init__(self, picture: Picture, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.picture = picture
        self._scaled: tuple[tuple[int, int], bytes] = ((0, 0), b"")

    def on_mount(self) -> None:
        self.tooltip = f"{self.picture.width} × {self.picture.height} pixels"

    def render_line(self, y: int) -> Strip:
        base, width = self.rich_style, self.size.width
        (across, down), rgb = self._fitted()
        if CELL * y >= down:
            return Strip.blank(width, base)
        segments = [self._cell(rgb, across, down, x, CELL * y) for x in range(across)]
        return Strip(segments).apply_style(base).crop_extend(0, width, base)

    def _cell(self, rgb: bytes, across: int, down: int, x: int, y: int) -> Segment:
        above = _pixel(rgb, across, x, y)
        if self.app.no_color:
            return Segment(RISING[round(sum(above) / 765 * (len(RISING) - 1))])
        style = Style(color=Color.from_rgb(*above))
        if y + 1 < down:
            style += Style(bgcolor=Color.from_rgb(*_pixel(rgb, across, x, y + 1)))
        return Segment("▀", style)

    def _fitted(self) -> tuple[tuple[int, int], bytes]:
        """The picture in as many pixels as the widget has, with their number across and down."""
        picture = self.picture
        room = self.size.width / picture.width, CELL * self.size.height / picture.height
        scale = min(1.0, *room)
        size = max(1, int(picture.width * scale)), max(1, int(picture.height * scale))
        if self._scaled[0] != size:
            from PIL import Image

            whole = Image.frombytes("RGB", (picture.width, picture.height), picture.rgb)
            self._scaled = size, whole.resize(size, Image.Resampling.BOX).tobytes()
        return self._scaled


def _pixel(rgb: bytes, across: int, x: int, y: int) -> tuple[int, int, int]:
    start = 3 * (y * across + x)
    return rgb[start], rgb[start + 1], rgb[start + 2]
