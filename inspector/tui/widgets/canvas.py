"""Pixels on the screen: the base of everything that shows a picture, and the one place that knows how it is drawn.

Where the terminal draws pixels, it is sent them (see `graphics`). Elsewhere two of them stand in each character, one
above the other, as half blocks; without colours they are shades of grey.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.color import Color
from rich.segment import ControlType, Segment
from rich.style import Style
from textual.app import App
from textual.strip import Strip
from textual.widget import Widget

from inspector.tui.abstract import AbstractWidget
from inspector.tui.jobs import Job
from inspector.tui.widgets import graphics
from inspector.tui.widgets.half_blocks import CELL, Label, segments

if TYPE_CHECKING:
    from PIL.Image import Image

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Sent:
    """Pixels as the terminal takes them: for kitty, sent under a `number`; as sixels, one line of characters after the
    other.
    """

    key: object
    size: Size
    number: int = 0
    lines: tuple[str, ...] = ()


class Canvas(Widget, metaclass=AbstractWidget):
    """Draws what a subclass gives it: `fit` says how many pixels it takes in a room, two of which stand above each
    other in a character; `draw` makes as many, or more where the terminal draws them itself.
    """

    DEFAULT_CSS = """
    Canvas { height: 1fr; background: $surface; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: dict[bytes, Strip] = {}
        self._strips: list[Strip] = []
        self._painted: object = None
        self._version = 0
        self._sent: Sent | None = None
        self._kept: set[int] = set()
        self._sending = False
        self._hidden = False
        self.flat = False

    @abstractmethod
    def fit(self, width: int, height: int) -> Size:
        """How many pixels across and down it takes, of `width` and `height` at most. Zero shows nothing."""

    @abstractmethod
    def draw(self, width: int, height: int) -> Image:
        """The picture in exactly so many pixels, RGB. May be called in a thread."""

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

    @property
    def way(self) -> graphics.Way:
        """How the picture is drawn now. `flat` asks for half blocks, whatever the terminal can do."""
        app = self.app
        if self.flat or app.is_headless or app.is_web or app.no_color:
            return "blocks"
        way = graphics.way()
        numbered = app.console.color_system == "truecolor"  # in other colours, kitty cannot be told which picture it is
        return "blocks" if way == "kitty" and not numbered else way

    def on_show(self) -> None:
        self._hidden = False
        self.refresh()

    def on_hide(self) -> None:
        self._hidden, self._sent = True, None
        self._tidy()

    def on_unmount(self) -> None:
        self._sent = None
        self._tidy()

    def _tidy(self) -> None:
        """Let the terminal forget every picture but the one that is shown."""
        shown = 0 if self._sent is None else self._sent.number
        for number in self._kept - {shown}:
            self._write(graphics.forgotten(number))
        self._kept &= {shown}

    def render_line(self, y: int) -> Strip:
        key = (self._version, self.size, self.app.theme, self.app.no_color, self.way, self._sent)
        if self._painted != key:
            self._painted = key
            self._strips = self._paint()
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, self.rich_style)

    def _paint(self) -> list[Strip]:
        width, height = self.fitted
        if not width or not height:
            return []
        cell = _cell(self.way)
        if not all(cell) or max(width, height // CELL) >= graphics.most_cells():
            return self._blocks(width, height)
        key = (self._version, width, height, cell, self.way)
        if (self._sent is None or self._sent.key != key) and not self._sending:
            self._sending = True
            self.run_worker(self._send(key, (width, height), cell), group="pixels")
        if self._sent is None or self._sent.size != (width, height):
            return self._blocks(width, height)
        return self._sent_lines(self._sent)

    async def _send(self, key: object, size: Size, cell: tuple[int, int]) -> None:
        """Send the terminal what is to be seen, and show it; once more where something else is to be seen meanwhile."""
        try:
            sent, data = await Job("pixels", lambda _: self._encoded(key, size, cell)).start().result()
        finally:
            self._sending = False
        if self._hidden:
            return
        self._write(data)
        self._sent = sent
        self._kept |= {sent.number} - {0}
        self.refresh()
        self.call_after_refresh(self._tidy)

    def _encoded(self, key: object, size: Size, cell: tuple[int, int]) -> tuple[Sent, str]:
        (width, height), (across, down), way = size, cell, self.way
        lines = -(-height // CELL)
        picture = self.draw(width * across, height * down // CELL)
        _inscribe(picture, self.labels(width, height), cell)
        if way == "kitty":
            number = graphics.next_number()
            return Sent(key, size, number), graphics.kitty(_padded(picture, lines * down), number, width, lines)
        bands = (picture.crop((0, line * down, picture.width, (line + 1) * down)) for line in range(lines))
        return Sent(key, size, 0, tuple(graphics.sixel(band) for band in bands)), ""

    def _sent_lines(self, sent: Sent) -> list[Strip]:
        """The characters that the picture stands in."""
        (width, height), base = sent.size, self.rich_style
        found = []
        for line in range(-(-height // CELL)):
            if sent.number:
                red, green, blue = sent.number.to_bytes(3, "big")
                style = Style(color=Color.from_rgb(red, green, blue))
                drawn_in = [Segment(graphics.placeholders(width, line), style)]
            else:
                drawn = f"\x1b7\x1b[{width}D{sent.lines[line]}\x1b8"
                drawn_in = [Segment(" " * width, base), Segment(drawn, None, [(ControlType.CURSOR_FORWARD, 0)])]
            rest = self.size.width - width
            found.append(Strip([*drawn_in, Segment(" " * rest, base)], self.size.width))
        return found

    def _write(self, data: str) -> None:
        """To the terminal, in turn with what Textual writes."""
        driver = self.app._driver
        if data and driver is not None and not self.app.is_headless:
            driver.write(data)
            driver.flush()

    def _blocks(self, width: int, height: int) -> list[Strip]:
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
            line = segments(row, width, texts, colours=not self.app.no_color)
            strip = Strip(line).apply_style(base).crop_extend(0, self.size.width, base)
        if not texts:
            self._lines[row] = strip
        return strip


@contextmanager
def flattened(app: App[Any]) -> Iterator[None]:
    """Half blocks on every screen for a while: what is not text cannot be put into a picture of the screen."""
    canvases = [canvas for screen in app.screen_stack for canvas in screen.query(Canvas)]
    for canvas in canvases:
        canvas.flat = True
        canvas.refresh()
    try:
        yield
    finally:
        for canvas in canvases:
            canvas.flat = False
            canvas.refresh()


def _cell(way: graphics.Way) -> Size:
    """Pixels of a character; zeros where they are not known and have to be."""
    told = (0, 0) if way == "blocks" else graphics.cell_pixels()
    return told if all(told) or way != "kitty" else (8, 16)


def _padded(picture: Image, height: int) -> Image:
    """With empty lines below, up to a whole number of characters."""
    from PIL import ImageOps

    return ImageOps.expand(picture, (0, 0, 0, height - picture.height)) if picture.height < height else picture


def _inscribe(picture: Image, labels: list[Label], cell: tuple[int, int]) -> None:
    """Write labels onto pixels, each where its characters would stand."""
    from PIL import ImageDraw, ImageFont

    across, down = cell
    drawing, font = ImageDraw.Draw(picture), ImageFont.load_default(max(8, down * 3 // 4))
    for label in labels:
        place = (label.column * across, label.line * down)
        drawing.text(place, label.text, "white", font, stroke_width=1, stroke_fill="black")
