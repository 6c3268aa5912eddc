"""A `parts.Text` on the screen: as it stands, scrolled in both directions, highlighted where it names a language."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import ScrollableContainer
from textual.content import Content
from textual.highlight import highlight
from textual.widgets import Static

from inspector.parts import Text
from inspector.tui.widgets.cells import visible


class TextView(ScrollableContainer):
    """Prose is folded to the width, source code is not."""

    DEFAULT_CSS = """
    TextView {
        height: 1fr;
        background: $surface;
        scrollbar-size: 1 1;
        & > Static { width: auto; height: auto; }
        &.-prose > Static { width: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "scroll_up", "Up", show=False, id="text.up", tooltip="One line up"),
        Binding("j", "scroll_down", "Down", show=False, id="text.down", tooltip="One line down"),
        Binding("h", "scroll_left", "Left", show=False, id="text.left", tooltip="To the left"),
        Binding("l", "scroll_right", "Right", show=False, id="text.right", tooltip="To the right"),
        Binding("g", "scroll_home", "Top", show=False, id="text.top", tooltip="To the first line"),
        Binding("G", "scroll_end", "Bottom", show=False, id="text.bottom", tooltip="To the last line"),
    ]

    def __init__(self, text: Text, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.text = text
        self.set_class(not text.language, "-prose")

    def compose(self) -> ComposeResult:
        shown = "\n".join(visible(line.expandtabs(4)) for line in self.text.text.splitlines())
        yield Static(highlight(shown, language=self.text.language) if self.text.language else Content(shown))
