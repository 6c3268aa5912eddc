"""Which axes of a tensor the heatmap shows, and where on the others: one line that can be clicked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from inspector.tui.widgets.cells import fit
from inspector.tui.widgets.slicing import Slicing

DOWN, ACROSS = "↓", "→"


class AxesBar(Widget):
    """`[0, 3/16, ↓476, →476]`: the axis of the rows, that of the columns, and indices, the active one marked."""

    DEFAULT_CSS = """
    AxesBar {
        height: 1;
        background: $panel;
        & > .axes--axis { color: $text-secondary; text-style: bold; }
        & > .axes--active { color: $text-accent; text-style: bold underline; }
        & > .axes--quiet { color: $text-muted; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"axes--axis", "axes--active", "axes--quiet"}

    slicing: reactive[Slicing] = reactive(Slicing.of(()))

    @dataclass
    class Changed(Message):
        """Another plane was chosen."""

        slicing: Slicing

    def on_mount(self) -> None:
        self.tooltip = "Click an index to step along it, an axis to choose other axes"

    def change(self, slicing: Slicing) -> None:
        """Choose a plane, as a user does."""
        if slicing != self.slicing:
            self.slicing = slicing
            self.post_message(self.Changed(slicing))

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        quiet = self.get_component_rich_style("axes--quiet", partial=True)
        segments = [Segment("[", quiet)]
        for axis, text in self._fields():
            style = self.get_component_rich_style(f"axes--{self._part(axis)}", partial=True)
            segments += [Segment(text, style), Segment(", ", quiet)]
        segments[-1 if len(segments) > 1 else len(segments) :] = [Segment("]", quiet)]
        used = sum(len(segment.text) for segment in segments)
        segments.append(Segment(fit(self._keys(), max(self.size.width - used, 0), right=True), quiet))
        return Strip(segments).apply_style(base).crop_extend(0, self.size.width, base)

    def on_click(self, event: events.Click) -> None:
        axis = self._axis_at(event)
        if axis is None:
            return
        if axis in (self.slicing.rows, self.slicing.columns):
            self.change(self.slicing.next_axes())
        else:
            self.change(self.slicing.stepped(-1 if event.shift else 1, axis))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._wheel(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._wheel(event, -1)

    def _wheel(self, event: events.MouseEvent, by: int) -> None:
        event.stop()
        axis = self._axis_at(event)
        if axis in self.slicing.others:
            self.change(self.slicing.stepped(by, axis))

    def _axis_at(self, event: events.MouseEvent) -> int | None:
        offset = event.get_content_offset(self)
        start = 1
        for axis, text in self._fields():
            if offset is not None and start <= offset.x < start + len(text):
                return axis
            start += len(text) + 2
        return None

    def _fields(self) -> list[tuple[int, str]]:
        return [(axis, self._field(axis)) for axis in range(len(self.slicing.shape))]

    def _field(self, axis: int) -> str:
        size = self.slicing.shape[axis]
        if axis in (self.slicing.rows, self.slicing.columns):
            return f"{DOWN if axis == self.slicing.rows else ACROSS}{size}"
        index = self.slicing.indices[axis]
        return f"{index}/{size}" if size > 1 else str(index)

    def _part(self, axis: int) -> str:
        if axis in (self.slicing.rows, self.slicing.columns):
            return "axis"
        return "active" if axis == self.slicing.active and self.slicing.shape[axis] > 1 else "quiet"

    def _keys(self) -> str:
        """A reminder of the keys, as far as they do anything here."""
        steps = " , . step" if self.slicing.active is not None and self.slicing.shape[self.slicing.active] > 1 else ""
        return f"{steps} a axes" if len(self.slicing.shape) > 2 else steps
