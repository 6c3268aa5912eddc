"""The list of views."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.segment import Segment
from textual.message import Message

from inspector.parts import View
from inspector.tui.widgets.cells import fit, visible
from inspector.tui.widgets.virtual_list import VirtualList


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
