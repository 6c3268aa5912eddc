"""From a picture to the strips of a heatmap. What stays the same from one paint to the next is not made again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from inspector.tui.widgets import heatmap_lines as lines
from inspector.tui.widgets.cells import fit
from inspector.tui.widgets.palette import Palette, Scale
from inspector.tui.widgets.pictures import Picture


@dataclass(frozen=True, slots=True)
class Colours:
    """The styles of a heatmap. Without a `palette` there are no colours."""

    base: Style
    quiet: Style
    cursor: Style
    palette: Palette | None


class Painter:
    """Paints pictures, one after the other, `width` cells wide. Numbers take `column` cells each."""

    def __init__(self) -> None:
        self._cells: object = None
        self._key: tuple[object, ...] = ()
        self._lines: list[lines.Line] = []
        self._strips: list[Strip] = []

    def paint(self, picture: Picture, scale: Scale, colours: Colours, width: int, column: int) -> Iterator[Strip]:
        """What part of the plane it is, with a legend; the picture; the value under the cursor."""

        def strip(line: lines.Line) -> Strip:
            return Strip(line).apply_style(colours.base).crop_extend(0, width, colours.base)

        extent = lines.extent(picture)
        legend = lines.legend(scale, colours.palette, width - cell_len(extent))
        room = width - sum(cell_len(segment.text) for segment in legend)
        yield strip([Segment(fit(extent, max(room, 0)), colours.quiet), *legend])
        if picture.look.numbers:
            yield from map(strip, lines.number_lines(picture, column, scale, colours.palette, colours.cursor))
        elif colours.palette is None:
            yield from map(strip, lines.glyph_lines(picture, scale))
        else:
            self._draw(picture, scale, colours.palette, colours.base, width)
            marked = lines.marked_lines(picture, self._lines, colours.cursor)
            changed = {number: strip(line) for number, line in marked}
            yield from (changed.get(number, same) for number, same in enumerate(self._strips))
        yield strip([Segment(fit(lines.under_cursor(picture), width), colours.quiet)])

    def _draw(self, picture: Picture, scale: Scale, palette: Palette, base: Style, width: int) -> None:
        """The blocks of a picture, without the cursor; the same strips as long as it shows the same cells."""
        key = (picture.stretch, scale, palette, base, width)
        if picture.cells is not self._cells or key != self._key:
            self._cells, self._key = picture.cells, key
            self._lines = lines.block_lines(picture, scale, palette)
            self._strips = [Strip(line).crop_extend(0, width, base) for line in self._lines]
