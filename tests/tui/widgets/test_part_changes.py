from __future__ import annotations

import math

from inspector.parts import Column, Heatmap, Table, Text
from inspector.tui.widgets.part_changes import first_changed
from inspector.views.rows import Rows

COLUMNS = (Column("n"),)


def table(*numbers: int) -> Table:
    """A table whose rows are made when they are read."""
    return Table("Rows", COLUMNS, Rows(numbers, lambda number: (number,)))


def test_nothing_changed() -> None:
    assert first_changed([table(1), Text("a", "b")], [table(1), Text("a", "b")]) is None


def test_rows_are_compared_as_they_read() -> None:
    assert first_changed([Text("a", "b"), table(1, 2)], [Text("a", "b"), table(1, 3)]) == 1
    assert first_changed([table(1)], [table(1, 2)]) == 0


def test_a_part_that_there_was_not_comes_first() -> None:
    before = [table(1), Text("a", "b")]
    assert first_changed(before, [table(2), Text("a", "b"), Text("patch 3", "")]) == 2


def test_heatmaps_are_compared_by_their_numbers() -> None:
    before, after = [Heatmap("h", [[1.0, math.nan]])], [Heatmap("h", [[2.0, math.nan]])]
    assert first_changed(before, before) is None
    assert first_changed(before, after) == 0
