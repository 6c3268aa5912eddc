"""A place that is scrolled as a whole, with the keys that lists have too."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll


class Scrolled(VerticalScroll):
    """Scrolls what is higher than it is."""

    DEFAULT_CSS = """
    Scrolled { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "scroll_up", "Up", show=False, id="text.up", tooltip="One line up"),
        Binding("j", "scroll_down", "Down", show=False, id="text.down", tooltip="One line down"),
        Binding("g", "scroll_home", "Top", show=False, id="text.top", tooltip="To the first line"),
        Binding("G", "scroll_end", "Bottom", show=False, id="text.bottom", tooltip="To the last line"),
    ]
