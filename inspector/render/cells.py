"""The fields of tables and trees as text of a known width, wide characters counted as two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from rich.cells import cell_len, chop_cells, set_cell_size

from inspector.analysis.wording import in_bytes, in_seconds, number, visible
from inspector.parts import Cell, Column

GAP = "  "
UNITS: dict[str, Callable[[float], str]] = {
    "": partial(number, digits=4),
    "bytes": in_bytes,
    "seconds": in_seconds,
    "count": "{:,}".format,
    "percent": "{:.1f} %".format,
}
LEAST, LEAST_FIRST = 16, 32
"""No column of text is cut below so many cells, and the first one not below more: beyond that, columns are left out."""

MOST = 60
"""Where nothing is cut, a column is laid out for texts of so many cells: a few long ones do not widen the table."""


def cell_text(value: Cell, column: Column) -> str:
    """A field as a reader expects it; safe to print."""
    if value is None:
        return ""
    if isinstance(value, str):
        return visible(value)
    return str(value) if isinstance(value, bool) else UNITS[column.unit](value)


def pad(text: str, width: int, align: str = "left") -> str:
    """`text` in exactly `width` cells: filled with blanks, or cut with a visible `…`."""
    length = cell_len(text)
    if length > width:
        return cut(text, width)
    blanks = " " * (width - length)
    return blanks + text if align == "right" else text + blanks


def cut(text: str, width: int) -> str:
    """`text` cut to `width` cells: in the middle for a path, whose end tells most; else at the end."""
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    if "/" in text and " " not in text and width < 12:
        return "…" + " " * (width - 1 - cell_len(_last(text, width - 1))) + _last(text, width - 1)
    if " " in text or width < 12:
        return set_cell_size(text, width - 1).rstrip() + "…" + " " * _missing(text, width)
    tail = (width - 1) * 2 // 3
    end = _last(text, tail)
    head = set_cell_size(text, width - 1 - cell_len(end))
    return f"{head}…{end}"


def fold(text: str, width: int) -> list[str]:
    """`text` over as many lines of `width` cells as it takes, broken at blanks where that is possible."""
    lines = [""]
    for word in text.split(" "):
        grown = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(grown) <= width:
            lines[-1] = grown
            continue
        if lines[-1]:
            lines.append("")
        first, *rest = chop_cells(word, max(2, width)) or [""]
        lines[-1:] = [first, *rest]
    return lines


def fit(widths: Sequence[int], columns: Sequence[Column], room: int | None) -> list[int]:
    """Widths that fit into `room` cells, gaps included.

    Text gives way before numbers; the first text, which says what the row is about, gives way last. Columns that do not
    fit even so are left out at the right: fewer widths may come back than went in.
    """
    if room is None or not widths:
        return [min(width, MOST) for width in widths]
    for count in range(len(widths), 0, -1):
        fitted = shrunk(widths[:count], columns, room)
        if line_width(fitted) <= room:
            return fitted
    return [min(widths[0], room)]


def shrunk(widths: Sequence[int], columns: Sequence[Column], room: int, least: int = LEAST) -> list[int]:
    """Widths for `room` cells, gaps included, as far as text can give way: what comes back may still be wider.

    All but the first text keep `least` cells.
    """
    fitted = [min(width, room) for width in widths]
    soft = [place for place, _ in enumerate(fitted) if columns[place].align == "left"]
    _shrink(fitted, soft[1:], least, room)
    _shrink(fitted, soft[:1], LEAST_FIRST, room)
    return fitted


def line_width(widths: Sequence[int]) -> int:
    """Cells of a line of fields, gaps included."""
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _shrink(widths: list[int], places: Sequence[int], least: int, room: int) -> None:
    """Take from the widest of `places`, one cell at a time, until the line fits or none is wider than `least`."""
    while places and line_width(widths) > room:
        widest = max(places, key=lambda place: widths[place])
        if widths[widest] <= least:
            return
        widths[widest] -= 1


def _missing(text: str, width: int) -> int:
    """A wide character that was cut in half leaves a cell over."""
    return width - 1 - cell_len(set_cell_size(text, width - 1).rstrip())


def _last(text: str, width: int) -> str:
    start, length = len(text), 0
    while start and length + cell_len(text[start - 1]) <= width:
        start -= 1
        length += cell_len(text[start])
    return text[start:]
