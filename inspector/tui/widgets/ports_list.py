"""What went into a call and what came out of it: the list on top of the tensor panel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.segment import Segment
from textual.message import Message

from inspector.analysis.wording import summary, value_text
from inspector.trace import Call, TensorInfo, Value
from inspector.tui.widgets.cells import fit, fit_end, visible, width_of
from inspector.tui.widgets.virtual_list import VirtualList

KEPT, NOT_KEPT = "● ", "  "


class PortsList(VirtualList):
    """A port a line: its name, what stands there, and a dot where the value was kept."""

    DEFAULT_CSS = """
    PortsList { height: auto; max-height: 8; width: 1fr; }
    """

    @dataclass
    class Chosen(Message):
        """The cursor stands on a port."""

        port: str

    @dataclass
    class Opened(Message):
        """A port is to be gone into."""

        port: str

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._ports: list[tuple[str, Value]] = []

    @property
    def port(self) -> str | None:
        """The port under the cursor."""
        return self._ports[self.cursor][0] if self.cursor < len(self._ports) else None

    def show_call(self, call: Call, port: str | None = None) -> None:
        """List the ports of a call, with the cursor on `port`, else where it was before, else on the first output."""
        before = self.port
        self._ports = list(call.ports().items())
        names = [name for name, _ in self._ports]
        wanted = next((name for name in (port, before, _main(call)) if name in names), None)
        self.set_rows(len(names), 0 if wanted is None else names.index(wanted))
        self.styles.height = max(1, len(names))

    def clear(self) -> None:
        self._ports = []
        self.set_rows(0)

    def choose(self, port: str) -> None:
        """Put the cursor on a port; nothing happens for an unknown one."""
        names = [name for name, _ in self._ports]
        if port in names:
            self.cursor = names.index(port)

    def draw(self, row: int, width: int) -> Iterator[Segment]:
        port, value = self._ports[row]
        kept = isinstance(value, TensorInfo) and value.value is not None
        text = visible(value_text(value))
        badge = loud_words(value)
        room = width - width_of(KEPT)
        shape = min(width_of(text), max(room // 2, room - width_of(port) - 1 - len(badge)))
        yield Segment(KEPT if kept else NOT_KEPT, self.ink("accent"))
        yield Segment(fit_end(visible(port), max(room - shape - 1 - len(badge), 0)) + " ")
        yield Segment(fit(text, shape), self.ink("accent" if isinstance(value, TensorInfo) else "second"))
        if badge:
            yield Segment(badge, self.ink("badge"))

    def moved(self) -> None:
        if self.port is not None:
            self.post_message(self.Chosen(self.port))

    def opened(self) -> None:
        if self.port is not None:
            self.post_message(self.Opened(self.port))

    def hint(self, row: int) -> str | None:
        port, value = self._ports[row]
        if not isinstance(value, TensorInfo):
            return visible(f"{port} = {value_text(value)}")
        kept = "its value was kept" if value.value is not None else "its value was not kept"
        return visible(f"{port}  {summary(value)}, {kept}")


def loud_words(value: Value) -> str:
    """` nan `, ` inf ` or both, where a tensor holds some."""
    stats = value.stats if isinstance(value, TensorInfo) else None
    found = [] if stats is None else [name for name, count in (("nan", stats.nan), ("inf", stats.inf)) if count]
    return f" {' '.join(found)} " if found else ""


def _main(call: Call) -> str | None:
    """The port that one wants to see first: the first tensor that came out, else the first that went in."""
    sides = (*call.outputs.items(), *call.inputs.items())
    return next((port for port, value in sides if isinstance(value, TensorInfo)), None)
