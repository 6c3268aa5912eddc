"""Where to save the trace."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, Static

from inspector.tui.paths import PathInput
from inspector.tui.screens.dialog import Dialog


class SaveScreen(Dialog[Path]):
    """Returns the directory that the trace is to become."""

    DEFAULT_CSS = """
    SaveScreen Input { background: $surface; padding: 0 1; margin-top: 1; }
    SaveScreen Input:focus { background: $panel; }
    """

    def __init__(self, suggestion: str) -> None:
        super().__init__("Save the trace", "enter save · esc back")
        self._suggestion = suggestion

    def body(self) -> ComposeResult:
        yield Static(Content("A directory that does not exist yet:"))
        yield PathInput(self._suggestion)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.dismiss(Path(event.value.strip()).expanduser())


def suggest(reference: str) -> str:
    """A name for the trace of a model that nothing in the current directory has yet."""
    name = re.sub(r"[^\w.-]", "-", re.split(r"[/\\:]", reference.rstrip("/\\"))[-1]) or "model"
    names = (f"{name}.trace" if number == 1 else f"{name}-{number}.trace" for number in count(1))
    return next(name for name in names if not Path(name).exists())
