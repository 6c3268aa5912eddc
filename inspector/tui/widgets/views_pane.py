"""Every view on a trace, built in or from a plugin: choose one, set its options, see its parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual import events, on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.timer import Timer
from textual.widgets import Checkbox, Input, Label, Static

from inspector.errors import InspectorError
from inspector.parts import Part, View
from inspector.trace import Trace
from inspector.tui.jobs import Job
from inspector.tui.widgets.cells import fit, visible
from inspector.tui.widgets.check_box import CheckBox
from inspector.tui.widgets.parts import PartBox
from inspector.tui.widgets.table_list import TableList
from inspector.tui.widgets.tree_list import TreeList
from inspector.tui.widgets.virtual_list import VirtualList

REST = 0.25
"""Seconds without a key after which a view is shown again with the options that were typed."""

WIDE = 100
"""Cells from which on the list of views stands beside the parts, below that above them."""


class ViewsList(VirtualList):
    """A view a line."""

    DEFAULT_CSS = """
    ViewsList { height: 1fr; width: 1fr; }
    """

    @dataclass
    class Chosen(Message):
        """The cursor stands on a view."""

        view: View

    @dataclass
    class Opened(Message):
        """A view is to be gone into."""

        view: View

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._views: list[View] = []

    def show_views(self, views: Sequence[View]) -> None:
        self._views = list(views)
        self.set_rows(len(self._views), 0)

    def draw(self, row: int, width: int) -> Iterator[Segment]:
        view = self._views[row]
        name = max((len(each.name) for each in self._views), default=0) + 2
        yield Segment(fit(visible(view.name), min(name, width)))
        yield Segment(fit(visible(view.help), max(width - name, 0)), self.ink("quiet"))

    def moved(self) -> None:
        if self._views:
            self.post_message(self.Chosen(self._views[self.cursor]))

    def opened(self) -> None:
        self.post_message(self.Opened(self._views[self.cursor]))

    def hint(self, row: int) -> str | None:
        return visible(self._views[row].help)


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
            yield CheckBox(Content(self._help))
        else:
            yield Input(self._start, placeholder=self._help, compact=True)

    @property
    def value(self) -> str:
        """What the view is called with; empty where nothing was set."""
        if self._flag:
            return "yes" if self.query_one(Checkbox).value else ""
        return self.query_one(Input).value.strip()


class ViewsPane(Vertical):
    """The list of views, the options of the chosen one, and its parts.

    `defaults` holds what options of these names start with: the call and the port that are selected elsewhere.
    """

    DEFAULT_CSS = """
    ViewsPane {
        height: 1fr;
        & > Horizontal { height: 1fr; }
        & #views { width: 46; height: 1fr; border-right: solid $border-blurred; }
        & #shown { width: 1fr; height: 1fr; padding: 0 1; }
        & #options { height: auto; }
        & #message { height: auto; color: $text-muted; display: none; }
        & #message.-shown { display: block; }
        & #message.-error { color: $text-error; }
        & #parts { height: 1fr; }
        & PartBox { margin-top: 1; }
        &.-narrow > Horizontal { layout: vertical; }
        &.-narrow #views { width: 1fr; height: auto; max-height: 6; border-right: none; }
        &.-narrow #shown { padding: 0; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "list", "Views", show=False, id="views.list", tooltip="Back to the list of views"),
    ]

    trace: reactive[Trace | None] = reactive(None, init=False)
    views: reactive[Mapping[str, View]] = reactive({}, init=False)

    @dataclass
    class Looked(Message):
        """What a view returned, or why it did not."""

        view: View
        parts: Sequence[Part]
        error: str = ""

    def __init__(
        self, views: Mapping[str, View] | None = None, trace: Trace | None = None, *, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self.set_reactive(ViewsPane.trace, trace)
        self.set_reactive(ViewsPane.views, views or {})
        self.view: View | None = None
        self.defaults: dict[str, str] = {}
        self._resting: Timer | None = None
        self._filter = ""

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield ViewsList(id="views")
            with Vertical(id="shown"):
                yield Vertical(id="options")
                yield Static(id="message", markup=False)
                yield VerticalScroll(id="parts", can_focus=False)

    def on_mount(self) -> None:
        self.watch_views()

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width < WIDE, "-narrow")

    def watch_views(self) -> None:
        self.query_one(ViewsList).show_views(list(self.views.values()))

    def watch_trace(self) -> None:
        self._show()

    @property
    def options(self) -> dict[str, str]:
        """The options that were set."""
        return {line.option: line.value for line in self.query(OptionLine) if line.value}

    def choose(self, name: str) -> bool:
        """Bring a view to the front, and the keyboard to the list; False where there is no such view."""
        if name not in self.views:
            return False
        listed = self.query_one(ViewsList)
        listed.cursor = list(self.views).index(name)
        listed.focus()
        return True

    def filter(self, text: str) -> None:
        """Narrow the tables and trees that are shown, and those that will be, to the lines that hold every word."""
        self._filter = text
        for part in self.query("#parts > PartBox > *"):
            if isinstance(part, TableList | TreeList):
                part.filter(text)

    @on(ViewsList.Chosen)
    async def _chosen(self, event: ViewsList.Chosen) -> None:
        event.stop()
        if event.view is self.view:
            return
        self.view = event.view
        options = self.query_one("#options", Vertical)
        await options.remove_children()
        await options.mount_all(self._lines(event.view))
        self._show()

    @on(ViewsList.Opened)
    def _into(self, event: ViewsList.Opened) -> None:
        event.stop()
        inside = [widget for widget in self.query("#parts *") if widget.can_focus]
        if inside:
            inside[0].focus()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(REST, self._show)

    @on(Input.Submitted)
    @on(Checkbox.Changed)
    def _set(self, event: Input.Submitted | Checkbox.Changed) -> None:
        event.stop()
        self._show()

    def _lines(self, view: View) -> Iterator[OptionLine]:
        for name, text in view.options.items():
            yield OptionLine(name, text, flag=name in view.flags, value=self.defaults.get(name, ""))

    def action_list(self) -> None:
        if self.query_one(ViewsList).has_focus:
            raise SkipAction  # the screen may have been gone into from another
        self.query_one(ViewsList).focus()

    def _show(self) -> None:
        if self.trace is not None and self.view is not None:
            self._say("…")
            self.run_worker(self._work(self.view, self.trace, self.options), group="view", exclusive=True)

    async def _work(self, view: View, trace: Trace, options: Mapping[str, str]) -> None:
        """Let the view look at the trace, in a thread: it may take its time, and a plugin's may raise anything."""
        try:
            parts = await Job(view.name, lambda _: list(view(trace, **options))).start().result()
        except InspectorError as error:
            self.post_message(self.Looked(view, [], str(error)))
        except Exception as error:
            self.post_message(self.Looked(view, [], f"The view {view.name!r} failed: {type(error).__name__}: {error}"))
        else:
            self.post_message(self.Looked(view, parts))

    async def on_views_pane_looked(self, event: ViewsPane.Looked) -> None:
        """Put other parts in place. Done here, not in the worker: one that is cancelled must not leave half of them."""
        event.stop()
        if event.view is not self.view:
            return
        parts, shown = event.parts, self.query_one("#parts", VerticalScroll)
        with self.app.batch_update():
            await shown.remove_children()
            await shown.mount_all(PartBox(part, alone=len(parts) == 1) for part in parts)
        if self._filter:
            self.filter(self._filter)
        nothing = "" if parts else "This view has nothing to show for this trace."
        self._say(event.error or nothing, error=bool(event.error))

    def _say(self, text: str, *, error: bool = False) -> None:
        message = self.query_one("#message", Static)
        message.update(visible(text))
        message.set_class(bool(text), "-shown")
        message.set_class(error, "-error")
