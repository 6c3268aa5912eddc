"""Parts of views below one another, worked out in a thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from inspector.errors import InspectorError
from inspector.parts import Part, Text
from inspector.tui.jobs import Job
from inspector.tui.leaving import leaving
from inspector.tui.widgets.cells import visible
from inspector.tui.widgets.parts import PartBox
from inspector.tui.widgets.scrolled import Scrolled

Work = Callable[[], Sequence[Part | Widget]]
"""Gives parts, and widgets of its own between them."""

REST = 0.05
"""Seconds without a key after which parts are worked out."""


class PartsPage(Vertical):
    """Shows what `work` returns, or why it does not."""

    DEFAULT_CSS = """
    PartsPage {
        height: 1fr;
        & > #message { height: auto; padding: 0 1; color: $text-error; display: none; }
        & > #message.-some { display: block; }
        & PartBox { margin-bottom: 1; }
    }
    """

    @dataclass
    class Made(Message):
        """The parts, or why there are none."""

        work: Work
        parts: Sequence[Part | Widget]
        error: str = ""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._work: Work | None = None
        self._resting: Timer | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="message", markup=False)
        yield Scrolled()

    def show_parts(self, work: Work) -> None:
        """Show other parts; those of before stay until they are there. Keys that follow each other are waited for."""
        self._work = work
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(REST, lambda: self.run_worker(self._make(work), group="parts", exclusive=True))

    async def _make(self, work: Work) -> None:
        try:
            parts = await Job("parts", lambda _: list(work())).start().result()
        except InspectorError as error:
            self.post_message(self.Made(work, [], str(error)))
        except Exception as error:  # a file of the trace that has gone: said in place of the parts
            self.post_message(self.Made(work, [], f"This cannot be read: {type(error).__name__}: {error}"))
        else:
            self.post_message(self.Made(work, parts))

    async def on_parts_page_made(self, event: PartsPage.Made) -> None:
        event.stop()
        if event.work is not self._work or leaving(self):
            return
        message, shown = self.query_one("#message", Static), self.query_one(Scrolled)
        message.update(visible(event.error))
        message.set_class(bool(event.error), "-some")
        focused = self.screen.focused
        inside = focused is not None and shown in focused.ancestors
        with self.app.batch_update():
            await shown.remove_children()
            await shown.mount_all(map(_box, event.parts))
        shown.scroll_home(animate=False)
        if inside:
            self.screen.set_focus(shown)


def _box(part: Part | Widget) -> Widget:
    """A part under its title, prose in full: the page scrolls, not what is on it."""
    if isinstance(part, Widget):
        return part
    box = PartBox(part)
    if isinstance(part, Text):
        box.content.styles.height = "auto"
    return box
