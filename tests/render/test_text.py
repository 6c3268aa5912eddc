from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence

import pytest
from rich.cells import cell_len
from rich.color import ColorSystem

from inspector.parts import Column, Curve, Heatmap, Node, Part, Picture, Table, Text, Tree
from inspector.render import Paper, text
from inspector.views import BUILT_IN
from inspector.views.rows import Rows
from tests.traces import failing_trace, small_trace, steps_trace

PIPE = Paper()
COLOR = Paper(80, ColorSystem.TRUECOLOR)
PARTS: list[Part] = [
    Table("Table", (Column("name"), Column("size", "right", "bytes")), [("a", 1536), (None, None)], "A note."),
    Tree("Tree", (Column("n", "right"),), (Node("root", (1,), (Node("leaf", (2,)),)),)),
    Heatmap("Heatmap", [[-1.0, 0.0], [math.nan, math.inf]]),
    Curve("Bars", [0.5, 1.5], {"count": [3.0, 1.0]}, bars=True),
    Curve("Lines", [0.0, 1.0, 2.0], {"a": [1.0, 2.0, math.nan], "b": [0.0, 0.0, 0.0]}),
    Text("Text", "x = 1\n\ty"),
    Picture("Picture", 2, 2, bytes(range(12))),
]


def lines(part: Part, paper: Paper = PIPE) -> list[str]:
    return list(text([part], paper))


def test_a_table_with_its_units() -> None:
    assert lines(PARTS[0]) == ["Table", "name     size", "a     1.5 KiB", "", "A note."]


def test_a_tree_with_guides() -> None:
    nodes = (Node("a", (1,), (Node("b", (2,), (Node("c", (3,)),)), Node("d", (4,)))),)
    found = lines(Tree("T", (Column("n", "right"),), nodes))
    assert found == ["T", "         n", "a        1", "├─ b     2", "│  └─ c  3", "└─ d     4"]


def test_wide_characters_keep_the_columns() -> None:
    rows = [("你好", 1), ("abc", 22), ("🌍", 333)]
    found = lines(Table("", (Column("t"), Column("n", "right")), rows))
    assert len({cell_len(line) for line in found}) == 1
    cut = list(text([Table("", (Column("t"), Column("n", "right")), [("你好世界" * 20, 1), ("a" * 90, 2)])], Paper(40)))
    assert all(cell_len(line) <= 40 for line in cut)
    assert all("…" in line for line in cut[1:])


def test_markup_and_controls_are_data() -> None:
    for paper in (PIPE, COLOR):
        found = "\n".join(text([Table("[red]", (Column("t"),), [("[bold]\x1b[31m\n",)], "\x07")], paper))
        assert "[bold]␛[31m␊" in found
        assert "[red]" in found
        assert "\x07" not in found


def test_a_terminal_that_is_too_narrow_says_what_is_missing() -> None:
    columns = tuple(Column(f"column {place}", "right") for place in range(20))
    found = list(text([Table("", columns, [tuple(range(20))])], Paper(80)))
    assert all(cell_len(line) <= 80 for line in found)
    assert found[2].startswith("Too narrow here for 12 more columns (column 8, ")
    assert len(list(text([Table("", columns, [tuple(range(20))])], PIPE))) == 2


def test_prose_in_the_last_of_few_columns_is_not_cut() -> None:
    rows = [("field", "你好 " * 20 + "x" * 50), ("short", "a b")]
    found = list(text([Table("", (Column("name"), Column("value")), rows)], Paper(40)))
    assert all(cell_len(line) <= 40 for line in found)
    assert "".join("".join(found).split()).count("x") == 50
    assert found[-1] == "short  a b"


def test_the_first_text_gives_way_last() -> None:
    columns = (Column("path"), Column("shape"), Column("n", "right"))
    row = ("model.language_model.layers.27.self_attn.q_proj", "f32[1,476,3584] and more of it to be cut", 123)
    (_, found) = text([Table("", columns, [row])], Paper(80))
    assert found.startswith(row[0])
    assert found.endswith("123")
    assert "…" in found


def test_a_long_table_is_written_as_it_is_read() -> None:
    read: list[int] = []

    def row(number: int) -> tuple[int]:
        read.append(number)
        return (number,)

    stream = text([Table("", (Column("n", "right"),), Rows(range(1_000_000), row))], PIPE)
    next(stream)
    first = next(stream)
    assert len(read) <= 1002
    assert first == "     0"


