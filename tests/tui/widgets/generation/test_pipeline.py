from __future__ import annotations

import math

import pytest

from inspector.trace.stages import Stages, Standing
from inspector.tui.widgets.generation.chances import bar, whole_percent
from inspector.tui.widgets.generation.pipeline import REMOVED, Asked, Line, Pair, paired, percent, tokens_of
from inspector.tui.widgets.generation.pipeline_columns import Column, parameters
from tests.tui.widgets.generation.records import IDS, PROCESSORS, pipeline, row

TAKEN = row(IDS[" rosetta"], 3)
LINE = Line(TAKEN.processors, TAKEN.chosen)
OTHER = Line(
    pipeline(IDS[" rosetta"], 3, [("raw", {}), ("temperature", {"temperature": 2.0}), ("min_p", {"min_p": 0.1})])
)


def test_where_a_token_stands() -> None:
    best = TAKEN.processors["raw"].top[0]
    found = LINE.standing(0, best.id)
    assert found is not None
    assert found.rank == 1
    assert (found.score, found.probability) == pytest.approx((best.score, best.probability))
    assert LINE.standing(0, 77) is None, "in no table, and there are more tokens than in the table"
    last = len(TAKEN.processors) - 1
    assert LINE.standing(last, 77) is REMOVED, "the table of top_p holds everything that is left"
    assert LINE.text(77) is None


def test_the_chosen_token_and_those_asked_for_are_known_everywhere() -> None:
    chosen = LINE.standing(1, IDS[" rosetta"])
    assert chosen is TAKEN.processors[1].chosen
    asked = {77: Asked(" spoon", {"raw": Standing(-2.0, -9.0, 5000), "top_k": Standing(-math.inf, -math.inf, 51)})}
    line = Line(TAKEN.processors, TAKEN.chosen, asked)
    assert line.standing(0, 77) == Standing(-2.0, -9.0, 5000)
    assert line.standing(3, 77) is REMOVED
    assert line.text(77) == " spoon"
    assert line.tokens()[-1] == 77
    assert line.tokens()[: len(TAKEN.processors[-1].top)] == list(TAKEN.processors[-1].top.ids)  # type: ignore[attr-defined]


def test_processors_of_a_what_if_stand_beside_those_of_the_same_name() -> None:
    found = paired(LINE.stages, OTHER.stages)
    assert found == [Pair(0, 0), Pair(1, None), Pair(2, 1), Pair(3, None), Pair(4, None), Pair(None, 2)]
    assert paired(LINE.stages, None) == [Pair(place, None) for place in range(5)]
    assert set(LINE.tokens()) <= set(tokens_of(LINE, OTHER))


def columns(other: Line | None = None) -> dict[str, Column]:
    tokens = tokens_of(LINE, other)
    pairs = paired(LINE.stages, None if other is None else other.stages)
    return {made.name: made for made in (Column(pair, (LINE, other), tokens, "probability", 20) for pair in pairs)}


def written(column: Column, token: int) -> str:
    text = "".join(text for text, _ in column.cell(token))
    assert len(text) == column.width
    return text.strip()


def test_a_column() -> None:
    found = columns()
    assert list(found) == [name for name, _ in PROCESSORS]
    top_p = found["top_p"]
    assert top_p.facts["parameters"] == "0.9, min_tokens_to_keep=1"
    assert top_p.facts["left"] == f"{TAKEN.processors['top_p'].kept}"
    assert top_p.width == 13
    removed = next(token for token in LINE.tokens() if LINE.standing(4, token) is REMOVED)
    assert written(top_p, removed) == "−"
    assert written(found["raw"], TAKEN.processors[0].top[0].id).endswith(" 1")
    assert written(found["raw"], 77) == ""


def test_a_column_with_a_what_if() -> None:
    found = columns(OTHER)
    token = TAKEN.processors[0].top[0].id
    assert "→" not in written(found["raw"], token), "the same on both sides"
    assert " → " in written(found["temperature"], token)
    assert found["temperature"].facts["parameters"] == "0.7 → 2.0"
    assert found["repetition_penalty"].facts["parameters"] == "1.1 → off"
    assert found["min_p"].facts["parameters"] == "off → 0.1"
    for column in found.values():
        for each in tokens_of(LINE, OTHER):
            written(column, each)


def test_parameters() -> None:
    assert [parameters(stage) for stage in TAKEN.processors[:3]] == ["", "1.1", "0.7"]


def test_numbers() -> None:
    assert [percent(value) for value in (1, 0.62149, 0.0531, 0.0014, 0.0004, 2e-7, 0)] == [
        "100 %",
        "62.1 %",
        "5.31 %",
        "0.14 %",
        "0.04 %",
        "2e-05 %",
        "0 %",
    ]
    assert [whole_percent(value) for value in (1, 0.62, 0.004, 0)] == ["100%", "62%", "<1%", "0%"]
    assert [bar(share, 10) for share in (0, 1e-9, 0.5, 0.55, 1)] == ["", "╴", "━" * 5, "━" * 5 + "╸", "━" * 10]


def test_nothing() -> None:
    assert Line(Stages()).tokens() == []
    assert paired(Stages(), None) == []
