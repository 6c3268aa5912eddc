"""Heatmaps, curves and pictures as lines of text: two pixels in each character cell where there is colour, shades and
block characters where there is none.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from inspector.analysis.wording import number
from inspector.parts import Curve, Heatmap, Picture
from inspector.render.paper import Paper
from inspector.render.scale import INF, NAN, Rgb, Scale, mean, shrink

PIPE_WIDTH = 80
BLOCKS = " ▁▂▃▄▅▆▇█"
CHART_ROWS = 8
MOST_ROWS = 64


def heatmap_lines(heatmap: Heatmap, paper: Paper) -> Iterator[str]:
    width = paper.width or PIPE_WIDTH
    cells = shrink(heatmap.values, MOST_ROWS, width)
    if not cells:
        yield paper.paint("(empty)", "dim")
        return
    flat = [value for row in heatmap.values for value in row]
    scale = Scale.of(flat)
    zoom = 2 if 2 * len(cells[0]) <= width else 1  # square cells either way: a character is twice as high as wide
    if paper.colors:
        pixels = [[scale.color(value) for value in row for _ in range(zoom)] for row in cells for _ in range(zoom)]
        yield from _half_blocks(pixels, paper)
    else:
        yield from ("".join(scale.shade(value) * zoom for value in row).rstrip() for row in cells)
    yield paper.paint(f"down: {heatmap.row_axis}   across: {heatmap.column_axis}", "dim")
    yield _legend(scale, paper)
    if loud := not_finite(flat):
        yield paper.paint(loud, "loud")


def curve_lines(curve: Curve, paper: Paper) -> Iterator[str]:
    """Each series as a chart of its own, over the same x."""
    width = paper.width or PIPE_WIDTH
    if not len(curve.x):
        yield paper.paint("(empty)", "dim")
        return
    for name, values in curve.series.items():
        if len(curve.series) > 1:
            yield paper.paint(name, "header")
        yield from _chart([float(value) for value in values], width, from_zero=curve.bars)
    low, high = number(curve.x[0]), number(curve.x[-1])
    shown = _shown(len(curve.x), width)
    axis = f"{low}{curve.x_axis.center(max(1, shown - len(low) - len(high)))}{high}"
    yield " " * _margin(curve) + paper.paint(axis, "dim")
    if loud := not_finite([value for values in curve.series.values() for value in values]):
        yield paper.paint(loud, "loud")


def picture_lines(picture: Picture, paper: Paper) -> Iterator[str]:
    """The picture no wider than the paper and no taller than `MOST_ROWS` cells."""
    scale = min(1.0, (paper.width or PIPE_WIDTH) / picture.width, 2 * MOST_ROWS / picture.height)
    width, height = max(1, int(picture.width * scale)), max(1, int(picture.height * scale))
    rows = [[_pixel(picture, x, y, width, height) for x in range(width)] for y in range(height)]
    if paper.colors:
        yield from _half_blocks(rows, paper)
    else:
        grey = Scale(0, 255)
        yield from ("".join(grey.shade(sum(pixel) / 3) for pixel in row).rstrip() for row in rows[::2])
    yield paper.paint(f"{picture.width}×{picture.height} pixels", "dim")


def not_finite(values: Sequence[float]) -> str:
    """What is not finite, counted; empty where everything is."""
    nan = sum(math.isnan(value) for value in values)
    inf = sum(math.isinf(value) for value in values)
    counted = (("nan", nan), ("inf", inf))
    found = ", ".join(f"{count:,} × {name}" for name, count in counted if count)
    return f"Not finite: {found}!" if found else ""


def _half_blocks(rows: Sequence[Sequence[Rgb]], paper: Paper) -> Iterator[str]:
    for top in range(0, len(rows), 2):
        below: Sequence[Rgb | None] = rows[top + 1] if top + 1 < len(rows) else [None] * len(rows[top])
        yield "".join(paper.block("▀", upper, lower) for upper, lower in zip(rows[top], below, strict=True))


def _legend(scale: Scale, paper: Paper) -> str:
    steps = [scale.low + (scale.high - scale.low) * step / 8 for step in range(9)]
    if paper.colors:
        bar = "".join(paper.block("█", scale.color(value), None) for value in steps)
        loud = f"   {paper.block('█', NAN, None)} nan  {paper.block('█', INF, None)} inf"
    else:
        bar, loud = "".join(scale.shade(value) for value in steps), "   ! nan  ∞ inf"
    return f"{number(scale.low)} {bar} {number(scale.high)}{loud}"


def _chart(values: list[float], width: int, *, from_zero: bool) -> Iterator[str]:
    finite = [value for value in values if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    low = min(0.0, low) if from_zero else low
    labels = {CHART_ROWS - 1: number(high), 0: number(low)}
    margin = max(map(len, labels.values()))
    columns = _resample(values, _shown(len(values), width))
    for row in reversed(range(CHART_ROWS)):
        line = "".join(_block(value, low, high, row) for value in columns)
        yield f"{labels.get(row, ''):>{margin}} {line}".rstrip()


def _block(value: float, low: float, high: float, row: int) -> str:
    """The part of a bar that stands in one row of the chart, counted from the bottom."""
    if not math.isfinite(value):
        return "!" if row == 0 else " "
    level = (value - low) / (high - low) if high > low else 0.5
    eighths = round(level * CHART_ROWS * 8) if level else 0
    if level > 0 and eighths == 0:
        eighths = 1
    return BLOCKS[min(8, max(0, eighths - 8 * row))]


def _resample(values: list[float], width: int) -> list[float]:
    """As many columns as `width`: means of what falls together, repeats of what is spread."""
    count = len(values)
    if count <= width:
        return [value for value in values for _ in range(width // count)]
    return [mean(values[count * place // width : count * (place + 1) // width]) for place in range(width)]


def _shown(count: int, width: int) -> int:
    """Columns of a chart of `count` values: a whole number of them each, with room for the labels."""
    room = max(10, min(width, 100) - 12)
    return count * (room // count) if count <= room else room


def _margin(curve: Curve) -> int:
    finite = [value for values in curve.series.values() for value in values if math.isfinite(value)] or [0.0]
    low = min(0.0, *finite) if curve.bars else min(finite)
    return max(len(number(low)), len(number(max(finite)))) + 1


def _pixel(picture: Picture, x: int, y: int, width: int, height: int) -> Rgb:
    column, row = x * picture.width // width, y * picture.height // height
    start = 3 * (row * picture.width + column)
    return picture.rgb[start], picture.rgb[start + 1], picture.rgb[start + 2]
