"""Four panes in two columns, as many of them as there is room for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual import events
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from inspector.tui.panes import Pane

WIDE, TALL = 110, 34
"""Cells from which on both columns, and lines from which on two panes stand in each."""


class Columns(Horizontal):
    """`left` and `right` panes, of which those that are not `absent` are shown: all, one in each column, or one alone.

    The pane with the focus is always shown.
    """

    DEFAULT_CSS = """
    Columns { height: 1fr; }
    Columns > Vertical { width: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "move(1)", "Next pane", False, id="attention.next_pane", tooltip="To the next pane"),
        Binding("shift+tab", "move(-1)", "Pane before", False, id="attention.pane_before", tooltip="One pane back"),
        Binding("z", "zoom", "Enlarge", id="attention.zoom", tooltip="Give the pane all the room, or give it back"),
        Binding("escape", "out", "Out", False, id="attention.out", tooltip="Out of the zoom, or to the first pane"),
    ]

    def __init__(self, left: list[Pane], right: list[Pane]) -> None:
        super().__init__()
        self._sides = left, right
        self._front = [left[0], right[0]]
        self._absent: frozenset[Pane] = frozenset()
        self._zoomed = False

    def compose(self) -> ComposeResult:
        for panes in self._sides:
            yield Vertical(*panes)

    def leave_out(self, *absent: Pane) -> None:
        """These panes have nothing to show."""
        if frozenset(absent) != self._absent:
            self._absent = frozenset(absent)
            if any(pane.has_focus_within for pane in absent):
                self.go(self._instead)
            self.lay_out()

    def go(self, pane: Pane) -> None:
        """Put the keyboard into a pane, now, so that the next key reaches it."""
        self.lay_out(pane)
        stop = next((widget for widget in _inside(pane) if widget.can_focus), None)
        if stop is not None:
            self.screen.set_focus(stop)

    @property
    def panes(self) -> list[Pane]:
        """Those that have something to show, in the order of the tab key."""
        return [pane for side in self._sides for pane in side if pane not in self._absent]

    @property
    def _instead(self) -> Pane:
        """Where the keyboard goes when its pane has nothing to show any more."""
        (left, _), (right, _) = self._sides
        return next((pane for pane in (left, right) if pane not in self._absent), self.panes[0])

    @property
    def at(self) -> Pane | None:
        """The pane with the focus."""
        return next((pane for pane in self.panes if pane.has_focus_within), None)

    def lay_out(self, at: Pane | None = None) -> None:
        """Display what there is room for, with the focus in the pane `at`."""
        at = at or self.at
        for number, side in enumerate(self._sides):
            own = [pane for pane in side if pane not in self._absent]
            if at in own:
                self._front[number] = at
            elif self._front[number] not in own and own:
                self._front[number] = own[0]
        size = self.size or self.app.size
        few = size.height < TALL or size.width < WIDE
        shown = {at or self._front[0]} if self._zoomed else set(self._front) if few else set(self.panes)
        for side in self._sides:
            for pane in side:
                pane.display = pane in shown and pane not in self._absent
        for column, side in zip(self.children, self._sides, strict=False):
            column.display = any(pane.display for pane in side)

    def on_resize(self) -> None:
        self.lay_out()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self.lay_out()

    def action_move(self, by: int) -> None:
        panes = self.panes
        at = panes.index(self.at) if self.at in panes else 0
        self.go(panes[(at + by) % len(panes)])

    def action_zoom(self) -> None:
        self._zoomed = not self._zoomed
        self.lay_out()

    def action_out(self) -> None:
        if self._zoomed:
            self.action_zoom()
        elif self.at is self.panes[0]:
            raise SkipAction
        else:
            self.go(self.panes[0])


def _inside(pane: Pane) -> Iterator[Widget]:
    return iter(pane.content.walk_children(Widget, with_self=True))
