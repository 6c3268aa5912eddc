"""A mask drawn, and below it in words what it does to the query and the key under the cursor."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from inspector.tui.widgets.masks.look import Seen
from inspector.tui.widgets.masks.map import MaskMap


class MaskPanel(Vertical):
    """Shows one mask of a step."""

    DEFAULT_CSS = """
    MaskPanel { height: 1fr; }
    MaskPanel > #words { height: 3; padding: 0 1; background: $panel; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen: Seen | None = None

    def compose(self) -> ComposeResult:
        yield MaskMap()
        yield Static(id="words", markup=False)

    def show(self, seen: Seen) -> None:
        self.seen = seen
        self.query_one(MaskMap).plane = seen.plane
        self._tell()

    @on(MaskMap.Pointed)
    def _pointed(self, event: MaskMap.Pointed) -> None:
        event.stop()
        self._tell()

    def cell(self) -> tuple[int, int]:
        """The query and key under the cursor: of a cell of several, the query that sees nothing, if there is one."""
        drawn = self.query_one(MaskMap)
        query, key = drawn.window.cursor
        if self.seen is not None and self.seen.plane is not None:
            covered = drawn.window.rows.covered
            blind = self.seen.plane.blind[covered.start : covered.stop]
            query = covered.start + int(blind.argmax()) if blind.any() else query
        return query, key

    def _tell(self) -> None:
        """Say what the cell under the cursor means; of a mask that is not known, why it is not."""
        from inspector.analysis.mask_words import sight

        if self.seen is None:
            return
        found = self.seen.group.applied
        words = found.reason if found.spans is None else sight(found, self.seen.names, *self.cell())
        self.query_one("#words", Static).update(words, layout=False)
