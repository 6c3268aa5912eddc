"""The calls of a trace in execution order, indented as they nest: the list in the middle of tab 1."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive

from inspector.trace import Call, Trace
from inspector.tui.jobs import Job
from inspector.tui.widgets import call_line
from inspector.tui.widgets.folding import Folding
from inspector.tui.widgets.outline import Outline

FIRST, CHUNK = 200, 2000
"""Calls that are read before the list is looked at again: first those on the screen, then some milliseconds' worth."""

Read = tuple[int | None, str, bool, bool]

PAUSE = 0.1
"""Seconds between two paints of the growing list."""


class CallsList(Folding):
    """Calls, drawn from the trace as they scroll past; what is kept of each is its place and one line to filter on."""

    DEFAULT_CSS = """
    CallsList { width: 1fr; height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "occurrence(1)", "Runs next", id="calls.next_occurrence", tooltip="Where this module runs next"),
        Binding(
            "N",
            "occurrence(-1)",
            "Ran before",
            show=False,
            id="calls.previous_occurrence",
            tooltip="Where it ran last",
        ),
    ]

    trace: reactive[Trace | None] = reactive(None, init=False)

    @dataclass
    class Selected(Message):
        """The cursor stands on a call."""

        index: int

    @dataclass
    class Opened(Message):
        """A call is to be gone into."""

        index: int

    @dataclass
    class Counted(Message):
        """How many calls the list shows, of how many."""

        shown: int
        total: int

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._haystack: list[str] = []
        self._terms: list[str] = []
        self._wanted: int | None = None
        self._broken: int | None = None
        self._stepped = self._timed = False

    def select(self, index: int) -> None:
        """Put the cursor on a call, unfolding what hides it. A filter that hides it ends."""
        if index >= len(self.outline):
            self._wanted = index
            return
        if self.outline.filtered and self.outline.row_of(index) is None:
            self.filter("")
        self.visit(index)

    def filter(self, text: str) -> None:
        """Show the calls whose path, class, role, shapes, `nan` or `inf` hold every word of `text`; all for none."""
        current = self.current
        self._terms = text.lower().split()
        self.outline.select(self._matches() if self._terms else None)
        self.show(0 if current is None else current)
        self._count()

    def watch_trace(self, trace: Trace | None) -> None:
        self.outline = Outline()
        self._haystack, self._terms, self._wanted, self._broken = [], [], None, None
        self._timed = False
        self._stepped = trace is not None and len(trace.calls) > 0 and trace.calls[-1].step > 0
        self.set_rows(0, 0)
        self._count()
        if trace is not None:
            self.run_worker(self._build(trace), group="outline", exclusive=True)

    def draw(self, row: int, width: int) -> Iterator[Segment]:
        assert self.trace is not None
        item = self.outline.rows[row]
        call = self.trace.calls[item]
        line = call_line.Line(call, self._label(call), broken=item == self._broken)
        return call_line.draw(line, call_line.Around(self.outline, self._stepped, self._timed), width, self.ink)

    def moved(self) -> None:
        if self.current is not None:
            self.post_message(self.Selected(self.current))

    def opened(self) -> None:
        if self.current is not None:
            self.post_message(self.Opened(self.current))

    def hint(self, row: int) -> str | None:
        assert self.trace is not None
        return call_line.describe(self.trace.calls[self.outline.rows[row]])

    def action_occurrence(self, by: int) -> None:
        """The next call of the same module, in this step or a later one; `by` is -1 for the previous."""
        if self.current is None:
            return
        prefix = self._haystack[self.current].partition("\n")[0] + "\n"
        ahead = range(self.current + by, len(self._haystack) if by > 0 else -1, by)
        found = next((index for index in ahead if self._haystack[index].startswith(prefix)), None)
        if found is not None:
            self.select(found)

    def _label(self, call: Call) -> str:
        """The path as seen from the enclosing call; the whole path where a call stands alone, or apart from it."""
        if not call.path:
            return call.class_name
        parent = self.outline.parents[call.index]
        if parent is None or self.outline.filtered:
            return call.path
        assert self.trace is not None
        return call.path.removeprefix(f"{self.trace.calls[parent].path}.")

    async def _build(self, trace: Trace) -> None:
        """Read every call once, in a thread, a few at a time; the list can be used while it grows."""
        shown, chunk = 0.0, FIRST
        while len(self.outline) < len(trace.calls):
            place = slice(len(self.outline), len(self.outline) + chunk)
            for parent, line, timed, failed in await Job("calls", partial(_read, trace, place)).start().result():
                number = self.outline.add(parent)
                self._haystack.append(line)
                self._timed = self._timed or timed
                self._broken = number if failed else self._broken
            chunk = CHUNK
            if time.perf_counter() - shown > PAUSE:
                self._grown()
                shown = time.perf_counter()
        self._grown()

    def _grown(self) -> None:
        """Show what has been added. The cursor stays on its call; the first call to appear gets it."""
        current = self.current
        if self._terms:
            self.outline.select(self._matches())
        self.outline.update()
        if current is None and self.outline.rows:
            self.show(0)
        else:
            self.extend_rows(len(self.outline.rows))
        if self._wanted is not None and self._wanted < len(self.outline):
            wanted, self._wanted = self._wanted, None
            self.select(wanted)
        self._count()

    def _matches(self) -> list[int]:
        haystack = self._haystack
        matching = list(range(len(haystack)))
        for term in self._terms:
            matching = [index for index in matching if term in haystack[index]]
        return matching

    def _count(self) -> None:
        self.post_message(self.Counted(len(self.outline.rows), len(self.outline)))


def _read(trace: Trace, place: slice, _: Job[list[Read]]) -> list[Read]:
    """What the list keeps of some calls: the enclosing call, the line to filter on, whether it was timed and failed."""
    calls = trace.calls[place]
    return [(call.parent, call_line.haystack(call), call.seconds is not None, bool(call.error)) for call in calls]
