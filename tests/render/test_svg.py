from __future__ import annotations

import math
from xml.etree import ElementTree

import pytest

from inspector.parts import Column, Curve, Heatmap, Part, Table
from inspector.render import svg
from inspector.views import BUILT_IN
from inspector.views.rows import Rows
from tests.render.test_text import PARTS
from tests.traces import small_trace

SPACE = "{http://www.w3.org/2000/svg}"


def drawn(*parts: Part) -> ElementTree.Element:
    return ElementTree.fromstring("".join(svg(parts)))


def texts(root: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SPACE}text")]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.title)
def test_every_kind_of_part_is_a_picture(part: Part) -> None:
    root = drawn(part)
    assert float(root.attrib["width"]) > 0
    assert float(root.attrib["height"]) > 0
    assert part.title in texts(root)


def test_everything_stays_inside() -> None:
    root = drawn(*PARTS, *BUILT_IN["tensor"](small_trace(), call="13"))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for element in [*root.iter(f"{SPACE}text"), *root.iter(f"{SPACE}rect")]:
        if element.attrib["width" if element.tag.endswith("rect") else "x"] == "100%":
            continue
        assert 0 <= float(element.attrib["x"]) <= width
        assert 0 <= float(element.attrib["y"]) <= height
        assert float(element.attrib["x"]) + float(element.attrib.get("textLength", 0)) <= width


def test_texts_are_escaped_and_visible() -> None:
    root = drawn(Table("<b>&", (Column("t"),), [("<script>alert(1)</script>\x1b",)]))
    assert texts(root) == ["<b>&", "t", "<script>alert(1)</script>␛"]
    assert not list(root.iter(f"{SPACE}script"))


def test_columns_stand_under_each_other_whatever_the_font() -> None:
    root = drawn(Table("", (Column("t"), Column("n")), [("你好世界", "x"), ("ab", "y")]))
    places = {element.text: element.attrib["x"] for element in root.iter(f"{SPACE}text")}
    assert places["n"] == places["x"] == places["y"]
    lengths = {element.text: float(element.attrib["textLength"]) for element in root.iter(f"{SPACE}text")}
    assert lengths["你好世界"] == 4 * lengths["ab"]


def test_a_heatmap_has_a_rectangle_a_cell() -> None:
    root = drawn(Heatmap("", [[1.0, 2.0], [math.nan, -math.inf]]))
    tips = [title.text for title in root.iter(f"{SPACE}title")]
    assert tips == ["1", "2", "nan", "-inf"]
    fills = [rect.attrib["fill"] for rect in root.iter(f"{SPACE}rect") if len(rect)]
    assert fills[2:] == ["#ff00ff", "#ff8c00"]


def test_a_line_breaks_where_a_value_is_not_finite() -> None:
    root = drawn(Curve("", [0, 1, 2, 3, 4], {"a": [1, 2, math.nan, 3, math.inf]}))
    assert len(list(root.iter(f"{SPACE}polyline"))) == 2


def test_a_long_table_says_what_it_leaves_out() -> None:
    read: list[int] = []

    def row(number: int) -> tuple[int]:
        read.append(number)
        return (number,)

    found = texts(drawn(Table("", (Column("n"),), Rows(range(10**6), row))))
    assert found[-1] == "… and 999,000 more rows"
    assert len(read) == 1000
