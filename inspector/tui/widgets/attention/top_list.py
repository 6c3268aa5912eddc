"""The keys that a query looks at most, each with its probability."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from textual.message import Message

from inspector.analysis.wording import number
from inspector.tui.widgets.attention.looking import Sight
from inspector.tui.widgets.attention.words import key_words
from inspector.tui.widgets.cells import fit
from inspector.tui.widgets.virtual_list import VirtualList

BAR = " ▏▎▍▌▋▊▉█"
"""Eighths of a character."""


ROOMY = 60
"""Cells from which on the head that looks there the most is named beside a key."""


class TopList(VirtualList):
    """A key a line, the most attended first. Opening one makes it the query."""

    DEFAULT_CSS = """
    TopList { height: 1fr; width: 1fr; }
    """
    headed = 1

    @dataclass
    class Pointed(Message):
        """The cursor stands on a key."""

        key: int

    @dataclass
    class Opened(Message):
        """A key is to be the query."""

        key: int

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._sight: Sight | None = None

    def show_sight(self, sight: Sight | None) -> None:
        """List what a look looks at."""
        self._sight = sight
        self.set_rows(0 if sight is None else len(sight.top), 0)

    def head(self, width: int) -> str:
        named = "" if self._sight is None else "patch" if self._sight.patches is not None else "token"
        return fit(f"probability{'':{max(0, self._bar(width) - 2)}}{named:>{self._digits + 1}}", width)

    def draw(self, row: int, width: int) -> Iterator[Segment]:
        assert self._sight is not None
        item = self._sight.top[row]
        length = self._bar(width)
        own = key_words(self._sight, item.key)
        yield Segment(f"{number(item.probability):>8} ")
        yield Segment(bar(item.probability / self._sight.top[0].probability, length), self.ink("accent"))
        yield Segment(f" {own.index:>{self._digits}} ", self.ink("quiet"))
        most = self._most(item.key) if width >= ROOMY else ""
        room = max(width - 9 - length - self._digits - 2 - len(most), 0)
        text = own.text if cell_len(own.text) <= room else own.short
        yield Segment(fit(text, room), self.ink("second" if own.kind == "special" else ""))
        yield Segment(most, self.ink("quiet"))

    @property
    def _digits(self) -> int:
        """Cells of the largest index."""
        return 3 if self._sight is None else max(3, len(str(self._sight.kernel.keys + self._sight.offset)))

    @staticmethod
    def _bar(width: int) -> int:
        return max(3, min(14, width // 8))

    def moved(self) -> None:
        if self._sight is not None and self._sight.top:
            self.post_message(self.Pointed(self._sight.top[self.cursor].key))

    def opened(self) -> None:
        if self._sight is not None and self._sight.top:
            self.post_message(self.Opened(self._sight.top[self.cursor].key))

    def _most(self, key: int) -> str:
        """The head that looks there the most, once that is known."""
        if self._sight is None or self._sight.of_heads is None or len(self._sight.heads) == 1:
            return ""
        found = self._sight.of_heads[:, key].nan_to_num(0)
        return f" most: head {int(found.argmax())} {number(float(found.max())):>7}"


def bar(share: float, width: int) -> str:
    """A bar of `width` cells for 1."""
    eighths = round(max(0.0, min(share, 1.0)) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (BAR[rest] if rest else "")).ljust(width)
