"""A dialog of one line: the name of a branch."""

from __future__ import annotations

from collections.abc import Collection

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from inspector.tui.screens.form import Form, field
from inspector.tui.widgets.cells import visible


class NameScreen(Form[str]):
    """Returns a name that is not among `taken`."""

    DEFAULT_CSS = """
    NameScreen > VerticalGroup { width: 60; }
    NameScreen Input { margin-top: 1; }
    """
    HELP = 'The name of a branch: it stands in the tree of branches, in files, and in look("…").'

    def __init__(self, title: str, words: str, value: str, taken: Collection[str]) -> None:
        super().__init__(title, "enter take · esc back")
        self._words = words
        self._value = value
        self._taken = taken

    def body(self) -> ComposeResult:
        yield Static(Content(visible(self._words)))
        yield field("name", value=self._value)
        yield self.state

    def read(self) -> str:
        name = self.text("name").strip()
        if not name:
            raise ValueError("A branch needs a name.")
        if name in self._taken:
            raise ValueError(f"There is a branch {name!r} already.")
        return name


def free_name(taken: Collection[str]) -> str:
    """The name that a branch gets where nobody chooses one."""
    number = len(taken)
    while f"branch {number}" in taken:
        number += 1
    return f"branch {number}"
