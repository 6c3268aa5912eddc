"""What a view returns, worked out in a thread: its parts below one another, or why there are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static

from inspector.errors import InspectorError
from inspector.parts import Part, View
from inspector.trace import Trace
from inspector.tui.jobs import Job
from inspector.tui.widgets.cells import visible
from inspector.tui.widgets.part_changes import first_changed
from inspector.tui.widgets.parts import PartBox
from inspector.tui.widgets.table_list import TableList
from inspector.tui.widgets.tree_list import TreeList

PATIENCE = 0.2
"""Seconds after which a view that is not there yet is said to be worked out."""


class ViewParts(Vertical):
    """The parts of one view. What is another than it was with other options is brought into sight."""

    DEFAULT_CSS = """
    ViewParts {
        height: 1fr;
        & > #message { height: auto; color: $text-muted; display: none; }
        & > #message.-shown { display: block; }
        & > #message.-error { color: $text-error; }
        & > #parts { height: 1fr; scrollbar-size-vertical: 1; }
        & PartBox { margin-top: 1; }
        & PartBox:first-child { margin-top: 0; }
    }
    """

    @dataclass
    class Looked(Message):
        """What a view returned, or why it did not."""

        view: View
        parts: Sequence[Part]
        error: str = ""

    @dataclass
    class Shown(Message):
        """What a view returned is shown now, or its error."""

        error: str

    def __init__(self) -> None:
        super().__init__()
        self.view: View | None = None
        self._of: View | None = None
        self._parts: Sequence[Part] = ()
        self._filter = ""
        self._waiting: Timer | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="message", markup=False)
        yield VerticalScroll(id="parts")

    @property
    def scroll(self) -> VerticalScroll:
        """Where the parts are."""
        return self.query_one("#parts", VerticalScroll)

    def look(self, view: View, trace: Trace, options: Mapping[str, str]) -> None:
        """Let a view look at a trace, and show what it returns. What is shown stays for as long as it is its own."""
        self.view = view
        self._rest()
        self._waiting = self.set_timer(PATIENCE, self._wait)
        self.run_worker(self._work(view, trace, options), group="view", exclusive=True)

    def forget(self) -> None:
        """What is shown next is not compared with what was shown before."""
        self._of, self._parts = None, ()

    def enter(self) -> None:
        """Put the keyboard on the first part that takes keys, else where the parts will be."""
        scroll = self.scroll
        self.screen.set_focus(next((widget for widget in scroll.query("*") if widget.can_focus), scroll))

    def filter(self, text: str) -> None:
        """Narrow the tables and trees that are shown, and those that will be, to the lines that hold every word."""
        if text or self._filter:
            for part in self.query("PartBox > *"):
                if isinstance(part, TableList | TreeList):
                    part.filter(text)
        self._filter = text

    async def _work(self, view: View, trace: Trace, options: Mapping[str, str]) -> None:
        """In a thread: a view may take its time, and a plugin's may raise anything."""
        try:
            parts = await Job(view.name, lambda _: list(view(trace, **options))).start().result()
        except InspectorError as error:
            self.post_message(self.Looked(view, [], str(error)))
        except Exception as error:
            self.post_message(self.Looked(view, [], f"The view {view.name!r} failed: {type(error).__name__}: {error}"))
        else:
            self.post_message(self.Looked(view, parts))

    async def on_view_parts_looked(self, event: ViewParts.Looked) -> None:
        """Put other parts in place. Done here, not in the worker: one that is cancelled must not leave half of them."""
        event.stop()
        if event.view is not self.view:
            return
        self._rest()
        await self._show(event.view, event.parts)
        nothing = "" if event.parts else "This view has nothing to show for this trace."
        self._say(event.error or nothing, error=bool(event.error))
        self.post_message(self.Shown(event.error))

    async def _show(self, view: View, parts: Sequence[Part]) -> None:
        changed = first_changed(self._parts, parts) if view is self._of and self._parts else None
        top = round(self.scroll.scroll_y) if view is self._of else 0
        with self.app.batch_update():
            inside = await self._clear()
            await self.scroll.mount_all(PartBox(part, alone=len(parts) == 1) for part in parts)
        self._of, self._parts = view, parts or self._parts
        self.filter(self._filter)
        if inside and changed is None:
            self.enter()
        self.call_after_refresh(self._bring, changed, top)

    def _bring(self, changed: int | None, top: int) -> None:
        """Scroll to the part that is another than before, else to where one was."""
        boxes = list(self.scroll.query_children(PartBox))
        if changed is not None and changed < len(boxes):
            self.scroll.scroll_to_widget(boxes[changed], animate=False, top=True)
        else:
            self.scroll.scroll_to(y=top, animate=False)

    async def _clear(self) -> bool:
        """Take the parts away; whether the keyboard was among them, and then it stays."""
        scroll = self.scroll
        inside = scroll.has_focus or scroll.has_focus_within
        if inside:
            self.screen.set_focus(scroll)
        await scroll.remove_children()
        return inside

    async def _wait(self) -> None:
        """A view that takes its time is not silent meanwhile, and no other view's parts stand in its place."""
        if self.view is not None:
            self._say(f"Working out {self.view.name} …")
        if self._of is not self.view:
            await self._clear()

    def _rest(self) -> None:
        """Wait no longer."""
        if self._waiting is not None:
            self._waiting.stop()

    def _say(self, text: str, *, error: bool = False) -> None:
        message = self.query_one("#message", Static)
        message.update(visible(text))
        message.set_class(bool(text), "-shown")
        message.set_class(error, "-error")
