"""What stands behind the progress of opening what the command line named: painted before torch is imported."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from inspector.tui.messages import Painted
from inspector.tui.widgets.cells import visible


class OpeningScreen(Screen[None]):
    """Names what is being opened."""

    DEFAULT_CSS = """
    OpeningScreen Static { height: 1; padding: 0 1; }
    """

    def __init__(self, target: str) -> None:
        super().__init__()
        self._target = target

    def compose(self) -> ComposeResult:
        yield Static(Content.assemble((visible(self._target), "bold $primary"), (" · opening", "$text-muted")))

    def on_mount(self) -> None:
        self.call_after_refresh(self.app.post_message, Painted())
