"""A heatmap of numbers over two axes, from the whole of them down to one cell, and one number, each.

The widget reads only what it shows, in a thread, and keeps showing the last picture until the next one is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from inspector.analysis.tensors import REDUCTIONS, Reduction
from inspector.tui.jobs import Job
from inspector.tui.widgets import heatmap_lines as lines
from inspector.tui.widgets.cells import visible
from inspector.tui.widgets.heatmap_painter import Colours, Painter
from inspector.tui.widgets.palette import Palette
from inspector.tui.widgets.pictures import Look, Picture, read
from inspector.tui.widgets.planes import Plane
from inspector.tui.widgets.viewport import Window

KEYS = (
    ("up,k", "move(-1, 0)", "up", "One cell up"),
    ("down,j", "move(1, 0)", "down", "One cell down"),
    ("left,h", "move(0, -1)", "left", "One cell to the left"),
    ("right,l", "move(0, 1)", "right", "One cell to the right"),
    ("pageup,K", "page(-1, 0)", "page_up", "One screen up"),
    ("pagedown,J", "page(1, 0)", "page_down", "One screen down"),
    ("H", "page(0, -1)", "page_left", "One screen to the left"),
    ("L", "page(0, 1)", "page_right", "One screen to the right"),
    ("home,g", "corner(0)", "first", "To the first value"),
    ("end,G", "corner(1)", "last", "To the last value"),
    ("plus,equals_sign", "zoom(1)", "zoom_in", "Finer cells, then the numbers"),
    ("minus", "zoom(-1)", "zoom_out", "Coarser cells"),
    ("w", "whole", "whole", "Show all of it"),
    ("v", "numbers", "values", "Exact values, or colours"),
    ("m", "reduction", "reduction", "What a cell of many values shows"),
    ("less_than_sign", "contrast(0.5)", "narrow", "Colours for a smaller range"),
    ("greater_than_sign", "contrast(2)", "wide", "Colours for a larger range"),
    ("d", "centre", "centre", "Colours around 0, or from the least to the greatest value"),
)
NARROWEST = 4
"""Cells of a number to begin with; the column widens when longer ones come up."""

GROUND = 0.07
"""How far the colour of 0 is from the background, so that one sees where the plane ends."""

FOOTER = {"zoom_in": "Zoom in", "zoom_out": "Zoom out", "values": "Values"}
"""The bindings that the footer shows, and how it calls them."""


class HeatMap(Widget, can_focus=True):
    """Shows a `Plane`. `numbers` writes the exact values instead, on the same colours."""

    DEFAULT_CSS = """
    HeatMap {
        height: 1fr;
        min-height: 3;
        background: $surface;
        & > .heatmap--quiet { color: $text-muted; }
        & > .heatmap--loud { color: $text-error; text-style: bold; }
        & > .heatmap--cursor { color: $background; background: $foreground; }
        &:focus > .heatmap--quiet { color: $foreground; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"heatmap--quiet", "heatmap--loud", "heatmap--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, action, FOOTER.get(name, tooltip), name in FOOTER, id=f"heatmap.{name}", tooltip=tooltip)
        for key, action, name, tooltip in KEYS
    ]

    plane: reactive[Plane | None] = reactive(None, init=False, always_update=True)
    numbers: reactive[bool] = reactive(False, init=False)
    reduction: reactive[Reduction] = reactive("extreme", init=False)
    centred: reactive[bool] = reactive(True, init=False)

    @dataclass
    class Pointed(Message):
        """The cursor stands on an element of the plane."""

        row: int
        column: int

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.window = Window.over(0, 0)
        self.picture: Picture | None = None
        self._wanted: Look | None = None
        self._reading: Plane | None = None
        self._problem = ""
        self._contrast = 1.0
        self._width = NARROWEST
        self._painted: tuple[tuple[object, ...], list[Strip]] = ((), [])
        self._painter = Painter()

    @property
    def pointed(self) -> tuple[str, Any] | None:
        """Index and value of the element under the cursor, to be copied."""
        if self.picture is None or self.picture.found is None:
            return None
        row, column, value = self.picture.found
        return self.picture.look.plane.where(row, column), value

    def watch_plane(self, plane: Plane | None) -> None:
        """Another plane of the same size is looked at in the same place."""
        size = (0, 0) if plane is None else (plane.rows, plane.columns)
        if size != self.window.size:
            self.window, self.picture = Window.over(*size), None
        self._contrast, self._width, self._problem = 1.0, NARROWEST, ""
        self.look()

    def on_mount(self) -> None:
        for name in ("numbers", "reduction", "centred"):
            self.watch(self, name, self._again, init=False)
        if self.plane is not None:
            self.watch_plane(self.plane)

    def on_resize(self) -> None:
        self.look()

    def _again(self) -> None:
        self.look()

    def look(self, window: Window | None = None) -> None:
        """Show what stands in `window`, or what stood there so far."""
        before = self.window
        self.window = self._fitted(window or before)
        if self.window.cursor != before.cursor:
            self.post_message(self.Pointed(*self.window.cursor))
        if self.plane is None or 0 in self.window.size or not self.size.area:
            self._wanted, self.picture = None, None
        else:
            self._wanted = Look(self.plane, self.window, self.reduction, self.numbers, self.centred)
            if self._reading is not self.plane:  # a plane that was left may take its time, nobody waits for it
                self._reading = self.plane
                self.run_worker(self._read(self.plane), group="cells", exclusive=True)
        if self._wanted is None:
            self.refresh()

    def action_move(self, down: int, across: int) -> None:
        self.look(self.window.moved(down, across))

    def action_page(self, down: int, across: int) -> None:
        self.look(self.window.paged(down, across))

    def action_corner(self, last: int) -> None:
        rows, columns = self.window.size
        self.look(self.window.at(last * rows, last * columns))

    def action_zoom(self, by: int) -> None:
        """Finer or coarser; finer than a cell a value are the numbers."""
        if self.numbers or (by > 0 and self.window.finest):
            self.numbers = by > 0
        else:
            self.look(self.window.zoomed(by))

    def action_whole(self) -> None:
        self.numbers = False
        self.look(self.window.whole())

    def action_numbers(self) -> None:
        self.numbers = not self.numbers

    def action_reduction(self) -> None:
        self.reduction = REDUCTIONS[(REDUCTIONS.index(self.reduction) + 1) % len(REDUCTIONS)]

    def action_contrast(self, factor: float) -> None:
        self._contrast *= factor
        self.refresh()

    def action_centre(self) -> None:
        self.centred = not self.centred

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None or self.picture is None:
            return
        row, column = lines.element_at(self.picture, offset.x, offset.y, self._width, glyphs=self.app.no_color)
        self.look(self.window.at(row, column))
        if event.chain == 2:
            self.action_zoom(1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._wheel(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._wheel(event, -1)

    def render_line(self, y: int) -> Strip:
        strips = self._strips()
        return strips[y] if y < len(strips) else Strip.blank(self.size.width, self.rich_style)

    def _strips(self) -> list[Strip]:
        """The lines of the widget, made once for what they show."""
        key = (self.picture, self.size, self.app.theme, self.has_focus, self._contrast, self._problem)
        if self._painted[0] != key:
            self._painted = (key, self._paint())
        return self._painted[1]

    def palette(self) -> Palette:
        """The colours of cells on this theme."""
        ground = self.background_colors[1].blend(self.colors[3], GROUND)
        return Palette(ground.rgb, self.app.current_theme.dark)

    def _wheel(self, event: events.MouseEvent, by: int) -> None:
        """Moves up and down, with shift to the sides, with control in and out."""
        event.stop()
        if event.ctrl:
            self.action_zoom(-by)
        elif event.shift:
            self.action_move(0, 4 * by)
        else:
            self.action_move(4 * by, 0)

    async def _read(self, plane: Plane) -> None:
        """Answer the last question on a plane, and go on until no other was asked meanwhile."""
        try:
            while (look := self._wanted) is not None and look.plane is plane:
                self._wanted = None
                await self._answer(look)
                self._repaint()
        finally:
            if self._reading is plane:
                self._reading = None

    async def answer(self, look: Look, before: Picture | None) -> Picture:
        """What a question is answered with, read in a thread; `before` is the last answer."""
        return await Job("cells", lambda _: read(look, before)).start().result()

    def _repaint(self) -> None:
        """Paint the lines that are others now: where the cursor alone has moved, few are."""
        before, size = self._painted[1], self.size
        after = self._strips()
        if len(before) != len(after) or len(after) > size.height:
            self.refresh()
            return
        lines = [y for y, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]
        if lines:
            self.refresh(*(Region(0, y, size.width, 1) for y in lines))

    async def _answer(self, look: Look) -> None:
        before = self.picture
        try:
            picture = await self.answer(look, before)
        except Exception as error:  # a file that has gone, a device that failed: said in place of the picture
            if look.plane is self.plane:
                self.picture, self._problem = None, f"These values cannot be read: {error}"
            return
        if look.plane is self.plane:
            self.picture, self._problem = picture, ""
            width = lines.number_width(picture.values)
            if width > self._width:  # fewer columns fit than were thought
                self._width = width
                self.look()

    def _fitted(self, window: Window) -> Window:
        height, width = self.size.height - 2, self.size.width
        if self.numbers:
            across = (width - lines.gutter(window.rows)) // self._width
            return window.fitted(height - 1, across, exact=True)
        return window.fitted(height if self.app.no_color else 2 * height, width)

    def _paint(self) -> list[Strip]:
        if self.picture is None:
            loud = self.rich_style + self.get_component_rich_style("heatmap--loud", partial=True)
            return [Strip([Segment(visible(self._problem), loud)]).crop_extend(0, self.size.width, self.rich_style)]
        colours = Colours(
            self.rich_style,
            self.get_component_rich_style("heatmap--quiet", partial=True),
            self.get_component_rich_style("heatmap--cursor"),
            None if self.app.no_color else self.palette(),
        )
        scale = self.picture.scale.times(self._contrast)
        return list(self._painter.paint(self.picture, scale, colours, self.size.width, self._width))
