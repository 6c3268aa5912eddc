"""Where a tensor came from and where it went: the list at the foot of the tensor panel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
        self._via = ""

    def show_links(self, trace: Trace, links: list[Link], empty: str, via: Sequence[str] = ()) -> None:
        """List `links`, or say `empty` where there are none. `via` names the functions between makers and tensor."""
        self._trace, self._links, self._empty = trace, links, empty
        self._via = ", ".join(via)
        lines = max(1, len(links) + bool(via))
        self.styles.height = lines
        self.set_rows(lines, 0)

    def clear(self) -> None:
        """Show nothing: the tensor is another one, and its links are not known yet."""
        self._links, self._via = [], ""
        self.set_rows(0)

    @property
    def consumers(self) -> list[Link]:
        return [link for link in self._links if not link.made]

    @property
    def producers(self) -> list[Link]:
        return [link for link in self._links if link.made]

    def choose_consumer(self) -> None:
        """Put the cursor on the first call that the tensor went into."""
        self.cursor = len(self.producers) + bool(self._via)

    def choose_producer(self) -> None:
        """Put the cursor on the first call that made the tensor, or something that it was made from."""
        self.cursor = 0

    def draw(self, row: int, width: int) -> Iterator[Segment]:
        if not self._links or self._trace is None:
            yield Segment(fit(self._empty, width), self.ink("quiet"))
            return
        link = self._at(row)
        if link is None:
            yield Segment("by   ", self.ink("quiet"))
            yield Segment(fit(visible(self._via), max(width - len(FROM), 0)), self.ink("second"))
            return
        call = self._trace.calls[link.call]
        number = f"{link.call:>{len(str(len(self._trace.calls)))}} "
        port = fit_end(visible(link.port), min(len(link.port), width // 3))
        yield Segment(FROM if link.made else TO, self.ink("quiet"))
        yield Segment(number, self.ink("quiet"))
        room = max(width - len(FROM) - len(number) - len(port) - 1, 0)
        yield Segment(fit_end(visible(call.path or call.class_name), room) + " ")
        yield Segment(port, self.ink("second"))

    def opened(self) -> None:
        link = self._at(self.cursor) if self._links else None
        if link is not None:
            self.post_message(self.Followed(link.call, link.port))

    def _at(self, row: int) -> Link | None:
        """The link in a row; None for the row of functions, which stands behind the makers."""
        makers = len(self.producers)
        if self._via and row == makers:
            return None
        return self._links[row - (bool(self._via) and row > makers)]

    def hint(self, row: int) -> str | None:
        return "Enter or a double click goes there" if self._links else None
