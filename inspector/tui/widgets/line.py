"""A line of words in a pane: the longest wording that there is room for."""

from __future__ import annotations

from collections.abc import Sequence

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
        return self.fitted([Content(visible(text)) for text in self.wordings])

    def fitted(self, wordings: Sequence[Content]) -> Content:
        """The first that fits, or the last as far as it does."""
        room = self.content_size.width
        found = next((text for text in wordings if text.cell_length <= room), None)
        if found is None:
            found = wordings[-1].truncate(room, ellipsis=True) if wordings else Content("")
        return found
