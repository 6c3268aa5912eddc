"""The text of a stop, between the panes and the footer."""

from __future__ import annotations

import re

from textual.content import Content
from textual.widgets import Static

from inspector.tui import keymap
from inspector.tui.tour.stops import Stop

ACTION = re.compile(r"\{([a-z_.0-9]+)\}")


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
            Content.styled(self._keys(part), "bold $accent") if number % 2 else Content(part)
            for number, part in enumerate(ACTION.split(self.stop.text))
        ]
        return Content("").join(parts)

    def _ways(self) -> Content:
        ways = [("tour.next", "next"), ("tour.back", "back"), ("tour.leave", "leave the tour")]
        return Content.styled(" · ".join(f"{self._keys(name)} {way}" for name, way in ways), "$text-muted")

    def _keys(self, action: str) -> str:
        """The first key of an action, as the reader has it."""
        binding = keymap.in_use(self.app, action)
        return action if binding is None else self.app.get_key_display(binding)
