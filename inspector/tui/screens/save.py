"""Where to save the trace."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from inspector.tui.paths import PathInput
from inspector.tui.screens.form import Form


class SaveScreen(Form[Path]):
    """Returns the directory that the trace is to become; it does not exist yet."""

    DEFAULT_CSS = """
    SaveScreen Input { margin-top: 1; }
    """
    HELP = "The directory that the trace is to become, whole or not at all; inspector open shows it again."

    def __init__(self, suggestion: str) -> None:
        super().__init__("Save the trace", "enter save · esc back")
        self._suggestion = suggestion

    def body(self) -> ComposeResult:
        yield Static(Content("A directory that does not exist yet:"))
        yield PathInput(self._suggestion, id="directory")
        yield self.state

    def read(self) -> Path:
        from inspector.trace.store import check_free

        name = self.text("directory").strip()
        if not name:
            raise ValueError("A trace needs a name.")
        directory = Path(name).expanduser()
        check_free(directory)
        return directory


def suggest(reference: str) -> str:
    """A name for the trace of a model that nothing in the current directory has yet."""
    name = re.sub(r"[^\w.-]", "-", re.split(r"[/\\:]", reference.rstrip("/\\"))[-1]) or "model"
    names = (f"{name}.trace" if number == 1 else f"{name}-{number}.trace" for number in count(1))
    return next(name for name in names if not Path(name).exists())
