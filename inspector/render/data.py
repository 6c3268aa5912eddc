"""Parts as JSON, JSON lines and CSV, for programs: every number in full, nothing cut, rows written as they are read.

JSON knows no nan and no infinity: they are written as the strings "nan", "inf" and "-inf".
"""

from __future__ import annotations

import base64
import csv as standard
import io
import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from inspector.parts import Cell, Column, Curve, Heatmap, Node, Part, Picture, Table, Text, Tree

Tabular = Table | Tree | Heatmap | Curve


def as_json(view: str, parts: Sequence[Part]) -> Iterator[str]:
    """The contract of `view --format json`, a row a line: `{"view": …, "parts": [{"kind", "title", …} …]}`."""
    yield f'{{"view": {encode(view)}, "parts": [\n'
    for number, part in enumerate(parts):
        yield from _part(part)
        yield ",\n" if number < len(parts) - 1 else "\n"
    yield "]}\n"


def jsonl(part: Tabular) -> Iterator[str]:
    """An object a row, its fields by the names of the columns."""
    header, rows = records(part)
    for row in rows:
        yield encode(dict(zip(header, row, strict=True))) + "\n"


def csv(part: Tabular) -> Iterator[str]:
    """A header, then the rows. Numbers are written in full, a field that holds nothing is empty."""
    header, rows = records(part)
    line = io.StringIO()
    writer = standard.writer(line, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        yield line.getvalue()
        line.seek(0)
        line.truncate()
        writer.writerow(row)
    yield line.getvalue()


def records(part: Tabular) -> tuple[list[str], Iterator[Sequence[Cell]]]:
    """Column names and rows. A tree's rows begin with depth and label, a heatmap's with the row's number."""
    match part:
        case Table():
            return [column.name for column in part.columns], iter(part.rows)
        case Tree():
            return ["depth", "label", *(column.name for column in part.columns)], _walk(part.roots, 0)
        case Heatmap():
            width = len(part.values[0]) if part.values else 0
            return ["row", *map(str, range(width))], ((place, *row) for place, row in enumerate(part.values))
        case Curve():
            rows = zip(part.x, *part.series.values(), strict=True)
            return [part.x_axis or "x", *part.series], rows


def encode(data: Any) -> str:
    """Strict JSON on one line; see the module's docstring for what is not finite."""
    try:
        return json.dumps(data, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(data), ensure_ascii=False, allow_nan=False)


def _part(part: Part) -> Iterator[str]:
    head = {"kind": part.kind, "title": part.title}
    if not isinstance(part, Text):
        head["note"] = part.note
    match part:
        case Table():
            yield from _with_rows({**head, "columns": _columns(part.columns)}, "rows", part.rows)
        case Heatmap():
            axes = {"row_axis": part.row_axis, "column_axis": part.column_axis}
            yield from _with_rows({**head, **axes}, "values", part.values)
        case Tree():
            yield encode({**head, "columns": _columns(part.columns), "roots": [_node(root) for root in part.roots]})
        case Curve():
            axes = {"x_axis": part.x_axis, "y_axis": part.y_axis}
            series = {name: list(values) for name, values in part.series.items()}
            yield encode({**head, **axes, "bars": part.bars, "x": list(part.x), "series": series})
        case Text():
            yield encode({**head, "text": part.text, "language": part.language})
        case Picture():
            rgb = base64.b64encode(part.rgb).decode("ascii")
            yield encode({**head, "width": part.width, "height": part.height, "rgb_base64": rgb})


def _with_rows(head: dict[str, Any], name: str, rows: Sequence[Sequence[Cell]]) -> Iterator[str]:
    yield f'{encode(head)[:-1]}, "{name}": ['
    for number, row in enumerate(rows):
        yield f"{',' if number else ''}\n{encode(list(row))}"
    yield "]}"


def _columns(columns: Sequence[Column]) -> list[dict[str, str]]:
    return [{"name": column.name, "unit": column.unit} for column in columns]


def _node(node: Node) -> dict[str, Any]:
    return {"label": node.label, "cells": list(node.cells), "children": [_node(child) for child in node.children]}


def _walk(nodes: Sequence[Node], depth: int) -> Iterator[Sequence[Cell]]:
    for node in nodes:
        yield depth, node.label, *node.cells
        yield from _walk(node.children, depth + 1)


def _finite(data: Any) -> Any:
    if isinstance(data, float) and not math.isfinite(data):
        return str(data)
    if isinstance(data, dict):
        return {key: _finite(item) for key, item in data.items()}
    return [_finite(item) for item in data] if isinstance(data, (list, tuple)) else data
