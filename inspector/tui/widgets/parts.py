"""Each kind of part as a widget, under its title and above its note."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from inspector.parts import Curve, Heatmap, Part, Picture, Table, Text, Tree
from inspector.tui.widgets.cells import visible
from inspector.tui.widgets.curve_plot import CurvePlot
from inspector.tui.widgets.heatmap import HeatMap
from inspector.tui.widgets.picture_view import PictureView
from inspector.tui.widgets.planes import ListPlane
from inspector.tui.widgets.table_list import TableList
from inspector.tui.widgets.text_view import TextView
from inspector.tui.widgets.tree_list import TreeList

MOST = 20
"""Lines of a part that shares the screen with others."""


class PartBox(Vertical):
    """One part. `alone` gives it all the height, else it takes what it needs, within reason."""

    DEFAULT_CSS = """
    PartBox {
        height: auto;
        & > .part--title { height: auto; color: $text-primary; text-style: bold; }
        & > .part--note { height: auto; color: $text-muted; }
        &.-alone { height: 1fr; }
    }
    """

    def __init__(self, part: Part, *, alone: bool = False) -> None:
        super().__init__(classes="-alone" if alone else None)
        self.part = part
        self.content = part_widget(part)
        if not alone:
            _be_low(self.content, part)

    def compose(self) -> ComposeResult:
        title, note = visible(self.part.title), axes_and_note(self.part)
        if title:
            yield Static(Content(title), classes="part--title")
        yield self.content
        if note:
            yield Static(Content(note), classes="part--note")


def part_widget(part: Part) -> Widget:
    """The widget for a part, without title and note."""
    match part:
        case Table():
            return TableList(part)
        case Tree():
            return TreeList(part)
        case Heatmap():
            heatmap = HeatMap()
            heatmap.set_reactive(HeatMap.plane, ListPlane(part.values))
            return heatmap
        case Curve():
            return CurvePlot(part)
        case Picture():
            return PictureView(part)
        case Text():
            return TextView(part)


def _be_low(content: Widget, part: Part) -> None:
    """Give a part the lines that it wants; a table says itself whether it needs one more to be scrolled by."""
    content.styles.height = lines_of(part)
    if isinstance(content, TableList):
        content.styles.height = "auto"
        content.styles.max_height = MOST


def axes_and_note(part: Part) -> str:
    """What stands below a part."""
    words: Sequence[str] = ()
    if isinstance(part, Heatmap):
        words = (f"down: {part.row_axis} · across: {part.column_axis}",)
    note = "" if isinstance(part, Text) else part.note
    return "\n".join(visible(line) for line in (*words, *note.splitlines()) if line)


def lines_of(part: Part) -> int:
    """Lines that a part wants, at most `MOST`."""
    match part:
        case Table():
            wanted = 1 + len(part.rows)
        case Tree():
            wanted = 1 + _nodes(part)
        case Heatmap():
            wanted = -(-len(part.values) // 2) + 2
        case Curve():
            wanted = 12
        case Picture():
            wanted = -(-part.height // 2)
        case Text():
            wanted = part.text.count("\n") + 2
    return max(3, min(wanted, MOST))


def _nodes(tree: Tree) -> int:
    """Nodes of a tree, counted no further than matters."""
    found, stack = 0, list(tree.roots)
    while stack and found < MOST:
        found += 1
        stack += stack.pop().children
    return found
