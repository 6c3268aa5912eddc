"""A dialog of one line: the name of a branch."""

from __future__ import annotations

from collections.abc import Collection

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, Static

from inspector.tui.screens.dialog import Dialog


class NameScreen(Dialog[str]):
    """Returns a name that is not among `taken`."""

    DEFAULT_CSS = """
    NameScreen > VerticalGroup { width: 60; }
    NameScreen Input { background: $surface; padding: 0 1; margin-top: 1; }
    NameScreen Input:focus { background: $panel; }
    NameScreen #state { height: auto; color: $text-error; }
    """

    def __init__(self, title: str, words: str, value: str, taken: Collection[str]) -> None:
        super().__init__(title, "enter take · esc back")
        self._words = words
        self._value = value
        self._taken = taken

    def body(self) -> ComposeResult:
        yield Static(Content(self._words))
        yield Input(self._value, compact=True)
        yield Static(Content(""), id="state")

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        name = event.value.strip()
        if not name or name in self._taken:
            words = f"There is a branch {name!r} already." if name else "A branch needs a name."
            self.query_one("#state", Static).update(Content(words))
        else:
            self.dismiss(name)


def free_name(taken: Collection[str]) -> str:
    """The name that a branch gets where nobody chooses one."""
    number = len(taken)
    while f"branch {number}" in taken:
        number += 1
    return f"branch {number}"
