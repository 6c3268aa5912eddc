from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import pytest

from inspector.parts import Cell, Column, Curve, Heatmap, Node, Part, Picture, Table, Text, Tree
from inspector.tui.screens.row import RowScreen
from inspector.tui.widgets.curve_plot import CurvePlot
from inspector.tui.widgets.heatmap import HeatMap
from inspector.tui.widgets.parts import MOST, PartBox, lines_of
from inspector.tui.widgets.picture_view import PictureView
from inspector.tui.widgets.table_list import TableList
from inspector.tui.widgets.text_view import TextView
from inspector.tui.widgets.tree_list import TreeList
from tests.tui.widgets.screens import shown, text, until

COLUMNS = (Column("name"), Column("size", "right", "bytes"), Column("share", "right", "percent"))


class Lazy(Sequence[tuple[Cell, ...]]):
    """A million rows, none of which exists; remembers which were read."""

    def __init__(self) -> None:
        self.read: set[int] = set()

    def __len__(self) -> int:
        return 1_000_000

    def __getitem__(self, index: int) -> tuple[Cell, ...]:  # type: ignore[override]
        if index >= len(self):
            raise IndexError
        self.read.add(index)
        return (f"row {index}", index, None)

    def __iter__(self) -> Iterator[tuple[Cell, ...]]:
        return (self[index] for index in range(len(self)))


class TestTable:
    async def test_fields_as_readers_expect_them(self) -> None:
        table = Table("Sizes", COLUMNS, [("世界", 2048, 12.5), ("[b]x[/b]\n", None, 100.0)], "A note.")
        async with shown(PartBox(table), (40, 12)) as pilot:
            lines = text(pilot.app.query_one(PartBox))
        assert lines[0] == "Sizes"
        assert lines[1].split() == ["name", "size", "share"]
        assert lines[2].split() == ["世界", "2", "KiB", "12.5", "%"]
        assert lines[3].split() == ["[b]x[/b]␊", "100.0", "%"]
        assert lines[-1] == "A note." or "A note." in lines

    async def test_a_million_rows_are_not_read(self) -> None:
        rows = Lazy()
        async with shown(TableList(Table("", COLUMNS, rows)), (40, 12)) as pilot:
            await pilot.press("G")
            assert text(pilot.app.query_one(TableList))[-1].split()[:2] == ["row", "999999"]
            await pilot.press("pageup", "g")
        assert len(rows.read) < 2_000

    async def test_filter(self) -> None:
        rows = [(f"row {number}", number, None) for number in range(20_000)]
        async with shown(TableList(Table("", COLUMNS, rows)), (40, 12)) as pilot:
            table = pilot.app.query_one(TableList)
            table.filter("row 1999")
            await until(pilot, lambda: table.row_count == 12)
            assert text(table)[1].split()[:2] == ["row", "1999"]
            table.filter("")
            await until(pilot, lambda: table.row_count == 20_000)

    async def test_the_longest_texts_give_way_until_the_columns_fit(self) -> None:
        columns = (Column("check"), Column("evidence"), Column("source"), Column("count", "right"))
        path = "/srv/shared/pictures/holidays/2026/coffee.png"
        table = Table("", columns, [("image 1", "Fifteen placeholders take fifteen rows of features. " * 2, path, 15)])
        async with shown(TableList(table), (160, 12)) as pilot:
            line = text(pilot.app.query_one(TableList))[1]
            assert path in line
            assert line.split()[-1] == "15"
            await pilot.resize_terminal(60, 12)
            line = text(pilot.app.query_one(TableList))[1]
            assert line.startswith("image 1  Fifteen placeh")
            assert "… " in line
            assert line.endswith("coffee.png     15")
            assert not pilot.app.query_one(TableList).show_horizontal_scrollbar

    async def test_a_row_is_shown_in_full(self) -> None:
        rows = [("image 1", "What can be seen " * 12, None), ("image 2", "[b]x[/b]", 5)]
        table = Table("Checks", (Column("check"), Column("evidence"), Column("count", "right")), rows)
        async with shown(TableList(table), (60, 20)) as pilot:
            await pilot.press("enter")
            screen = pilot.app.screen
            assert isinstance(screen, RowScreen)
            lines = text(screen.query_one("VerticalGroup"))
            assert lines[0].strip("╭╮─ ") == "Checks · row 1 of 2"
            assert "\n".join(lines).count("What") == 12
            assert "count" not in "\n".join(lines)
            await pilot.press("n")
            lines = text(screen.query_one("VerticalGroup"))
            assert [line.strip("│ ").split() for line in lines[2:5]] == [
                ["check", "image", "2"],
                ["evidence", "[b]x[/b]"],
                ["count", "5"],
            ]
            await pilot.press("y", "escape")
            assert pilot.app.clipboard == "check: image 2\nevidence: [b]x[/b]\ncount: 5"
            assert pilot.app.query_one(TableList).cursor == 1

    async def test_wide_tables_scroll_sideways(self) -> None:
        columns = tuple(Column(f"column {number}") for number in range(20))
        table = Table("", columns, [tuple(f"field {number}" for number in range(20))])
        async with shown(TableList(table), (40, 12)) as pilot:
            assert text(pilot.app.query_one(TableList))[1].startswith("field 0")
            await pilot.press("l", "l")
            lines = text(pilot.app.query_one(TableList))
            assert lines[0].startswith("column 2")
            assert lines[1].startswith("field 2")
            await pilot.press("h")
            assert text(pilot.app.query_one(TableList))[0].startswith("column 1")

    async def test_what_is_cut_stands_in_the_tooltip(self) -> None:
        async with shown(TableList(Table("", COLUMNS, [("x" * 90, 1, None)])), (80, 12)) as pilot:
            table = pilot.app.query_one(TableList)
            await pilot.hover(table, offset=(5, 1))
            assert str(table.tooltip) == "name: " + "x" * 90

    async def test_nothing(self) -> None:
        async with shown(TableList(Table("", COLUMNS, [])), (40, 12)) as pilot:
            await pilot.press("j", "G", "l", "enter")


