"""Two branches side by side, over the tab."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from inspector.tui.screens.dialog import Dialog
from inspector.tui.widgets.generation.compare import BranchCompare, Side


class CompareScreen(Dialog[int]):
    """Returns the step to look at, None when one has seen enough."""

    DEFAULT_CSS = """
    CompareScreen > VerticalGroup { width: 110; height: 80%; }
    CompareScreen Static { color: $text-muted; }
    """

    def __init__(self, left: Side, right: Side, row: int) -> None:
        super().__init__("Compare branches", "enter to the step · esc close")
        self._left = left
        self._right = right
        self._row = row

    def body(self) -> ComposeResult:
        yield Static(Content(""))
        yield BranchCompare()

    def on_mount(self) -> None:
        compared = self.query_one(BranchCompare)
        compared.compare(self._left, self._right, self._row)
        self.query_one(Static).update(Content(compared.words))
        compared.focus()

    def on_branch_compare_chosen(self, event: BranchCompare.Chosen) -> None:
        event.stop()
        self.dismiss(event.step)
