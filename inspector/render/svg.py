"""Parts as one picture. Each character stands where it would in a terminal, whatever font the reader's machine has."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from itertools import islice

from rich.cells import cell_len

from inspector.analysis.wording import number, visible
from inspector.parts import Cell, Column, Curve, Heatmap, Part, Picture, Table, Text, Tree
from inspector.render.cells import cell_text
from inspector.render.charts import not_finite
from inspector.render.scale import INF, NAN, Scale
from inspector.render.sheet import LINE, Sheet
from inspector.render.tables import walk

MOST_ROWS = 1000
"""Rows of a table that a picture shows; the rest is counted below them."""
CHART = (640.0, 160.0)
CELL = 12.0
LEAST_CELL, MOST_CELL = 4.0, 20.0


def svg(parts: Sequence[Part]) -> Iterator[str]:
    """An SVG document with every part below the other."""
    sheet = Sheet()
    for part in parts:
        if part.title:
            sheet.line(visible(part.title), "title")
        draw(part, sheet)
        if not isinstance(part, Text) and part.note:
            sheet.line(visible(part.note), "dim")
        sheet.skip()
    yield from sheet.document()


def draw(part: Part, sheet: Sheet) -> None:
    """One part, without title and note."""
    match part:
        case Table():
            draw_table(part, sheet)
        case Tree():
            draw_tree(part, sheet)
        case Heatmap():
            draw_heatmap(part, sheet)
        case Curve():
            draw_curve(part, sheet)
        case Picture():
            draw_picture(part, sheet)
        case Text():
            for line in part.text.splitlines():
                sheet.line(visible(line.expandtabs(4)))


def draw_table(table: Table, sheet: Sheet) -> None:
    _draw_rows(table.columns, list(islice(table.rows, MOST_ROWS)), sheet)
    if len(table.rows) > MOST_ROWS:
        sheet.line(f"… and {len(table.rows) - MOST_ROWS:,} more rows", "loud")


def draw_tree(tree: Tree, sheet: Sheet) -> None:
    lines = list(walk(tree.roots))
    _draw_rows((Column(""), *tree.columns), [(guide + label, *cells) for guide, label, cells in lines], sheet)


def draw_heatmap(heatmap: Heatmap, sheet: Sheet) -> None:
    """A rectangle a cell, and a legend."""
    flat = [value for row in heatmap.values for value in row]
    scale = Scale.of(flat)
    across = max(map(len, heatmap.values), default=1)
    size = min(MOST_CELL, max(LEAST_CELL, CHART[0] // max(1, across)))
    for row in heatmap.values:
        for place, value in enumerate(row):
            sheet.rect(place * size, 0, (size, size), scale.color(value), number(value, 6))
        sheet.skip(size)
    sheet.skip(LINE / 4)
    sheet.line(f"down: {heatmap.row_axis}   across: {heatmap.column_axis}", "dim")
    for step in range(65):
        sheet.rect(step * 4, 0, (4, CELL), scale.color(scale.low + (scale.high - scale.low) * step / 64))
    for place, color in ((290, NAN), (340, INF)):
        sheet.rect(place, 0, (CELL, CELL), color)
    sheet.text("nan", 302, CELL)
    sheet.text("inf", 352, CELL)
    sheet.skip(CELL)
    sheet.line(f"{number(scale.low)} … {number(scale.high)}", "dim")
    if loud := not_finite(flat):
        sheet.line(loud, "loud")


def draw_curve(curve: Curve, sheet: Sheet) -> None:
    """Bars, or a line for each series, between the least and the greatest value."""
    width, height = CHART
    values = [value for series in curve.series.values() for value in series]
    finite = [value for value in values if abs(value) < float("inf")] or [0.0]
    low, high = min([*finite, 0.0] if curve.bars else finite), max(finite)
    scale = Scale(low, high)
    sheet.line(f"{number(high)} {curve.y_axis}", "dim")
    for place, series in enumerate(curve.series.values()):
        points = [scale.level(value) * height if abs(value) < float("inf") else None for value in series]
        if curve.bars:
            sheet.bars(points, width, height)
        else:
            sheet.polyline(points, width, height, place)
    sheet.skip(height + LINE / 4)
    if len(curve.x):
        sheet.line(f"{number(low)}   {curve.x_axis} {number(curve.x[0])} … {number(curve.x[-1])}", "dim")
    if len(curve.series) > 1:
        for place, name in enumerate(curve.series):
            sheet.line(visible(name), f"series{place % 4}")
    if loud := not_finite(values):
        sheet.line(loud, "loud")


def draw_picture(picture: Picture, sheet: Sheet) -> None:
    """The picture itself, as PNG inside the document."""
    from PIL import Image

    stored = io.BytesIO()
    Image.frombytes("RGB", (picture.width, picture.height), picture.rgb).save(stored, "PNG")
    sheet.image(base64.b64encode(stored.getvalue()).decode("ascii"), picture.width, picture.height)


def _draw_rows(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], sheet: Sheet) -> None:
    names = [column.name for column in columns]
    texts = [[cell_text(value, column) for value, column in zip(row, columns, strict=True)] for row in rows]
    widths = [max(map(cell_len, field)) for field in zip(names, *texts, strict=True)]
    for style, line in [("header", names), *(("", text) for text in texts)]:
        sheet.row(line, widths, [column.align for column in columns], style)
