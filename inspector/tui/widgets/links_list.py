"""Where a tensor came from and where it went: the list at the foot of the tensor panel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.segment import Segment
from textual.message import Message

from inspector.trace import Trace
from inspector.tui.widgets.cells import fit, fit_end, visible
from inspector.tui.widgets.tensor_facts import Link
from inspector.tui.widgets.virtual_list import VirtualList

FROM, TO = "from ", "to   "


class LinksList(VirtualList):
    """A call a line, the one that made the tensor first."""

    DEFAULT_CSS = """
    LinksList { height: auto; max-height: 5; width: 1fr; background: $panel; }
    """

    @dataclass
    class Followed(Message):
        """A call is to be gone to, at the port where the tensor stands there."""

        call: int
        port: str

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._trace: Trace | None = None
        self._links: list[Link] = []
        self._empty = ""

    def show_links(self, trace: Trace, links: list[Link], empty: str) -> None:
        """List `links`, or say `empty` where there are none."""
        self._trace, self._links, self._empty = trace, links, empty
        self.styles.height = max(1, len(links))
        self.set_rows(max(1, len(links)), 0)

    def clear(self) -> None:
        """Show nothing: the tensor is another one, and its links are not known yet."""
        self._links = []
        self.set_rows(0)

    @property
    def consumers(self) -> list[Link]:
        return [link for link in self._links if not link.made]

    def choose_consumer(self) -> None:
        """Put the cursor on the first call that the tensor went into."""
        self.cursor = len(self._links) - len(self.consumers)

    def draw(self, row: int, width: int) -> Iterator[Segment]:
        if not self._links or self._trace is None:
            yield Segment(fit(self._empty, width), self.ink("quiet"))
            return
        link = self._links[row]
        call = self._trace.calls[link.call]
        number = f"{link.call:>{len(str(len(self._trace.calls)))}} "
        port = fit_end(visible(link.port), min(len(link.port), width // 3))
        yield Segment(FROM if link.made else TO, self.ink("quiet"))
        yield Segment(number, self.ink("quiet"))
        room = max(width - len(FROM) - len(number) - len(port) - 1, 0)
        yield Segment(fit_end(visible(call.path or call.class_name), room) + " ")
        yield Segment(port, self.ink("second"))

    def opened(self) -> None:
        if self.cursor < len(self._links):
            link = self._links[self.cursor]
            self.post_message(self.Followed(link.call, link.port))

    def hint(self, row: int) -> str | None:
        return "Enter or a double click goes there" if self._links else None
