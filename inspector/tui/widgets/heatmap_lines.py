"""A picture of cells as lines of characters: half blocks, glyphs where there are no colours, or numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.segment import Segment
from rich.style import Style

from inspector.analysis.wording import number
from inspector.tui.widgets.palette import STEPS, Palette, Scale, glyph
from inspector.tui.widgets.pictures import Picture
from inspector.tui.widgets.viewport import Axis

DIGITS = 5
"""Significant digits of a number in the grid; the line below the picture has them all."""

LEGEND = 9
"""Steps of the scale that the legend shows, at most."""

Line = list[Segment]


def block_lines(picture: Picture, scale: Scale, palette: Palette) -> list[Line]:
    """Two rows of cells a line."""
    high, wide = picture.stretch
    sign = "▀" * wide
    levels = [row for values in picture.cells for row in [scale.levels(values)] * high]
    if len(levels) % 2:
        levels.append([0] * len(levels[0]))
    halves = palette.halves
    return [
        [Segment(sign, halves(upper, lower)) for upper, lower in zip(above, below, strict=True)]
        for above, below in zip(levels[::2], levels[1::2], strict=True)
    ]


def marked_lines(picture: Picture, lines: list[Line], cursor: Style) -> Iterator[tuple[int, Line]]:
    """Those of the block lines that the cursor stands on, with the cursor in its colour."""
    high, wide = picture.stretch
    here, across = picture.at
    for place in range(here * high // 2, ((here + 1) * high - 1) // 2 + 1):
        line = list(lines[place])
        upper, lower = (here * high <= row < (here + 1) * high for row in (2 * place, 2 * place + 1))
        line[across] = _marked(wide, upper, lower, line[across].style or Style(), cursor)
        yield place, line


def _marked(wide: int, upper: bool, lower: bool, style: Style, cursor: Style) -> Segment:
    """The cell under the cursor in the cursor's colour: the upper half, the lower half, or both."""
    if upper and lower:
        return Segment("█" * wide, Style(color=cursor.bgcolor))
    if upper:
        return Segment("▀" * wide, Style(color=cursor.bgcolor, bgcolor=style.bgcolor))
    return Segment("▄" * wide, Style(color=cursor.bgcolor, bgcolor=style.color))


def glyph_lines(picture: Picture, scale: Scale) -> Iterator[Line]:
    """A row of cells a line, as characters; the cursor in reverse."""
    high, wide = picture.stretch
    here, across = picture.at
    for row, values in enumerate(picture.cells):
        line = [Segment(glyph(scale.level(value)) * wide) for value in values]
        if row == here:
            line[across] = Segment(line[across].text, Style(reverse=True))
        for _ in range(high):
            yield line


def number_lines(picture: Picture, width: int, scale: Scale, palette: Palette | None, cursor: Style) -> Iterator[Line]:
    """The numbers themselves, `width` cells each, on the colours of the heatmap, headed by their indices."""
    window, here = picture.window, picture.at
    margin = gutter(window.rows)
    heads = "".join(f"{column:>{width}}" for column in window.columns.shown)
    yield [Segment(" " * margin + heads, Style(dim=True))]
    for row, (levels, values) in enumerate(zip(picture.cells, picture.values, strict=True)):
        line = [Segment(f"{window.rows.first + row:>{margin - 1}} ", Style(dim=True))]
        for column, (level, value) in enumerate(zip(levels, values, strict=True)):
            style = palette.behind(scale.level(level)) if palette else Style()
            if (row, column) == here:
                style = cursor if palette else Style(reverse=True)
            line.append(Segment(f"{short(value):>{width}}", style))
        yield line


def element_at(picture: Picture, x: int, y: int, width: int, *, glyphs: bool) -> tuple[int, int]:
    """Row and column of the element drawn at a place of the widget, or of the nearest one."""
    rows, columns = picture.window.rows, picture.window.columns
    high, wide = picture.stretch
    if picture.look.numbers:
        row, column = y - 2, (x - gutter(rows)) // width
    else:
        row, column = (y - 1) * (1 if glyphs else 2) // high, x // wide
    row, column = (max(0, min(cell, len(axis.shown) - 1)) for cell, axis in ((row, rows), (column, columns)))
    return rows.edge(rows.first + row), columns.edge(columns.first + column)


def number_width(values: Sequence[Sequence[Any]]) -> int:
    """Cells that each of these numbers takes, with a space in front."""
    return 1 + max((len(short(value)) for row in values for value in row), default=1)


def gutter(rows: Axis) -> int:
    """Cells that the indices of rows take in front of numbers."""
    return len(str(max(rows.size - 1, 0))) + 1


def short(value: Any) -> str:
    """A number as it stands in the grid."""
    return number(value, DIGITS) if isinstance(value, float) else str(value)


def exact(value: Any) -> str:
    """A number with every digit that a float32 has."""
    return number(value, 9) if isinstance(value, float) else str(value)


def extent(picture: Picture) -> str:
    """What part of the plane is shown, and how much a cell covers."""
    rows, columns = picture.window.rows, picture.window.columns
    cell = "" if picture.window.finest else f" · cell {_share(rows)}×{_share(columns)}"
    return f"{_part(rows)} × {_part(columns)}{cell}"


def under_cursor(picture: Picture) -> str:
    """The value under the cursor with its index; for a cell of many, what it sums up."""
    rows, columns = picture.window.rows.covered, picture.window.columns.covered
    count = len(rows) * len(columns)
    many = f"  {picture.look.how} of {count:,}" if count > 1 else ""
    said = getattr(picture.look.plane, "said", exact)  # of numbers with a unit, or worked out, the plane knows better
    if picture.found is not None:
        row, column, value = picture.found
        return f"{picture.look.plane.where(row, column)} = {said(value)}{many}"
    where = picture.look.plane.where(f"{rows.start}:{rows.stop}", f"{columns.start}:{columns.stop}")
    return f"{where}{many} = {said(picture.value)}"


def legend(scale: Scale, palette: Palette | None, room: int) -> Line:
    """What the colours, or the glyphs, stand for, in at most `room` cells; nothing where that is too little."""
    low, high = (f"{number(scale.centre + side * scale.half, 2)}" for side in (-1, 1))
    left, right = (f" ±{high} ", "") if scale.centre == 0 else (f" {low} ", f" {high}")
    width = min(room - len(left) - len(right), LEGEND) - 1 | 1  # odd, so that the middle of the scale has its step
    if width < 3:
        return []
    levels = [round(-STEPS + 2 * STEPS * step / (width - 1)) for step in range(width)]
    if palette is None:
        bar = [Segment(glyph(level)) for level in levels]
    else:
        bar = [Segment("█", palette.halves(level, level)) for level in levels]
    return [Segment(left), *bar, Segment(right)]


def _part(axis: Axis) -> str:
    shown = axis.elements
    return f"{axis.size}" if len(shown) == axis.size else f"{shown.start}–{shown.stop - 1}/{axis.size}"


def _share(axis: Axis) -> str:
    """Elements of a cell: a whole number, or two where cells differ by one."""
    if axis.step:
        return str(axis.step)
    least, rest = divmod(axis.size, axis.cells)
    return f"{least}–{least + 1}" if rest else str(least)
