from __future__ import annotations

from inspector.parts import Table
from inspector.trace import Token, Trace
from inspector.views.tokens import VIEW
from tests.traces import model_info, small_trace


def shown(trace: Trace) -> Table:
    (part,) = VIEW(trace)
    assert isinstance(part, Table)
    return part


def test_everything_in_a_token_can_be_seen() -> None:
    rows = shown(small_trace()).rows
    assert rows[2] == (0, 2, 198, "␊", "text", "2,2,2")
    assert rows[8][3] == "世界🌍"
    assert rows[9][3] == "[bold]"
    assert rows[10][3] == "·café␉␛[31m"


def test_rows_of_a_batch_follow_each_other() -> None:
    batch = [[Token(0, 1, "a", "text", (0,))], [Token(0, 0, "<pad>", "pad"), Token(1, 2, "b", "text", (0,))]]
    rows = list(shown(Trace(model_info(), tokens=batch)).rows)
    assert [row[:2] for row in rows] == [(0, 0), (1, 0), (1, 1)]
    assert [row[-1] for row in rows] == ["0", None, "0"]


def test_no_tokens() -> None:
    assert "not given input_ids" in shown(Trace(model_info())).note
