from __future__ import annotations

import csv as standard
import json
import math
from itertools import islice

import pytest

from inspector.parts import Column, Curve, Heatmap, Node, Part, Picture, Table, Text, Tree
from inspector.render import as_json, csv, encode, jsonl
from inspector.views import BUILT_IN
from inspector.views.rows import Rows
from tests.render.test_text import PARTS
from tests.traces import failing_trace, small_trace, steps_trace

KEYS = {
    "table": {"columns", "rows", "note"},
    "tree": {"columns", "roots", "note"},
    "heatmap": {"values", "row_axis", "column_axis", "note"},
    "curve": {"x", "series", "x_axis", "y_axis", "bars", "note"},
    "text": {"text", "language"},
    "picture": {"width", "height", "rgb_base64", "note"},
}


def strict(text: str) -> dict[str, object]:
    def refuse(name: str) -> None:
        raise ValueError(f"{name} is no JSON")

    found: dict[str, object] = json.loads(text, parse_constant=refuse)
    return found


def check(data: dict[str, object], name: str) -> None:
    """The contract of `view --format json`."""
    assert set(data) == {"view", "parts"}
    assert data["view"] == name
    assert isinstance(data["parts"], list)
    for part in data["parts"]:
        assert set(part) == {"kind", "title"} | KEYS[part["kind"]]
        if part["kind"] == "table":
            assert all(len(row) == len(part["columns"]) for row in part["rows"])


def test_every_kind_of_part() -> None:
    data = strict("".join(as_json("all", PARTS)))
    check(data, "all")
    assert data["parts"][2]["values"] == [[-1.0, 0.0], ["nan", "inf"]]  # type: ignore[index]
    assert data["parts"][4]["series"]["a"] == [1.0, 2.0, "nan"]  # type: ignore[index]


@pytest.mark.parametrize("trace", [small_trace(), failing_trace(), steps_trace()])
def test_every_view(trace: object) -> None:
    for view in BUILT_IN.values():
        options = {"call": "13"} if view.name == "tensor" else {}
        check(strict("".join(as_json(view.name, view(trace, **options)))), view.name)  # type: ignore[arg-type]


def test_no_parts() -> None:
    assert strict("".join(as_json("none", []))) == {"view": "none", "parts": []}


def test_numbers_are_whole_and_text_is_as_it_was() -> None:
    table = Table("t", (Column("a", "right", "bytes"), Column("b")), [(1234567, "你好\n\x1b[0m"), (1 / 3, None)])
    (part,) = strict("".join(as_json("t", [table])))["parts"]  # type: ignore[misc]
    assert part["rows"] == [[1234567, "你好\n\x1b[0m"], [1 / 3, None]]


def test_csv_has_a_header_and_reads_back() -> None:
    table = Table("t", (Column("name"), Column("size, total")), [('a "b", c', 1), ("line\nbreak", None), ("", 1.5)])
    found = list(standard.reader("".join(csv(table)).splitlines(keepends=True)))
    assert found == [["name", "size, total"], ['a "b", c', "1"], ["line\nbreak", ""], ["", "1.5"]]


def test_csv_of_the_other_kinds() -> None:
    tree = Tree("", (Column("n"),), (Node("a", (1,), (Node("b", (2,)),)),))
    assert "".join(csv(tree)) == "depth,label,n\n0,a,1\n1,b,2\n"
    assert "".join(csv(Heatmap("", [[1.0, math.nan]]))) == "row,0,1\n0,1.0,nan\n"
    assert "".join(csv(Curve("", [0.5], {"count": [3.0]}, "value"))) == "value,count\n0.5,3.0\n"
    assert "".join(csv(Table("", (Column("a"),), []))) == "a\n"


def test_json_lines() -> None:
    table = Table("", (Column("a"), Column("b")), [(1, math.inf), (2, "x\ny")])
    assert [json.loads(line) for line in jsonl(table)] == [{"a": 1, "b": "inf"}, {"a": 2, "b": "x\ny"}]


@pytest.mark.parametrize("write", [csv, jsonl, lambda table: as_json("v", [table])])
def test_rows_are_written_as_they_are_read(write) -> None:  # type: ignore[no-untyped-def]
    read: list[int] = []

    def row(number: int) -> tuple[int]:
        read.append(number)
        return (number,)

    list(islice(write(Table("", (Column("n"),), Rows(range(10**6), row))), 10))
    assert len(read) <= 10


def test_encode_leaves_finite_data_alone() -> None:
    assert encode({"a": [1, 2.5, None, "é"]}) == '{"a": [1, 2.5, null, "é"]}'


def test_all_kinds_are_covered() -> None:
    kinds: set[type[Part]] = {Table, Tree, Heatmap, Curve, Text, Picture}
    assert {type(part) for part in PARTS} == kinds
