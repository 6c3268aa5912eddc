"""A `parts.Curve` on the screen: bars, or lines in a colour each, with a cursor that reads the exact values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from inspector.analysis.wording import number
from inspector.parts import Curve
from inspector.tui.widgets.cells import fit, visible
from inspector.tui.widgets.plot_lines import Span, bar_column, bars, index_at, line, line_column

COLOURS = 6
"""Series are told apart by so many colours, then the first comes again; the line below names them."""


class CurvePlot(Widget, can_focus=True):
    """Every series over the same x. Values that are not finite are marked below the chart."""

    DEFAULT_CSS = """
    CurvePlot {
        height: 1fr;
        min-height: 5;
        background: $surface;
        & > .curve--quiet { color: $text-muted; }
        & > .curve--loud { color: $text-error; text-style: bold; }
        & > .curve--cursor { background: $block-cursor-blurred-background; }
        &:focus > .curve--cursor { background: $block-cursor-background; }
        &:nocolor > .curve--cursor { text-style: reverse; }
        & > .curve--0 { color: $primary; }
        & > .curve--1 { color: $accent; }
        & > .curve--2 { color: $success; }
        & > .curve--3 { color: $secondary; }
        & > .curve--4 { color: $warning; }
        & > .curve--5 { color: $error; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "curve--quiet",
        "curve--loud",
        "curve--cursor",
        *(f"curve--{place}" for place in range(COLOURS)),
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1)", "Left", show=False, id="curve.left", tooltip="To the value before"),
        Binding("right,l", "move(1)", "Right", show=False, id="curve.right", tooltip="To the next value"),
        Binding("home,g", "move(-1000000000)", "First", show=False, id="curve.first", tooltip="To the first value"),
        Binding("end,G", "move(1000000000)", "Last", show=False, id="curve.last", tooltip="To the last value"),
    ]

    cursor: reactive[int] = reactive(0)

    def __init__(self, curve: Curve, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.curve = curve
        self._series = [[float(value) for value in values] for values in curve.series.values()]
        self._span = Span.of(self._series, from_zero=curve.bars)
        self._labels = number(self._span.high), number(self._span.low)
        self._painted: tuple[tuple[object, ...], list[Strip]] = ((), [])

    @property
    def _margin(self) -> int:
        return max(map(len, self._labels)) + 1

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, len(self.curve.x) - 1))

    def action_move(self, by: int) -> None:
        self.cursor += by

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        count, width = len(self.curve.x), self.size.width - self._margin
        if offset is not None and count and width > 0:
            self.cursor = index_at(offset.x - self._margin, count, width)

    def render_line(self, y: int) -> Strip:
        key = (self.size, self.cursor, self.has_focus, self.app.theme)
        if self._painted[0] != key:
            base, width = self.rich_style, self.size.width
            lines = self._paint(width, self.size.height)
            self._painted = (key, [Strip(row).apply_style(base).crop_extend(0, width, base) for row in lines])
        strips = self._painted[1]
        return strips[y] if y < len(strips) else Strip.blank(self.size.width, self.rich_style)

    def _paint(self, width: int, height: int) -> Iterator[list[Segment]]:
        if not len(self.curve.x):
            yield [Segment("(empty)", self._ink("quiet"))]
            return
        rows, room = max(height - 3, 1), max(width - self._margin, 2)
        drawn = [(bars if self.curve.bars else line)(values, self._span, room, rows) for values in self._series]
        for row in range(rows):
            label = self._labels[0] if row == 0 else self._labels[1] if row == rows - 1 else ""
            yield [Segment(f"{label:>{self._margin - 1}} ", self._ink("quiet")), *self._row(drawn, row, room)]
        yield [Segment(" " * self._margin), *self._marks(room)]
        low, high = number(self.curve.x[0]), number(self.curve.x[-1])
        middle = visible(self.curve.x_axis).center(max(room - len(low) - len(high), 0))
        yield [Segment(" " * self._margin + low + middle + high, self._ink("quiet"))]
        yield list(self._reading())

    def _row(self, drawn: list[list[str]], row: int, room: int) -> Iterator[Segment]:
        """One line of the chart: of the series that meet in a cell, the first is drawn."""
        here = self._column(self.cursor, room)
        for x in range(room):
            marks = [(place, lines[row][x]) for place, lines in enumerate(drawn) if x < len(lines[row])]
            place, sign = next((mark for mark in marks if mark[1] != " "), (0, " "))
            style = self._ink(str(place % COLOURS))
            yield Segment(sign, style + self._ink("cursor") if x == here else style)

    def _marks(self, room: int) -> Iterator[Segment]:
        """A loud sign below every value that is not finite."""
        bad = {
            self._column(index, room)
            for values in self._series
            for index, value in enumerate(values)
            if not math.isfinite(value)
        }
        yield Segment("".join("!" if x in bad else "─" for x in range(room)), self._ink("loud" if bad else "quiet"))

    def _reading(self) -> Iterator[Segment]:
        """The values under the cursor."""
        yield Segment(
            f"{visible(self.curve.x_axis) or 'x'} = {number(self.curve.x[self.cursor], 6)}", self._ink("quiet")
        )
        for series, (name, values) in enumerate(zip(self.curve.series, self._series, strict=True)):
            if self.cursor < len(values):
                text = f"  {visible(name)} {number(values[self.cursor], 6)}"
                yield Segment(fit(text, len(text)), self._ink(str(series % COLOURS)))

    def _column(self, index: int, room: int) -> int:
        return (bar_column if self.curve.bars else line_column)(index, len(self.curve.x), room)

    def _ink(self, part: str) -> Style:
        return self.get_component_rich_style(f"curve--{part}", partial=True)
