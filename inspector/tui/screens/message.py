"""A message that must be read: what failed, in the words of the error, with the details on a key."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from inspector.tui.screens.dialog import Dialog


class MessageScreen(Dialog[None]):
    """`text` is shown as it is, `details` (a traceback, say) when asked for."""

    DEFAULT_CSS = """
    MessageScreen.-error > VerticalGroup { border: round $error; }
    MessageScreen #details { display: none; margin-top: 1; color: $text-muted; }
    MessageScreen.-open #details { display: block; }
    MessageScreen.-open > VerticalGroup { width: 120; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,q", "leave", "Close", id="message.close", tooltip="Close this message", show=False),
        Binding("d", "details", "Details", id="message.details", tooltip="Show or hide the details"),
        Binding("y", "copy", "Copy", id="message.copy", tooltip="Copy the message with its details"),
    ]

    def __init__(self, title: str, text: str, details: str = "", *, error: bool = True) -> None:
        keys = "enter close · d details · y copy" if details else "enter close · y copy"
        super().__init__(title, keys, classes="-error" if error else "")
        self._text = text
        self._details = details

    def body(self) -> ComposeResult:
        yield Static(Content(self._text))
        yield Static(Content(self._details), id="details")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return bool(self._details) if action == "details" else True

    def action_details(self) -> None:
        self.toggle_class("-open")

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(f"{self._text}\n\n{self._details}".strip())
        self.notify("Copied.", markup=False)
