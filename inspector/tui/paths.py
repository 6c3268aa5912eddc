"""File names in an input line, completed as a shell does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.suggester import Suggester
from textual.widgets import Input

MOST = 5000
"""Names of a directory that are looked at: completion answers while one types."""


class PathSuggester(Suggester):
    """Completes the last of several paths, in a thread: a directory may lie on a slow disk."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        return await asyncio.to_thread(complete, value)


class PathInput(Input):
    """An input line for paths, set apart by blanks; `tab` completes, and moves on when there is nothing to complete."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete", id="path.complete", tooltip="Complete the file name", show=False),
    ]

    def __init__(self, value: str = "", *, placeholder: str = "", id: str | None = None) -> None:
        super().__init__(
            value, placeholder=placeholder, id=id, suggester=PathSuggester(), select_on_focus=False, compact=True
        )

    def action_complete(self) -> None:
        completed = complete(self.value)
        if completed is None or completed == self.value:
            self.screen.focus_next()
            return
        self.value = completed
        self.cursor_position = len(completed)


def complete(text: str) -> str | None:
    """`text` with its last word completed to the first name that begins like it, in the order of the alphabet.

    None when there is no such name, or when it needs quotes.
    """
    word = text.rsplit(" ", 1)[-1]
    if not word or "'" in text or '"' in text:
        return None
    folder, slash, prefix = word.rpartition("/")
    try:
        names = sorted(_names(Path((folder + slash) or ".").expanduser(), prefix))
    except OSError:
        return None
    if not names or " " in names[0]:
        return None
    return text[: len(text) - len(prefix)] + names[0]


def _names(place: Path, prefix: str) -> list[str]:
    found: list[str] = []
    for count, entry in enumerate(place.iterdir()):
        if count == MOST:
            break
        if entry.name.startswith(prefix) and (prefix or not entry.name.startswith(".")):
            found.append(f"{entry.name}/" if entry.is_dir() else entry.name)
    return found
