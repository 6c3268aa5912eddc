"""The masks of a step, one a line: which layers share it, what it is called, how large it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.segment import Segment
from textual.message import Message

from inspector.tui.widgets.cells import fit, visible, width_of
from inspector.tui.widgets.masks.look import Seen
from inspector.tui.widgets.virtual_list import VirtualList

SIZE = "q × keys"
"""The name of the column of sizes."""

WIDEST = 0.5
"""How much of the line the names of layers take, at most."""


class GroupsList(VirtualList):
    """A line for each group of attention calls with the same mask."""

    DEFAULT_CSS = """
    GroupsList { height: 1fr; width: 1fr; }
    """
    headed = True

    @dataclass
    class Chosen(Message):
        """The cursor stands on a group."""

        number: int

    @dataclass
    class Opened(Message):
        """The mask of the group is to be gone into."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._seen: Sequence[Seen] = ()
        self._longest = 0
        self._widest = len(SIZE)

    def show(self, seen: Sequence[Seen], cursor: int = 0) -> None:
        self._seen = seen
        self._longest = max((width_of(item.label) for item in seen), default=0)
        self._widest = max([len(SIZE), *(len(size(item)) for item in seen)])
        self.set_rows(len(seen), cursor)

    def draw(self, row: int, width: int) -> Iterator[Segment]:
        item = self._seen[row]
        yield Segment("≠ " if item.wrong else "  ", self.ink("loud"))
        yield Segment(fit(visible(item.label), self._label(width)) + "  ")
        yield Segment(fit(visible(item.group.applied.pattern), self._room(width)), self.ink("second"))
        yield Segment(f" {fit(size(item), self._widest, right=True)}", self.ink("quiet"))

    def head(self, width: int) -> str:
        last = fit(SIZE, self._widest, right=True)
        return f"  {fit('attention of', self._label(width))}  {fit('mask', self._room(width))} {last}"

    def moved(self) -> None:
        if self._seen:
            self.post_message(self.Chosen(self.cursor))

    def opened(self) -> None:
        self.post_message(self.Opened())

    def hint(self, row: int) -> str | None:
        item = self._seen[row]
        return "\n".join(f"{name}: {visible(text)}" for name, text in item.facts)

    def _label(self, width: int) -> int:
        return max(min(self._longest, int(WIDEST * width)), len("attention of"))

    def _room(self, width: int) -> int:
        return max(width - self._label(width) - self._widest - 5, 4)


def size(item: Seen) -> str:
    """How many queries and keys a mask has."""
    kernel = item.group.kernels[0]
    return f"{kernel.queries:,}×{kernel.keys:,}"
