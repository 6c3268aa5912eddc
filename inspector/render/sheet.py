"""An SVG document that grows downwards. It counts in character cells, and pins each text to the width it must have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from rich.cells import cell_len

from inspector.render.cells import GAP
from inspector.render.scale import Rgb

FONT = 14.0
WIDE = 8.4
"""Width of a character cell, in pixels."""
LINE = 19.0
MARGIN = 12.0
SERIES = ("#1f6feb", "#bc4c00", "#1a7f37", "#8250df")

STYLE = (
    f"text{{font:{FONT:g}px 'DejaVu Sans Mono','Menlo','Consolas','Noto Sans Mono CJK SC',monospace;fill:#1f2328;"
    "white-space:pre}"
    ".title,.header{font-weight:bold}.dim{fill:#59636e}.loud{fill:#b00020;font-weight:bold}"
    + "".join(f".series{place}{{fill:{color}}}" for place, color in enumerate(SERIES))
)


class Sheet:
    """`y` is where the next element begins. Texts are escaped here; whoever draws passes them as they are."""

    def __init__(self) -> None:
        self.width = 0.0
        self.y = MARGIN
        self._elements: list[str] = []

    def document(self) -> Iterator[str]:
        width, height = self.width + 2 * MARGIN, self.y + MARGIN
        size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
        yield f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<style>{STYLE}</style>\n'
        yield '<rect width="100%" height="100%" fill="#ffffff"/>\n'
        yield from (f"{element}\n" for element in self._elements)
        yield "</svg>\n"

    def skip(self, height: float = LINE) -> None:
        self.y += height

    def line(self, text: str, style: str = "") -> None:
        self.text(text, 0, FONT, style)
        self.skip()

    def row(self, texts: Sequence[str], widths: Sequence[int], aligns: Sequence[str], style: str) -> None:
        """The fields of a table under each other, `widths` in cells."""
        start = 0
        for text, width, align in zip(texts, widths, aligns, strict=True):
            shift = width - cell_len(text) if align == "right" else 0
            if text:
                self.text(text, (start + shift) * WIDE, FONT, style)
            start += width + len(GAP)
        self.skip()

    def text(self, text: str, x: float, down: float, style: str = "") -> None:
        """Text whose baseline stands `down` below `y`; its length is pinned, so that columns keep their places."""
        length = cell_len(text) * WIDE
        self._reach(x + length)
        kind = f' class="{style}"' if style else ""
        place = f'x="{MARGIN + x:g}" y="{self.y + down:g}" textLength="{length:g}" lengthAdjust="spacingAndGlyphs"'
        self._elements.append(f'<text {place}{kind} xml:space="preserve">{escape(text)}</text>')

    def rect(self, x: float, down: float, size: tuple[float, float], color: Rgb, tip: str = "") -> None:
        """A filled rectangle; `tip` is shown when the mouse rests on it."""
        width, height = size
        self._reach(x + width)
        place = f'x="{MARGIN + x:g}" y="{self.y + down:g}" width="{width:g}" height="{height:g}"'
        fill = f'fill="#{color[0]:02x}{color[1]:02x}{color[2]:02x}"'
        end = f"><title>{escape(tip)}</title></rect>" if tip else "/>"
        self._elements.append(f'<rect {place} {fill} shape-rendering="crispEdges"{end}')

    def bars(self, points: Sequence[float | None], width: float, height: float) -> None:
        """Bars side by side over `width`, each as high as its point."""
        step = width / max(1, len(points))
        for place, point in enumerate(points):
            if point is not None:
                self.rect(place * step, height - point, (max(step - 1, 0.5), point), (31, 111, 235))

    def polyline(self, points: Sequence[float | None], width: float, height: float, series: int) -> None:
        """A line through the points, broken where there is none."""
        step = width / max(1, len(points) - 1)
        run: list[str] = []
        self._reach(width)
        for place, point in enumerate([*points, None]):
            if point is not None:
                run.append(f"{MARGIN + place * step:.1f},{self.y + height - point:.1f}")
                continue
            if run:
                ends = run if len(run) > 1 else run * 2
                paint = f'fill="none" stroke="{SERIES[series % 4]}" stroke-width="1.5" stroke-linecap="round"'
                self._elements.append(f'<polyline points="{" ".join(ends)}" {paint}/>')
            run = []

    def image(self, png: str, width: int, height: int) -> None:
        """A picture, `png` in base64, at its own size."""
        self._reach(width)
        place = f'x="{MARGIN:g}" y="{self.y:g}" width="{width}" height="{height}"'
        self._elements.append(f'<image {place} href="data:image/png;base64,{png}"/>')
        self.skip(height)

    def _reach(self, x: float) -> None:
        self.width = max(self.width, x)
