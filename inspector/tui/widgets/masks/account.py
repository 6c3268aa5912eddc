"""Why a mask is as it is, and what is wrong with the masks of the step, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from inspector.tui.widgets.cells import visible

if TYPE_CHECKING:
    from inspector.analysis.checks import Check

SIGNS = {False: ("≠", "$text-error"), None: ("?", "$text-warning"), True: ("✓", "$text-success")}


class Account(VerticalScroll):
    """Findings first, as far as something is wrong, then what is known of the mask, then what was found to be right."""

    DEFAULT_CSS = """
    Account { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "scroll_up", "Up", show=False, id="text.up", tooltip="One line up"),
        Binding("j", "scroll_down", "Down", show=False, id="text.down", tooltip="One line down"),
        Binding("g", "scroll_home", "Top", show=False, id="text.top", tooltip="To the first line"),
        Binding("G", "scroll_end", "Bottom", show=False, id="text.bottom", tooltip="To the last line"),
    ]

    def compose(self) -> ComposeResult:
        yield Static()

    def show(self, facts: Sequence[tuple[str, str]], checks: Sequence[Check]) -> None:
        wrong = [check for check in checks if check.ok is not True]
        right = [check for check in checks if check.ok is True]
        told = [Content.assemble((f"{name}\n", "$text-muted"), visible(text)) for name, text in facts]
        lines = [*map(finding, wrong), *told, *map(finding, right)]
        self.query_one(Static).update(Content("\n\n").join(lines))
        self.scroll_home(animate=False)


def finding(check: Check) -> Content:
    """A check in a sentence, with its sign."""
    sign, ink = SIGNS[check.ok]
    return Content.assemble((f"{sign} {visible(check.name)}: ", f"bold {ink}"), visible(check.evidence))
