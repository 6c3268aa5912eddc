from __future__ import annotations

from inspector.trace import Token
from inspector.tui.widgets.cells import width_of
from inspector.tui.widgets.token_items import counted, items, lines, matches, run_of
from tests.traces import tokens

ROW = tokens()[0]


def test_runs_of_placeholders_are_one_item() -> None:
    found = items(ROW)
    assert [item.count for item in found] == [1, 1, 1, 4, 1, 1, 1, 1, 1]
    run = found[3]
    assert (run.text, run.index, run.position) == (" <|image_pad|> ×4 ", "3–6", ("3", "3–4", "3–4"))


def test_an_unfolded_run() -> None:
    assert len(items(ROW, {3})) == len(ROW)


def test_text_that_repeats_is_no_run() -> None:
    row = [Token(index, 5, "ha", "text", (index,)) for index in range(3)]
    assert len(items(row)) == 3


def test_where_a_run_starts() -> None:
    assert [run_of(ROW, index) for index in (0, 3, 5, 6, 7)] == [0, 3, 3, 3, 7]


def test_lines_hold_every_item_once_and_fit() -> None:
    for width in (1, 7, 20, 200):
        pieces = [piece for row in lines(items(ROW), width) for piece in row]
        assert [piece.number for piece in pieces] == list(range(9))
        assert all(piece.start + width_of(piece.text) <= width for piece in pieces)


def test_a_line_ends_after_a_line_break() -> None:
    rows = lines(items(ROW), 200)
    assert [piece.number for piece in rows[0]] == [0, 1, 2]


def test_filter() -> None:
    found = items(ROW)
    assert [item.token.id for item in found if matches(item, ["image"])] == [151655]
    assert [item.token.id for item in found if matches(item, ["1516", "special"])] == [151644, 151645]
    assert [item.token.text for item in found if matches(item, ["[bold]"])] == ["[bold]"]


def test_counted() -> None:
    assert dict(counted(ROW)) == {"special": 2, "text": 6, "image": 4}


def test_nothing() -> None:
    assert items([]) == []
    assert lines([], 10) == []
