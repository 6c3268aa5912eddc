"""A bordered place on a tab for one widget, with a filter line of its own where the widget can be filtered."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

from inspector.tui.widgets.filter_bar import FilterBar


@runtime_checkable
class Filterable(Protocol):
    """A list that can be narrowed to the lines that hold every word of `text`."""

    def filter(self, text: str) -> None: ...


class Pane(Vertical):
    """The border is lit while the focus is inside. `count` stands in its lower edge."""

    DEFAULT_CSS = """
    Pane {
        border: round $border-blurred;
        border-title-color: $text-muted;
        border-subtitle-color: $text-muted;
        background: $surface;
        width: 1fr;
        height: 1fr;
    }
    Pane:focus-within { border: round $border; border-title-color: $foreground; border-title-style: bold; }
    """

    def __init__(self, title: str, widget: Widget, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.border_title = Content(title)
        self.content = widget

    @property
    def filterable(self) -> bool:
        return isinstance(self.content, Filterable)

    def compose(self) -> ComposeResult:
        yield self.content
        if self.filterable:
            yield FilterBar()

    def open_filter(self) -> None:
        """Put the keyboard into the filter line, where there is one."""
        for bar in self.query(FilterBar):
            bar.open()

    def count(self, shown: int, total: int) -> None:
        """Say how many lines there are, and how many of them the filter leaves."""
        words = f"{total:,}" if shown == total else f"{shown:,} of {total:,}"
        self.border_subtitle = Content(words)

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        event.stop()
        if isinstance(self.content, Filterable):
            # Not called here: what a widget posts while its parent handles a message goes no further than the parent.
            self.content.call_later(self.content.filter, event.text)

    def on_filter_bar_closed(self, event: FilterBar.Closed) -> None:
        event.stop()
