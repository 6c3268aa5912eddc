"""Tables and trees as lines of text. A long table is written row by row as it is read, never held."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice

from rich.cells import cell_len

from inspector.parts import Cell, Column, Node, Table, Tree
from inspector.render.cells import GAP, cell_text, fit, fold, pad
from inspector.render.paper import Paper

SAMPLE = 500
"""Rows that are looked at for the widths: so many from the start, and so many spread over the rest."""

FEW = 3
"""Columns of a table whose last one is prose."""


def table_lines(table: Table, paper: Paper) -> Iterator[str]:
    columns, rows = table.columns, table.rows
    if not len(rows):
        yield paper.paint("(no rows)", "dim")
        return
    spread = (rows[place] for place in range(SAMPLE, len(rows), max(1, len(rows) // SAMPLE)))
    widths = [max(1, cell_len(column.name)) for column in columns]
    for row in chain(islice(rows, SAMPLE), spread):
        widths = [max(width, length) for width, length in zip(widths, _lengths(row, columns), strict=True)]
    fitted = fit(widths, columns, paper.width)
    yield paper.paint(_line([column.name for column in columns], fitted, columns, paper), "header")
    for row in rows:
        yield from _lines(_texts(row, columns), fitted, columns, paper)
    if (missing := len(columns) - len(fitted)) > 0:
        yield from paper.prose(_narrow(missing, columns), "dim")


def tree_lines(tree: Tree, paper: Paper) -> Iterator[str]:
    lines = list(walk(tree.roots))
    if not lines:
        yield paper.paint("(empty)", "dim")
        return
    columns = (Column(""), *tree.columns)
    texts = [[guide + label, *_texts(cells, tree.columns)] for guide, label, cells in lines]
    widths = [max(map(cell_len, field)) for field in zip([column.name for column in columns], *texts, strict=True)]
    fitted = fit(widths, columns, paper.width)
    yield paper.paint(_line([column.name for column in columns], fitted, columns, paper), "header")
    for text in texts:
        yield _line(text, fitted, columns, paper)
    if (missing := len(columns) - len(fitted)) > 0:
        yield from paper.prose(_narrow(missing, columns), "dim")


def walk(nodes: Sequence[Node], lead: str = "", *, top: bool = True) -> Iterator[tuple[str, str, Sequence[Cell]]]:
    """Guide, label and cells of every node, from the top."""
    for place, node in enumerate(nodes):
        last = place == len(nodes) - 1
        guide = "" if top else "└─ " if last else "├─ "
        yield lead + guide, cell_text(node.label, Column("")), node.cells
        below = "" if top else "   " if last else "│  "
        yield from walk(node.children, lead + below, top=False)


def _lines(texts: list[str], widths: Sequence[int], columns: Sequence[Column], paper: Paper) -> Iterator[str]:
    """A row: one line; where a table of `FEW` columns ends in prose, several, so that the prose is not cut."""
    if paper.width is None or not len(widths) == len(columns) <= FEW or columns[-1].align == "right":
        yield _line(texts, widths, columns, paper)
        return
    for piece in fold(texts[-1], widths[-1]):
        yield _line([*texts[:-1], piece], widths, columns, paper)
        texts = [""] * len(texts)


def _line(texts: Sequence[str], widths: Sequence[int], columns: Sequence[Column], paper: Paper) -> str:
    """The fields at their places. On a pipe, one that is too wide shifts the rest of its line; it is not cut."""
    fields = []
    for text, width, column in zip(texts, widths, columns, strict=False):
        room = max(width, cell_len(text)) if paper.width is None else width
        fields.append(pad(text, room, column.align))
    return GAP.join(fields).rstrip()


def _texts(row: Sequence[Cell], columns: Sequence[Column]) -> list[str]:
    return [cell_text(value, column) for value, column in zip(row, columns, strict=True)]


def _lengths(row: Sequence[Cell], columns: Sequence[Column]) -> list[int]:
    return [cell_len(text) for text in _texts(row, columns)]


def _narrow(missing: int, columns: Sequence[Column]) -> str:
    names = ", ".join(column.name for column in columns[-missing:][:4])
    more = ", …" if missing > 4 else ""
    what = "another column" if missing == 1 else f"{missing} more columns"
    return f"Too narrow here for {what} ({names}{more}); a pipe and --format get all."
