"""The tensors of one call: its ports, and of the chosen one numbers, histogram, heatmap, origin and destinations.

What the trace itself says is shown at once. Values are read in threads, once the cursor has rested for a moment, and
torch is imported there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.reactive import reactive
from textual.timer import Timer

from inspector.trace import TensorInfo, Trace, Value
from inspector.tui.jobs import Job
from inspector.tui.leaving import leaving
from inspector.tui.widgets import tensor_facts as facts
from inspector.tui.widgets.axes_bar import AxesBar
from inspector.tui.widgets.heatmap import HeatMap
from inspector.tui.widgets.histogram import HistogramBars
from inspector.tui.widgets.links_list import LinksList
from inspector.tui.widgets.ports_list import PortsList
from inspector.tui.widgets.slicing import Slicing
from inspector.tui.widgets.tensor_summary import TensorSummary

if TYPE_CHECKING:
    from torch import Tensor

REST = 0.06
"""Seconds for which the cursor must rest on a call before its values are read."""

SHORT, TINY = 26, 13
"""Heights below which the panel gives its lines to the heatmap, and leaves the histogram out."""

FEW, FEW_INTEGERS = 64, 4096
"""Tensors of at most so many elements, or integers, are written as numbers from the start."""

NO_ORIGIN = "No module made it: an input of the model, or the result of a function inside a forward."
HERE = "This call made it."
NO_USE = "No module took it."


SLICING_KEYS = (
    ("a", "axes", "next_axes", "Two other axes as rows and columns"),
    ("t", "turn", "turned", "Rows as columns, columns as rows"),
    ("full_stop", "next_index", "forth", "One index further"),
    ("comma", "previous_index", "back", "One index back"),
    ("semicolon", "other", "next_active", "Step along another axis"),
)
"""Keys, their names, methods of `Slicing`, and what they do."""


class TensorPanel(Vertical):
    """Shows one port of one call of `trace`."""

    DEFAULT_CSS = """
    TensorPanel {
        width: 1fr;
        height: 1fr;
        & > PortsList { max-height: 9; }
        & > TensorSummary, & > HistogramBars { margin-top: 1; }
        & > HistogramBars { height: 5; }
        & > AxesBar { margin-top: 1; }
        & > #why { max-height: 100%; margin-top: 1; }
        & > LinksList { margin-top: 1; }
        &.-short > PortsList { max-height: 4; }
        &.-short > TensorSummary, &.-short > AxesBar, &.-short > LinksList, &.-short > HistogramBars { margin-top: 0; }
        &.-short > HistogramBars { height: 3; }
        &.-short > LinksList { max-height: 2; }
        &.-tiny > HistogramBars { display: none; }
        &.-tiny > PortsList { max-height: 2; }
        &.-no-value > LinksList { max-height: 50%; }
        &.-no-value > HistogramBars, &.-no-value > AxesBar, &.-no-value > HeatMap { display: none; }
        &.-value > #why { display: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "producer", "Comes from", id="tensor.producer", tooltip="To the call that made this tensor"),
        Binding("c", "consumer", "Goes to", id="tensor.consumer", tooltip="To a call that took this tensor"),
        *(
            Binding(key, f"slice('{change}')", tooltip, show=False, id=f"tensor.{name}", tooltip=tooltip)
            for key, name, change, tooltip in SLICING_KEYS
        ),
        Binding("escape", "ports", "Ports", show=False, id="tensor.ports", tooltip="Back to the list of ports"),
    ]

    trace: reactive[Trace | None] = reactive(None, init=False)

    @dataclass
    class Jump(Message):
        """Another call is to be gone to, at one of its ports."""

        call: int
        port: str

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.call: int | None = None
        self._tensor: Tensor | None = None
        self._resting: Timer | None = None
        self._asked: tuple[int, str] | None = None
        self._linked: tuple[int, str] | None = None

    def compose(self) -> ComposeResult:
        yield PortsList()
        yield TensorSummary(id="what")
        yield HistogramBars()
        yield AxesBar()
        yield HeatMap()
        yield TensorSummary(id="why")
        yield LinksList()

    @property
    def port(self) -> str | None:
        """The chosen port."""
        return self.query_one(PortsList).port

    @property
    def pointed(self) -> tuple[str, Any] | None:
        """Index and value of the element under the heatmap's cursor, to be copied."""
        return self.query_one(HeatMap).pointed

    def select(self, call: int, port: str | None = None) -> None:
        """Show a call of the trace, at `port`, else at the port of the same name as before, else at an output."""
        if self.trace is None:
            return
        self.call = call
        self.query_one(PortsList).show_call(self.trace.calls[call], port)

    def watch_trace(self) -> None:
        self._leave()
        self.call = self._asked = None
        self.query_one(PortsList).clear()
        self.query_one(LinksList).clear()
        self.query_one("#what", TensorSummary).say("")
        self._show_value(None)

    def on_mount(self) -> None:
        self._show_value(None)

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.height < SHORT, "-short")
        self.set_class(event.size.height < TINY, "-tiny")

    @on(PortsList.Chosen)
    def _chosen(self, event: PortsList.Chosen) -> None:
        event.stop()
        if self.trace is None or self.call is None or (self.call, event.port) == self._asked:
            return
        self._leave()
        self._asked = (self.call, event.port)
        self._describe(event.port)
        self._resting = self.set_timer(REST, self._rested)

    @on(PortsList.Opened)
    def _into(self, event: PortsList.Opened) -> None:
        event.stop()
        if self.has_class("-value"):
            self.query_one(HeatMap).focus()

    @on(LinksList.Followed)
    def _follow(self, event: LinksList.Followed) -> None:
        event.stop()
        self.post_message(self.Jump(event.call, event.port))

    @on(AxesBar.Changed)
    def _sliced(self, event: AxesBar.Changed) -> None:
        event.stop()
        if self._tensor is not None:
            self.query_one(HeatMap).plane = facts.plane_of(self._tensor, event.slicing)

    def action_producer(self) -> None:
        """To the call that made the tensor; where functions made it from several, to their list."""
        links = self.query_one(LinksList)
        if self._linked != self._asked:
            return  # not known yet
        if not links.producers:
            self.notify(HERE if self.port and self.port.startswith("output") else NO_ORIGIN)
        elif len(links.producers) == 1:
            self.post_message(self.Jump(links.producers[0].call, links.producers[0].port))
        else:
            links.choose_producer()
            links.focus()

    def action_consumer(self) -> None:
        """To the only call that took the tensor; where there are several, to their list."""
        links = self.query_one(LinksList)
        if self._linked != self._asked:
            return  # not known yet
        if not links.consumers:
            self.notify(NO_USE)
        elif len(links.consumers) == 1:
            self.post_message(self.Jump(links.consumers[0].call, links.consumers[0].port))
        else:
            links.choose_consumer()
            links.focus()

    def action_slice(self, change: str) -> None:
        """Choose another plane: `change` names a method of `Slicing`."""
        bar = self.query_one(AxesBar)
        bar.change(getattr(bar.slicing, change)())

    def action_ports(self) -> None:
        if self.query_one(PortsList).has_focus:
            raise SkipAction
        self.query_one(PortsList).focus()

    def _describe(self, port: str) -> None:
        """What the trace itself says of a port."""
        value = self._value(port)
        assert self.trace is not None
        assert self.call is not None
        self.query_one("#what", TensorSummary).describe(port, value, error=self.trace.calls[self.call].error)
        kept = isinstance(value, TensorInfo) and value.value is not None
        self._show_value(value if isinstance(value, TensorInfo) and kept else None)
        if isinstance(value, TensorInfo) and not kept:
            self.query_one("#why", TensorSummary).say(facts.why_not_kept(self.trace, self.call, port))

    def _show_value(self, info: TensorInfo | None) -> None:
        """Make room for a value, or for the sentence on why there is none. One of the same shape stays meanwhile."""
        self.set_class(info is not None, "-value")
        self.set_class(info is None, "-no-value")
        if info is None or info.shape != self.query_one(AxesBar).slicing.shape:
            self._tensor = None
            self.query_one(HeatMap).plane = None
            self.query_one(HistogramBars).counts = None
            self.query_one("#why", TensorSummary).say("")
            self.query_one(AxesBar).slicing = Slicing.of(() if info is None else info.shape)

    def _leave(self) -> None:
        """Whatever is still being read of another port is not to be shown any more."""
        if self._resting is not None:
            self._resting.stop()
        self.workers.cancel_group(self, "value")

    def _rested(self) -> None:
        if self.trace is not None and self.call is not None and self.port is not None:
            self.run_worker(self._read(self.trace, self.call, self.port), group="value", exclusive=True)

    async def _read(self, trace: Trace, call: int, port: str) -> None:
        """Find out what a port is linked to, and read and count what stands there; each is shown once it is known."""
        value = self._value(port)
        finding = Job("links", lambda _: facts.links(trace, call, port)).start()
        info = value if isinstance(value, TensorInfo) and value.value is not None else None
        reading = None if info is None else Job("value", lambda _: trace.values[info.value or ""]).start()
        made = isinstance(value, TensorInfo) and (value.origin is not None or port.startswith("output"))
        via = value.via if isinstance(value, TensorInfo) else ()
        links = await finding.result()
        if leaving(self):
            return
        self.query_one(LinksList).show_links(trace, links, NO_USE if made else NO_ORIGIN, via)
        self._linked = (call, port)
        if info is None or reading is None:
            return
        try:
            self._tensor = tensor = await reading.result()
            if leaving(self):
                return
            self._look(info)
            counts = await Job("count", lambda _: facts.count(tensor, info)).start().result()
        except Exception as error:  # a file that has gone, a damaged one: said in place of the value
            if leaving(self):
                return
            self._show_value(None)
            self.query_one("#why", TensorSummary).say(f"The value cannot be read: {error}")
            return
        if leaving(self):
            return
        self.query_one(HistogramBars).counts = counts
        self.query_one("#what", TensorSummary).describe(port, value, counts.stats, trace.calls[call].error)

    def _look(self, info: TensorInfo) -> None:
        assert self._tensor is not None
        heatmap, bar = self.query_one(HeatMap), self.query_one(AxesBar)
        if heatmap.plane is None:
            integers = not info.dtype.startswith(("float", "bfloat", "complex"))
            heatmap.numbers = info.numel <= (FEW_INTEGERS if integers else FEW)
        heatmap.plane = facts.plane_of(self._tensor, bar.slicing)

    def _value(self, port: str) -> Value:
        assert self.trace is not None
        assert self.call is not None
        return self.trace.calls[self.call].ports().get(port)
