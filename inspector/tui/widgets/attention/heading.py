"""What is looked at, in three lines above the panes."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical

from inspector.tui.widgets.attention import words
from inspector.tui.widgets.attention.heads_bar import HeadsBar
from inspector.tui.widgets.attention.looking import Sight
from inspector.tui.widgets.attention.where_bar import WhereBar
from inspector.tui.widgets.line import Line


class Heading(Vertical):
    """Layer, heads, query and step; the heads by the keys that they share; entropy, pictures and kernel."""

    DEFAULT_CSS = """
    Heading {
        height: 3;
    }
    """

    def compose(self) -> ComposeResult:
        yield WhereBar()
        yield HeadsBar()
        yield Line(id="facts")

    def show_sight(self, sight: Sight) -> None:
        self.query_one(WhereBar).sight = sight
        heads = self.query_one(HeadsBar)
        heads.heads, heads.choice = (sight.kernel.heads, sight.kernel.group), sight.spot.heads
        self.query_one("#facts", Line).say(*words.facts(sight))