class TestTree:
    tree = Tree("Tree", COLUMNS[1:], (Node("root", (10, 1.0), (Node("leaf", (5, None)), Node("other", (5, None)))),))

    async def test_lines_and_folding(self) -> None:
        async with shown(TreeList(self.tree), (60, 12)) as pilot:
            tree = pilot.app.query_one(TreeList)
            assert text(tree)[0].split() == ["size", "share"]
            assert text(tree)[1].split() == ["▾", "root", "10", "B", "1.0", "%"]
            assert text(tree)[2].split() == ["├", "leaf", "5", "B"]
            await pilot.press("space")
            assert text(tree)[1].startswith("▸ root")
            assert tree.row_count == 1

    async def test_narrow_leaves_columns_out(self) -> None:
        async with shown(TreeList(self.tree), (32, 12)) as pilot:
            assert text(pilot.app.query_one(TreeList))[0].split() == ["size"]

    async def test_filter(self) -> None:
        async with shown(TreeList(self.tree), (60, 12)) as pilot:
            tree = pilot.app.query_one(TreeList)
            tree.filter("other")
            await pilot.pause()
            assert [line.split()[1] for line in text(tree)[1:] if line] == ["root", "other"]


class TestCurve:
    async def test_lines_with_a_cursor(self) -> None:
        curve = Curve("Loss", [0, 1, 2], {"a": [1.0, 2.0, math.nan], "b": [3.0, 2.0, 1.0]}, "step")
        async with shown(CurvePlot(curve), (40, 10)) as pilot:
            await pilot.press("l")
            lines = text(pilot.app.query_one(CurvePlot))
            assert lines[0].startswith("3 ")
            assert lines[6].startswith("1 ")
            assert lines[7].endswith("!")
            assert lines[9] == "step = 1  a 2  b 2"
            await pilot.press("end", "l")
            assert text(pilot.app.query_one(CurvePlot))[9] == "step = 2  a nan  b 1"

    async def test_bars_and_the_mouse(self) -> None:
        curve = Curve("Counts", [0.5, 1.5, 2.5, 3.5], {"n": [1.0, 2.0, 3.0, 4.0]}, "value", bars=True)
        async with shown(CurvePlot(curve), (42, 10)) as pilot:
            plot = pilot.app.query_one(CurvePlot)
            await pilot.click(plot, offset=(35, 3))
            assert plot.cursor == 3
            assert text(plot)[9] == "value = 3.5  n 4"

    @pytest.mark.parametrize("size", [(10, 4), (200, 60)])
    async def test_empty_and_tiny(self, size: tuple[int, int]) -> None:
        async with shown(CurvePlot(Curve("", [], {})), size) as pilot:
            await pilot.press("l", "end", "h")
            assert text(pilot.app.query_one(CurvePlot))[0] == "(empty)"


