"""The text of a stop, between the panes and the footer."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from inspector.tui import keymap
from inspector.tui.tour.stops import Stop


class TourBar(Static):
    """Stop `number` of `count`, with the keys that lead on. A click on one of them is as good."""

    DEFAULT_CSS = """
    TourBar {
        height: auto;
        padding: 0 1;
        background: $primary 12%;
        border-top: solid $primary;
        border-title-color: $primary;
        border-title-style: bold;
        border-subtitle-color: $text-muted;
        link-style: none;
        link-color: $text-muted;
        link-background: transparent;
    }
    """

    def __init__(self, stop: Stop, number: int, count: int) -> None:
        super().__init__()
        self.stop = stop
        self.border_title = Content(f"{number} of {count} · {stop.title}")

    def on_mount(self) -> None:
        self.update(Content("\n").join([self._text(), self._ways()]))

    def _text(self) -> Content:
        parts = [
            Content.styled(self._keys(piece), "bold $accent") if is_action else Content(piece)
            for piece, is_action in self.stop.pieces()
        ]
        return Content("").join(parts)

    def _ways(self) -> Content:
        ways = [("tour.next", "next"), ("tour.back", "back"), ("tour.leave", "leave the tour")]
        return Content.styled(" · ".join(f"{self._keys(name)} {way}" for name, way in ways), "$text-muted")

    def _keys(self, action: str) -> str:
        return keymap.shown(self.app, action)
