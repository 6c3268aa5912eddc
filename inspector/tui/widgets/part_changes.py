"""Which of the parts that a view returned is another than it was: what one wants to see after changing an option."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from inspector.parts import Heatmap, Part, Table

LOOKED_AT = 100
"""Rows of a table, or of a heatmap, that are compared: a table may be long, and its rows made when they are read."""


def first_changed(before: Sequence[Part], after: Sequence[Part]) -> int | None:
    """The place of the first part with a title that there was not, else of the first that differs; None for none."""
    known = {(part.kind, part.title): part for part in before}
    new = (place for place, part in enumerate(after) if (part.kind, part.title) not in known)
    other = (place for place, part in enumerate(after) if _differs(known.get((part.kind, part.title)), part))
    return next(new, next(other, None))


def _differs(before: Part | None, after: Part) -> bool:
    if isinstance(before, Table) and isinstance(after, Table):
        rows = (list(map(tuple, islice(table.rows, LOOKED_AT))) for table in (before, after))
        return len(before.rows) != len(after.rows) or before.columns != after.columns or next(rows) != next(rows)
    if isinstance(before, Heatmap) and isinstance(after, Heatmap):
        values = (list(map(list, islice(part.values, LOOKED_AT))) for part in (before, after))
        return before.note != after.note or next(values) != next(values)
    return before is not None and before != after