def test_heatmap_without_colour_is_loud() -> None:
    found = lines(PARTS[2])
    assert found[1:3] == ["  ██", "!!∞∞"]
    assert "Not finite: 1 × nan, 1 × inf!" in found


def test_heatmap_with_colour_uses_half_blocks() -> None:
    found = lines(PARTS[2], COLOR)
    assert "48;2;255;0;255" in found[2]
    assert "▀" in found[1]


def test_a_heatmap_is_shrunk_to_the_paper() -> None:
    found = lines(Heatmap("", [[float(row * column) for column in range(500)] for row in range(300)]), Paper(60))
    assert max(map(cell_len, found)) <= 60
    assert len(found) < 70


def test_a_chart_has_its_extremes_on_the_axis() -> None:
    found = lines(Curve("", [0.0, 1.0, 2.0, 3.0], {"": [0.0, 1.0, 2.0, 8.0]}, "layer"))
    assert found[0].startswith("8 ")
    assert found[7].startswith("0 ")
    assert "layer" in found[8]


def test_a_small_bar_can_be_seen() -> None:
    found = lines(Curve("", [0.0, 1.0], {"": [1.0, 10_000.0]}, bars=True))
    assert "▁" in found[7]


@pytest.mark.parametrize("paper", [PIPE, Paper(80), Paper(160), COLOR, Paper(24)])
@pytest.mark.parametrize("trace", [small_trace(), failing_trace(), steps_trace()])
def test_every_view_on_every_paper(trace: object, paper: Paper) -> None:
    for view in BUILT_IN.values():
        options = {"call": "1"} if view.name == "tensor" else {}
        parts = view(trace, **options)  # type: ignore[arg-type]
        assert list(text(parts, paper))
        if not paper.colors and paper.width and paper.width >= 80:  # texts stand as they are
            drawn = text([part for part in parts if not isinstance(part, Text)], paper)
            assert all(cell_len(line) <= paper.width for line in drawn)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.title)
def test_without_colour_there_are_no_escapes(part: Part) -> None:
    assert "\x1b" not in "".join(lines(part))
    assert "\x1b" not in "".join(lines(part, Paper(80)))


@pytest.mark.parametrize(
    "part",
    [
        Table("", (Column("a"),), []),
        Tree("", (), ()),
        Heatmap("", []),
        Curve("", [], {}),
        Curve("", [], {"a": []}, bars=True),
        Text("", ""),
    ],
    ids=lambda part: part.kind,
)
def test_empty_parts(part: Part) -> None:
    assert not any("Traceback" in line for line in lines(part))


def test_source_code_is_highlighted_where_there_is_colour() -> None:
    part = Text("", "def f(): return '[bold]'", "python")
    assert lines(part) == ["def f(): return '[bold]'"]
    for colors in (ColorSystem.STANDARD, ColorSystem.EIGHT_BIT, ColorSystem.TRUECOLOR):
        (colored,) = lines(part, Paper(80, colors))
        assert "\x1b[" in colored
        assert "[bold]" in colored


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def paper_under(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Paper:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TERM", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Paper.of(Terminal())


def test_paper_of_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    full = paper_under(monkeypatch, TERM="xterm-256color", COLORTERM="truecolor", COLUMNS="97")
    assert full == Paper(97, ColorSystem.TRUECOLOR)
    assert paper_under(monkeypatch, TERM="xterm-256color", COLUMNS="97") == Paper(97, ColorSystem.EIGHT_BIT)
    assert paper_under(monkeypatch, TERM="xterm", COLUMNS="97") == Paper(97, ColorSystem.STANDARD)
    assert paper_under(monkeypatch, TERM="xterm-256color", NO_COLOR="1", COLUMNS="97") == Paper(97)
    assert paper_under(monkeypatch, TERM="dumb", COLUMNS="97").colors is None


def test_paper_of_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert Paper.of(io.StringIO()) == Paper()


def test_rows_slice_lazily() -> None:
    rows: Sequence[Sequence[object]] = Rows(range(10), lambda number: (number,))
    part: Iterator[object] = iter(rows[2:4])
    assert list(part) == [(2,), (3,)]
