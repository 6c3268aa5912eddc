"""Why a mask is as it is, and what is wrong with the masks of the step, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from inspector.tui.widgets.cells import visible
from inspector.tui.widgets.scrolled import Scrolled

if TYPE_CHECKING:
    from inspector.analysis.checks import Check

SIGNS = {False: ("≠", "$text-error"), None: ("?", "$text-warning"), True: ("✓", "$text-success")}

SLACK = 16
"""Cells of two lines that their padding and the breaks between words may take."""


class Account(Scrolled):
    """Findings first, as far as something is wrong, then what is known of the mask, then what was found to be right."""

    DEFAULT_CSS = """
    Account { background: $surface; }
    """

    def compose(self) -> ComposeResult:
        yield Static()

    def show(self, facts: Sequence[tuple[str, str]], checks: Sequence[Check]) -> None:
        wrong = [check for check in checks if check.ok is not True]
        right = [check for check in checks if check.ok is True]
        told = [Content.assemble((f"{name}\n", "$text-muted"), visible(text)) for name, text in facts]
        lines = [*map(finding, wrong), *told, *map(finding, right)]
        self.query_one(Static).update(Content("\n\n").join(lines))
        self.scroll_home(animate=False)


class WorstLine(Static):
    """The worst finding, in two lines at most, where it cannot be overlooked; no line where nothing is wrong."""

    DEFAULT_CSS = """
    WorstLine { height: auto; max-height: 2; padding: 0 1; display: none; }
    WorstLine.-some { display: block; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._wrong: Sequence[Check] = ()

    def show(self, checks: Sequence[Check]) -> None:
        self._wrong = [check for check in checks if check.ok is False]
        self.set_class(bool(self._wrong), "-some")
        self._write()

    def on_resize(self) -> None:
        self._write()

    def _write(self) -> None:
        """As much as there is room for; `x` is the key that both tabs explain with."""
        if not self._wrong:
            return
        worst, room = finding(self._wrong[0]), 2 * self.app.size.width - SLACK
        several = f"{len(self._wrong)} findings: x" if len(self._wrong) > 1 else ""
        more = several or ("all of it: x" if worst.cell_length > room else "")
        more = f"  ({more})" if more else ""
        self.update(Content.assemble(worst.truncate(room - len(more), ellipsis=True), (more, "$text-muted")))


def listed(checks: Sequence[Check]) -> str:
    """Checks as plain text, one a line, each with its sign."""
    return "\n".join(f"{SIGNS[check.ok][0]} {check.name}: {check.evidence}" for check in checks)


def finding(check: Check) -> Content:
    """A check in a sentence, with its sign."""
    sign, ink = SIGNS[check.ok]
    return Content.assemble((f"{sign} {visible(check.name)}: ", f"bold {ink}"), visible(check.evidence))
