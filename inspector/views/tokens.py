"""The tokens of each row: id, text, kind and the position under which the decoder saw it."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.analysis.wording import visible
from inspector.parts import Cell, Column, Part, Table, View
from inspector.trace import Token, Trace
from inspector.views.rows import Rows

COLUMNS = (
    Column("row", "right"),
    Column("index", "right"),
    Column("id", "right"),
    Column("text"),
    Column("kind"),
    Column("position"),
)


def show(trace: Trace) -> Sequence[Part]:
    tokens = [(number, token) for number, row in enumerate(trace.tokens) for token in row]
    note = "" if tokens else "This trace holds no tokens: the model was not given input_ids."
    return [Table("Tokens", COLUMNS, Rows(tokens, _cells), note)]


def _cells(item: tuple[int, Token]) -> tuple[Cell, ...]:
    row, token = item
    return row, token.index, token.id, visible(token.text, spaces=True), token.kind, position_text(token)


def position_text(token: Token) -> str | None:
    """`7`, under M-RoPE `3,0,4` (time, height, width); None where no position was seen."""
    return None if token.position is None else ",".join(map(str, token.position))


VIEW = View("tokens", "The tokens of each row: index, id, text, kind and position", show)
