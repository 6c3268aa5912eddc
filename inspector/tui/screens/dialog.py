"""What every dialog shares: a bordered box in the middle of the screen, keys in its lower edge, `esc` to leave."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalGroup
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget

T = TypeVar("T")


class Dialog(ModalScreen[T | None]):
    """A modal screen that returns None when it is left with `esc`. A subclass says what is in it with `body`."""

    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        background: $background 60%;
    }
    Dialog > VerticalGroup {
        width: 78;
        max-width: 96%;
        max-height: 96%;
        padding: 1 2;
        border: round $border;
        background: $background;
        border-title-color: $foreground;
        border-title-style: bold;
        border-subtitle-color: $text-muted;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Close", id="dialog.close", tooltip="Close this dialog"),
        Binding("down", "scroll(1)", "Down", id="dialog.down", tooltip="Scroll down", show=False),
        Binding("up", "scroll(-1)", "Up", id="dialog.up", tooltip="Scroll up", show=False),
        Binding("pagedown", "scroll(10)", "Page down", id="dialog.page_down", tooltip="Scroll far down", show=False),
        Binding("pageup", "scroll(-10)", "Page up", id="dialog.page_up", tooltip="Scroll far up", show=False),
    ]

    def __init__(self, heading: str, keys: str, *, classes: str = "") -> None:
        """`heading` stands in the upper edge, `keys` in the lower one."""
        super().__init__(classes=classes)
        self._heading = heading
        self._keys = keys

    def compose(self) -> ComposeResult:
        with VerticalGroup() as box:
            box.border_title = Content(self._heading)
            box.border_subtitle = Content(self._keys)
            yield from self.body()

    def body(self) -> ComposeResult:
        """The widgets inside the box."""
        yield Widget()

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalGroup).scroll_relative(y=lines, animate=False)

    def action_leave(self) -> None:
        self.dismiss(None)
