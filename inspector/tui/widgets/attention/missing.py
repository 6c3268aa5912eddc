"""What stands in place of an attention that nothing is known of: why, and how to get it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from inspector.parts import Part
from inspector.tui.keymap import shown
from inspector.tui.runs import Run
from inspector.tui.widgets.cells import visible
from inspector.tui.widgets.parts import PartBox


class Missing(VerticalScroll):
    """A sentence, and parts beside it. Hidden while there is nothing to say."""

    DEFAULT_CSS = """
    Missing {
        height: auto; max-height: 100%; padding: 1 2; display: none; background: $surface;
        & > Static { height: auto; margin-bottom: 1; color: $text-warning; }
        &.-shown { display: block; }
        &.-alone { height: 1fr; }
    }
    """

    def __init__(self) -> None:
        super().__init__(can_focus=False)
        self._said: object = ()

    def compose(self) -> ComposeResult:
        yield Static(markup=False)

    def say(self, text: str, parts: Sequence[Part] = ()) -> None:
        """Say why; an empty text hides it."""
        if (text, len(parts)) == self._said:
            return
        self._said = text, len(parts)
        self.set_class(bool(text), "-shown")
        self.set_class(bool(parts), "-alone")
        self.query_one(Static).update(Content(visible(text)))
        self.query(PartBox).remove()
        if parts:
            self.mount_all(PartBox(part, alone=len(parts) == 1) for part in parts)


def asking(app: App[Any], run: Run) -> str:
    """How to get values that a run did not keep."""
    kept = "" if run.question is None else f" This run kept {' '.join(run.question.values) or 'none'}."
    return f"Press {shown(app, 'trace.ask')} to ask again, with * or *:attention.* among the values to keep.{kept}"


def loading(app: App[Any]) -> str:
    """How to get a model with values."""
    launcher, options = shown(app, "trace.launcher"), shown(app, "launcher.options")
    return f"Press {launcher} to open a model with weights; {options} there fills an architecture with random ones."
