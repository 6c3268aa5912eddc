"""Tab 1: the modules, the calls in execution order, and the tensors of the selected call, side by side."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import events
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.reactive import reactive
from textual.widget import Widget

from inspector.trace import Trace
from inspector.tui.bars import Breadcrumb
from inspector.tui.history import History
from inspector.tui.moment import Moment
from inspector.tui.panes import Pane
from inspector.tui.places import first_call, in_step
from inspector.tui.widgets.calls_list import CallsList
from inspector.tui.widgets.module_tree import ModuleTree
from inspector.tui.widgets.tensor_panel import TensorPanel

PANES = ("modules", "calls", "tensor")

ROOM = 110
"""Cells in which three panes can stand side by side."""


class ForwardTab(Vertical):
    """Keeps the three panes on one call. Where room is short the modules fold away while the focus is elsewhere."""

    DEFAULT_CSS = """
    ForwardTab #modules { width: 2fr; max-width: 44; }
    ForwardTab #calls { width: 4fr; }
    ForwardTab #tensor { width: 4fr; }
    ForwardTab.-few #modules { width: 4fr; max-width: 100%; }
    """
    BINDING_GROUP_TITLE = "Forward"
    HELP = """The forward pass, call by call, in the order in which the modules ran.

On the left the modules of the model: going to one goes to its first call. In the middle the calls, indented inside the
call that made them. On the right what went in and came out of the selected call, and the chosen tensor."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "move(1)", "Next pane", id="forward.next_pane", tooltip="To the next pane", show=False),
        Binding(
            "shift+tab",
            "move(-1)",
            "Previous pane",
            id="forward.previous_pane",
            tooltip="To the pane before",
            show=False,
        ),
        Binding(
            "p", "producer", "Comes from", id="forward.producer", tooltip="To the call that made the tensor", show=False
        ),
        Binding(
            "c", "consumer", "Goes to", id="forward.consumer", tooltip="To a call that took the tensor", show=False
        ),
        Binding("z", "zoom", "Enlarge", id="forward.zoom", tooltip="Give the pane all the room, or give it back"),
        Binding("[,alt+left", "back", "Back", id="forward.back", tooltip="To the call seen before", show=False),
        Binding(
            "],alt+right",
            "forward",
            "Forward again",
            id="forward.forward",
            tooltip="To the call gone back from",
            show=False,
        ),
        Binding(
            "escape", "out", "Out", id="forward.out", tooltip="Out of the zoom, or to the pane on the left", show=False
        ),
    ]

    index: reactive[int | None] = reactive(None, repaint=False)
    zoomed: reactive[bool] = reactive(False, init=False, repaint=False)

    def __init__(self, trace: Trace, moment: Moment) -> None:
        super().__init__()
        self.trace = trace
        self.moment = moment
        self._history = History()

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Pane("Modules", ModuleTree(), id="modules")
            yield Pane("Calls", CallsList(), id="calls")
            yield Pane("Tensors", TensorPanel(), id="tensor")
        yield Breadcrumb(self.trace)

    def on_resize(self) -> None:
        self._arrange(self.at)

    def watch_zoomed(self) -> None:
        self._arrange(self.at)

    @property
    def port(self) -> str | None:
        """The chosen port of the selected call."""
        return self.query_one(TensorPanel).port

    def on_mount(self) -> None:
        for widget in (self.query_one(CallsList), self.query_one(ModuleTree), self.query_one(TensorPanel)):
            widget.trace = self.trace
        self.screen.set_focus(self.query_one(CallsList))

    @property
    def pointed(self) -> tuple[str, Any] | None:
        """Index and value of the element under the cursor of the heatmap."""
        return self.query_one(TensorPanel).pointed

    def go(self, call: int, port: str | None = None) -> None:
        """Select a call, and one of its ports; `back` returns to where one was."""
        self._history.leave(self.index)
        self._select(call, port)

    def on_show(self) -> None:
        """Follow to the step that was chosen on another tab: to the same module there, where it ran."""
        call = None if self.index is None else in_step(self.trace, self.index, self.moment.step)
        if call is not None:
            self.go(call, self.port)

    def watch_index(self, before: int | None, index: int | None) -> None:
        self.query_one(Breadcrumb).index = index
        calls = self.trace.calls
        if before is not None and index is not None and calls[before].step != calls[index].step:
            self.moment.step = calls[index].step

    def on_calls_list_selected(self, event: CallsList.Selected) -> None:
        event.stop()
        if event.index != self.index and event.index == self.query_one(CallsList).current:  # not one left meanwhile
            self._show(event.index)

    def on_calls_list_opened(self, event: CallsList.Opened) -> None:
        event.stop()
        self._focus("tensor")

    def on_calls_list_counted(self, event: CallsList.Counted) -> None:
        event.stop()
        self.query_one("#calls", Pane).count(event.shown, event.total)

    def on_module_tree_selected(self, event: ModuleTree.Selected) -> None:
        event.stop()
        if self.at == "modules":
            call = first_call(self.trace, event.path)
            if call is not None:
                self._history.leave(self.index)
                self._select(call, lead=False)

    def on_tensor_panel_jump(self, event: TensorPanel.Jump) -> None:
        event.stop()
        self.go(event.call, event.port)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._arrange(self.at)

    @property
    def at(self) -> str:
        """The pane that has the focus."""
        focused = self.screen.focused
        inside = [] if focused is None else [node.id for node in focused.ancestors_with_self]
        return next((pane for pane in PANES if pane in inside), "calls")

    def action_move(self, by: int) -> None:
        stops = [widget for pane in PANES for widget in self._stops(pane)]
        focused = self.screen.focused
        at = stops.index(focused) if focused in stops else 0
        self._visit(stops[(at + by) % len(stops)])

    def action_producer(self) -> None:
        self.query_one(TensorPanel).action_producer()

    def action_consumer(self) -> None:
        self.query_one(TensorPanel).action_consumer()

    def action_zoom(self) -> None:
        self.zoomed = not self.zoomed

    def action_out(self) -> None:
        if self.zoomed:
            self.zoomed = False
        elif self.at == PANES[0]:
            raise SkipAction  # the screen may have been gone into from another
        else:
            self._focus(PANES[PANES.index(self.at) - 1])

    def action_back(self) -> None:
        self._return(self._history.back(self.index))

    def action_forward(self) -> None:
        self._return(self._history.forward(self.index))

    def _return(self, call: int | None) -> None:
        if call is not None:
            self._select(call)

    def _select(self, call: int, port: str | None = None, *, lead: bool = True) -> None:
        self._show(call, port, lead=lead)
        self.query_one(CallsList).select(call)

    def _show(self, call: int, port: str | None = None, *, lead: bool = True) -> None:
        """Show a call in the other panes. Where the modules lead, they stay where they are."""
        self.index = call
        self.query_one(TensorPanel).select(call, port)
        tree = self.query_one(ModuleTree)
        if lead:
            with tree.prevent(ModuleTree.Selected):
                tree.select(self.trace.calls[call].path)

    def _focus(self, pane: str) -> None:
        """Put the keyboard into a pane, on what is first in it."""
        self._visit(self._stops(pane)[0])

    def _visit(self, widget: Widget) -> None:
        """Focus a widget, now, so that the next key reaches it; its pane unfolds first."""
        self._arrange(next(pane for pane in PANES if widget in self._stops(pane)))
        self.screen.set_focus(widget)

    def _arrange(self, at: str) -> None:
        """Display what there is room for, with the focus in the pane `at`: that one alone when zoomed, two or three."""
        narrow = (self.size.width or self.app.size.width) < ROOM
        away = {"tensor"} if at == "modules" else {"modules"}
        shown = {at} if self.zoomed else set(PANES) - away if narrow else set(PANES)
        self.set_class(len(shown) < len(PANES), "-few")
        for pane in PANES:
            self.query_one(f"#{pane}").display = pane in shown

    def _stops(self, pane: str) -> list[Widget]:
        """What can have the keyboard in a pane, were the pane displayed."""
        content = self.query_one(f"#{pane}", Pane).content
        found = [widget for widget in content.walk_children(Widget, with_self=True) if widget.can_focus]
        return [widget for widget in found if widget.display]
