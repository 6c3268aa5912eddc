"""Every view on a trace, built in or from a plugin: choose one, set its options, see its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.reactive import reactive

from inspector.parts import View
from inspector.trace import Trace
from inspector.tui.commands import view_copies
from inspector.tui.runs import Run
from inspector.tui.screens.menu import Choice
from inspector.tui.widgets.line import Line
from inspector.tui.widgets.table_list import TableList
from inspector.tui.widgets.view_options import ViewOptions
from inspector.tui.widgets.view_parts import ViewParts
from inspector.tui.widgets.views_list import ViewsList

WIDE = 100
"""Cells from which on the list of views stands beside the parts, below that above them until one goes in."""

HIGH = 32
"""Lines from which on there is always room for the options; below that they are shown while they are set."""


class ViewsPane(Vertical):
    """The list of views, the options of the chosen one, and its parts.

    `defaults` holds what options of these names start with: the call and the port that are selected elsewhere.
    """

    DEFAULT_CSS = """
    ViewsPane {
        height: 1fr;
        & > Horizontal { height: 1fr; }
        & #views { width: 36; height: 1fr; border-right: solid $border-blurred; }
        & #shown { width: 1fr; height: 1fr; padding: 0 1; }
        & #asked { display: none; }
        & #options { margin-bottom: 1; }
        &.-narrow > Horizontal { layout: vertical; }
        &.-narrow #views { width: 1fr; height: auto; max-height: 6; border-right: none; }
        &.-narrow #shown { padding: 0; }
        &.-alone #views { display: none; }
        &.-brief #options { display: none; }
        &.-named #asked { display: block; }
    }
    """
    BINDING_GROUP_TITLE = "Views"
    HELP = """Every view of the trace, also those of plugins: enter goes into one, tab to its next part, esc back to the
list. Its options are those of inspector view on the command line; what is typed shows at once, and enter brings what it
changed into sight. Enter on a row of a table shows every field of it in full."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "options", "Options", id="views.options", tooltip="Set the options of the view"),
        Binding("z", "zoom", "Enlarge", id="views.zoom", tooltip="Give the view all the room, or give it back"),
        Binding("escape", "out", "Views", show=False, id="views.list", tooltip="Back to the list of views"),
    ]

    trace: reactive[Trace | None] = reactive(None, init=False)
    views: reactive[Mapping[str, View]] = reactive({}, init=False)

    @dataclass
    class Wanted(Message):
        """A view is to be brought to the front, with these options."""

        name: str
        options: Mapping[str, str]

    def __init__(
        self, views: Mapping[str, View] | None = None, trace: Trace | None = None, *, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self.set_reactive(ViewsPane.trace, trace)
        self.set_reactive(ViewsPane.views, views or {})
        self.view: View | None = None
        self.defaults: dict[str, str] = {}
        self._given: Mapping[str, str] | None = None
        self._asking = self._done = self._zoomed = False

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield ViewsList(id="views")
            with Vertical(id="shown"):
                yield Line(id="asked")
                yield ViewOptions(id="options")
                yield ViewParts()

    def on_mount(self) -> None:
        self.watch_views()

    @on(events.Resize)
    @on(events.DescendantFocus)
    def _fit(self) -> None:
        self._asking = self._asking and self.query_one(ViewOptions).has_focus_within
        self._arrange()

    def watch_views(self) -> None:
        self.query_one(ViewsList).show_views(list(self.views.values()))

    def watch_trace(self) -> None:
        self._show()

    @property
    def options(self) -> dict[str, str]:
        """The options that were set."""
        return self.query_one(ViewOptions).asked

    def choose(self, name: str, given: Mapping[str, str] | None = None) -> bool:
        """Go into a view, with options as they are `given`; False where there is no such view."""
        if name not in self.views:
            return False
        self._given = given
        listed = self.query_one(ViewsList)
        at = list(self.views).index(name)
        if listed.cursor == at:
            self.post_message(ViewsList.Chosen(self.views[name]))
        listed.cursor = at
        self._enter()
        return True

    def copies(self, run: Run) -> list[Choice]:
        """What can be copied of the view, and of the row of a table that has the keyboard."""
        found = [] if self.view is None else view_copies(run, self.view, self.options)
        table = self.screen.focused
        row = table.row_text() if isinstance(table, TableList) else ""
        return [Choice("row", row), *found] if row else found

    def filter(self, text: str) -> None:
        """Narrow the tables and trees that are shown, and those that will be, to the lines that hold every word."""
        self.query_one(ViewParts).filter(text)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return bool(self.view is not None and self.view.options) if action == "options" else True

    def action_options(self) -> None:
        """Bring the options into sight, and the keyboard to them."""
        self._asking = True
        self._arrange()
        self.call_after_refresh(self.query_one(ViewOptions).enter)

    def action_zoom(self) -> None:
        self._zoomed, self._asking = not self._zoomed, False
        if self.query_one(ViewsList).has_focus:
            self._enter()
        self._arrange()

    def action_out(self) -> None:
        """Out of the options, or of the zoom, or back to the list."""
        if self.query_one(ViewsList).has_focus:
            raise SkipAction  # the screen may have been gone into from another
        if self._asking:
            self._enter()
        elif self._zoomed and not self.has_class("-narrow"):
            self._zoomed = False
            self._arrange()
        else:
            self._zoomed = False
            self.remove_class("-alone")
            self.screen.set_focus(self.query_one(ViewsList))

    def _arrange(self) -> None:
        """Leave out the list and the options where the view needs their room; then a line says what they would."""
        size = self.size or self.app.size
        narrow, low = size.width < WIDE, size.height < HIGH
        alone = self._zoomed or (narrow and self.query_one("#shown").has_focus_within)
        brief = (self._zoomed or narrow or low) and not self._asking
        asked = [f"{name} {value}" for name, value in self.options.items()]
        if self.view is not None:
            self.query_one("#asked", Line).say(" · ".join([self.view.name, *asked, self.view.help]))
        for name, wanted in (("narrow", narrow), ("alone", alone), ("brief", brief)):
            self.set_class(wanted, f"-{name}")
        self.set_class(alone or (brief and bool(asked)), "-named")

    @on(ViewsList.Opened)
    def _enter(self) -> None:
        """Put the keyboard into the view: on the first of its parts that takes keys, else where they will be."""
        self._asking = False
        self.query_one(ViewParts).enter()
        self._arrange()

    @on(ViewsList.Chosen)
    async def _chosen(self, event: ViewsList.Chosen) -> None:
        event.stop()
        given, self._given, self._done = self._given, None, False
        if event.view is self.view and given is None:
            return
        self.view = event.view
        self.query_one(ViewParts).forget()
        await self.query_one(ViewOptions).show_view(event.view, self.defaults if given is None else given)
        self.refresh_bindings()
        self._arrange()
        self._show()

    @on(ViewOptions.Changed)
    def _changed(self, event: ViewOptions.Changed) -> None:
        event.stop()
        self._done = event.done
        self._show()

    @on(ViewParts.Shown)
    def _shown(self, event: ViewParts.Shown) -> None:
        event.stop()
        if self._done and not event.error:
            self._done = False
            self.screen.set_focus(self.query_one(ViewParts).scroll)

    def _show(self) -> None:
        if self.trace is not None and self.view is not None:
            self.query_one(ViewParts).look(self.view, self.trace, self.options)
