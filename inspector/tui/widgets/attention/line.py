"""A line of words in a pane: the longest wording that there is room for."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive

from inspector.tui.bars import InfoLine
from inspector.tui.widgets.cells import visible


class Line(InfoLine):
    """Shows the first of its `wordings` that fits, and where none does, the last with an ellipsis."""

    DEFAULT_CSS = """
    Line { background: $panel; color: $text-muted; }
    """

    wordings: reactive[tuple[str, ...]] = reactive(())

    def say(self, *wordings: str) -> None:
        """Say this, in the longest of some wordings that fits; the longest comes first."""
        self.wordings = wordings

    def render(self) -> Content:
        room = self.content_size.width
        shown = [visible(text) for text in self.wordings] or [""]
        return self.spread(Content(next((text for text in shown if cell_len(text) <= room), shown[-1])), Content(""))