class TestPicture:
    async def test_two_pixels_a_character(self) -> None:
        red_over_blue = Picture("", 2, 2, bytes([255, 0, 0] * 2 + [0, 0, 255] * 2))
        async with shown(PictureView(red_over_blue), (10, 4)) as pilot:
            strip = pilot.app.query_one(PictureView).render_line(0)
        style = next(iter(strip)).style
        assert style is not None
        assert style.color is not None
        assert style.bgcolor is not None
        assert style.color.get_truecolor() == (255, 0, 0)
        assert style.bgcolor.get_truecolor() == (0, 0, 255)

    async def test_a_large_one_fits(self) -> None:
        async with shown(PictureView(Picture("", 1280, 960, bytes(1280 * 960 * 3))), (40, 10)) as pilot:
            lines = text(pilot.app.query_one(PictureView))
        assert {len(line) for line in lines} == {26}

    async def test_without_colours(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NO_COLOR", "1")
        white_and_black = Picture("", 2, 2, bytes([255, 255, 255, 0, 0, 0] * 2))
        async with shown(PictureView(white_and_black), (10, 4)) as pilot:
            assert text(pilot.app.query_one(PictureView))[0] == "█"


class TestText:
    async def test_markup_is_text(self) -> None:
        async with shown(TextView(Text("", "x = [1, 2]  # [bold]no[/bold]\n\ty\x1b[31m", "python")), (40, 10)) as pilot:
            lines = text(pilot.app.query_one(TextView))
        assert lines[:2] == ["x = [1, 2]  # [bold]no[/bold]", "    y␛[31m"]

    async def test_prose_is_folded_and_code_is_not(self) -> None:
        async with shown(TextView(Text("", "word " * 30)), (40, 10)) as pilot:
            assert len([line for line in text(pilot.app.query_one(TextView)) if line]) == 4
        async with shown(TextView(Text("", "word " * 30, "python")), (40, 10)) as pilot:
            await pilot.press("l")
            assert text(pilot.app.query_one(TextView))[0].startswith("ord")

    async def test_an_unknown_language(self) -> None:
        async with shown(TextView(Text("", "some text", "no such language")), (40, 10)) as pilot:
            assert text(pilot.app.query_one(TextView))[0] == "some text"


class TestHeatmap:
    async def test_values_and_axes(self) -> None:
        part = Heatmap("Mask", [[0.0, -1.0], [0.0, math.inf]], "query", "key", "Causal.")
        async with shown(PartBox(part), (60, 16)) as pilot:
            heatmap = pilot.app.query_one(HeatMap)
            await until(pilot, lambda: heatmap.picture)
            lines = text(pilot.app.query_one(PartBox))
        assert lines[0] == "Mask"
        assert lines[1].startswith("2 × 2")
        assert "down: query · across: key" in lines
        assert "Causal." in lines

    async def test_empty(self) -> None:
        async with shown(PartBox(Heatmap("Nothing", [])), (60, 16)) as pilot:
            await pilot.press("j", "plus", "v")


@pytest.mark.parametrize(
    ("part", "lines"),
    [
        (Table("", COLUMNS, Lazy()), MOST),
        (Table("", COLUMNS, [("a", 1, None)]), 3),
        (TestTree.tree, 4),
        (Heatmap("", [[0.0]] * 10), 7),
        (Curve("", [0], {"a": [1.0]}), 12),
        (Text("", "one\ntwo\nthree"), 4),
        (Picture("", 2, 30, bytes(180)), 15),
    ],
)
def test_a_part_takes_what_it_needs(part: Part, lines: int) -> None:
    assert lines_of(part) == lines
