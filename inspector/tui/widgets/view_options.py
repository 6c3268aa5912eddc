"""The options of a view: a line for each, with a field or a box to set it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalGroup
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Checkbox, Input, Label

from inspector.parts import View
from inspector.tui.widgets.cells import visible
from inspector.tui.widgets.check_box import CheckBox

REST = 0.25
"""Seconds without a key after which what was typed counts."""


class OptionLine(Horizontal):
    """One option of a view: its name, and a field or a box to set it."""

    DEFAULT_CSS = """
    OptionLine {
        height: 1;
        & > Label { width: 12; color: $text-muted; }
        & > Input { width: 1fr; background: $panel; }
        & > Checkbox { width: 1fr; border: none; padding: 0; background: $surface; }
    }
    """

    def __init__(self, name: str, help_text: str, *, flag: bool, value: str = "") -> None:
        super().__init__()
        self.option = name
        self._start = value
        self._flag = flag
        self._help = visible(help_text)
        self.tooltip = Content(self._help)

    def compose(self) -> ComposeResult:
        yield Label(visible(self.option), markup=False)
        if self._flag:
            yield CheckBox(Content(self._help), value=bool(self._start))
        else:
            yield Input(self._start, placeholder=self._help, compact=True)

    @property
    def value(self) -> str:
        """What the view is called with; empty where nothing was set."""
        if self._flag:
            return "yes" if self.query_one(Checkbox).value else ""
        return self.query_one(Input).value.strip()


class ViewOptions(VerticalGroup):
    """The options of one view."""

    @dataclass
    class Changed(Message):
        """Others are set. `done` says that they were confirmed with enter."""

        done: bool

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._resting: Timer | None = None
        self._told: dict[str, str] = {}

    async def show_view(self, view: View, given: Mapping[str, str]) -> None:
        """A line for each option of a view, set as it is `given`; what the view does not take is left out."""
        self._rest()
        await self.remove_children()
        await self.mount_all(
            OptionLine(name, text, flag=name in view.flags, value=given.get(name, ""))
            for name, text in view.options.items()
        )
        self._told = self.asked

    @property
    def asked(self) -> dict[str, str]:
        """The options that are set."""
        return {line.option: line.value for line in self.query(OptionLine) if line.value}

    def enter(self) -> None:
        """Put the keyboard on the first option that is set, else on the first."""
        lines = list(self.query(OptionLine))
        line = next((line for line in lines if line.value), next(iter(lines), None))
        if line is not None:
            self.screen.set_focus(line.query(Input).first() if line.query(Input) else line.query_one(Checkbox))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._rest()
        self._resting = self.set_timer(REST, lambda: self._tell(done=False))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._tell(done=True)

    @on(Checkbox.Changed)
    def _ticked(self, event: Checkbox.Changed) -> None:
        event.stop()
        self._tell(done=False)

    def _tell(self, *, done: bool) -> None:
        self._rest()
        if done or self.asked != self._told:
            self._told = self.asked
            self.post_message(self.Changed(done))

    def _rest(self) -> None:
        """Wait no longer for keys to rest."""
        if self._resting is not None:
            self._resting.stop()
