"""A list of lines of which only the visible ones are drawn: the base of every list, tree and table on the screen.

It knows the cursor, the keys, the mouse and the scrolling; a subclass says how many lines there are and draws one.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from inspector.tui.abstract import AbstractWidget


class VirtualList(ScrollView, metaclass=AbstractWidget, can_focus=True):
    """Lines under a cursor. `draw` is asked for the lines on screen and no others."""

    DEFAULT_CSS = """
    VirtualList {
        background: $surface;
        color: $foreground;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        & > .list--cursor { background: $block-cursor-blurred-background; }
        & > .list--header { color: $text-muted; background: $panel; }
        & > .list--quiet { color: $text-muted; }
        & > .list--second { color: $text-secondary; }
        & > .list--accent { color: $text-accent; }
        & > .list--loud { color: $text-error; text-style: bold; }
        & > .list--badge { color: $background; background: $error; text-style: bold; }
        &:focus > .list--cursor { background: $block-cursor-background; text-style: bold; }
        &:nocolor > .list--cursor { text-style: underline; }
        &:nocolor:focus > .list--cursor { text-style: reverse; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "list--cursor",
        "list--header",
        "list--quiet",
        "list--second",
        "list--accent",
        "list--loud",
        "list--badge",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "cursor(-1)", "Up", show=False, id="list.up", tooltip="To the line above"),
        Binding("down,j", "cursor(1)", "Down", show=False, id="list.down", tooltip="To the line below"),
        Binding("pageup,ctrl+u", "page(-1)", "Page up", show=False, id="list.page_up", tooltip="One screen up"),
        Binding("pagedown,ctrl+d", "page(1)", "Page down", show=False, id="list.page_down", tooltip="One screen down"),
        Binding("home,g", "first", "First", show=False, id="list.first", tooltip="To the first line"),
        Binding("end,G", "last", "Last", show=False, id="list.last", tooltip="To the last line"),
        Binding("enter", "open", "Open", show=False, id="list.open", tooltip="Go into the line under the cursor"),
    ]

    headed: int = 0
    """How many lines stay on top while the others scroll; `head` is the text of a single one."""

    cursor: reactive[int] = reactive(0, repaint=False, init=False)
    row_count: reactive[int] = reactive(0)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._inks: dict[str, Style] = {}
        self._base = Style()

    @abstractmethod
    def draw(self, row: int, width: int) -> Iterable[Segment]:
        """The line `row`, `width` cells wide. Styles carry no background: the cursor's must shine through."""

    def head(self, width: int) -> str:
        """The line on top of a list that is `headed`."""
        return ""

    def draw_head(self, row: int, width: int) -> Iterable[Segment]:
        """One of the lines on top."""
        yield Segment(self.head(width))

    def moved(self) -> None:
        """The cursor stands on another line, or another line came under it."""

    def opened(self) -> None:
        """Enter, or a second click on the line under the cursor."""

    def hint(self, row: int) -> str | None:
        """What the mouse's tooltip says about a line."""
        return None

    def line_width(self) -> int:
        """Cells that a line needs. More than the widget has, and it scrolls sideways."""
        return 0

    def ink(self, name: str = "") -> Style:
        """The colours of a part of a line (`quiet`, `second`, `accent`, `loud`) without the background.

        `badge` keeps its background: it is meant to stand out, under the cursor too.
        """
        if name not in self._inks:
            self._inks[name] = self._ink(name)
        return self._inks[name]

    def _ink(self, name: str) -> Style:
        if not name:
            return Style()
        style = self.get_component_rich_style(f"list--{name}")
        if name in ("badge", "cursor", "header"):
            return style
        return Style(color=style.color, bold=style.bold, italic=style.italic, underline=style.underline)

    def notify_style_update(self) -> None:
        self._inks.clear()
        super().notify_style_update()

    @property
    def visible_rows(self) -> int:
        """Lines between the header and the lower edge."""
        return max(1, self.scrollable_content_region.height - self.headed)

    def set_rows(self, count: int, cursor: int | None = None) -> None:
        """Show `count` lines, with the cursor on line `cursor`, or where it was."""
        self.row_count = count
        self._measure()
        self.refresh()
        wanted = self.cursor if cursor is None else cursor
        if self.validate_cursor(wanted) == self.cursor:
            self.cursor = wanted
            self._show_cursor()
            self.moved()
        else:
            self.cursor = wanted

    def extend_rows(self, count: int) -> None:
        """Show `count` lines, more than before; the cursor and what is under it stay."""
        self.row_count = count
        self._measure()

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, self.row_count - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        self.refresh_lines(old + self.headed)
        self.refresh_lines(new + self.headed)
        self._show_cursor()
        self.moved()

    def render_lines(self, crop: Region) -> list[Strip]:
        self._base = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        full = max(width, self.virtual_size.width)
        base = self._base
        left, top = self.scroll_offset
        if y < self.headed:
            style = base + self.ink("header")
            return Strip(self.draw_head(y, full)).apply_style(style).crop_extend(left, left + width, style)
        row = top + y - self.headed
        if not 0 <= row < self.row_count:
            return Strip.blank(width, base)
        if row == self.cursor:
            base = base + self.ink("cursor")
        return Strip(self.draw(row, full)).apply_style(base).crop_extend(left, left + width, base)

    def action_cursor(self, by: int) -> None:
        self.cursor += by

    def action_page(self, by: int) -> None:
        self.cursor += by * self.visible_rows

    def action_first(self) -> None:
        self.cursor = 0

    def action_last(self) -> None:
        self.cursor = self.row_count - 1

    def action_open(self) -> None:
        if self.row_count:
            self.opened()

    def row_at(self, event: events.MouseEvent) -> int | None:
        """The line under the mouse, None beside the lines."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y < self.headed:
            return None
        row = self.scroll_offset.y + offset.y - self.headed
        return row if row < self.row_count else None

    def on_click(self, event: events.Click) -> None:
        row = self.row_at(event)
        if row is None:
            return
        if row == self.cursor and event.chain > 1:
            self.opened()
        self.cursor = row

    def on_mouse_move(self, event: events.MouseMove) -> None:
        row = self.row_at(event)
        hint = None if row is None else self.hint(row)
        self.tooltip = None if hint is None else Content(hint)

    def on_resize(self) -> None:
        self._measure()
        self._show_cursor()

    def _measure(self) -> None:
        self.virtual_size = Size(self.line_width(), self.row_count + self.headed)

    def _show_cursor(self) -> None:
        """Scroll no further than it takes to see the cursor. `force`: also before the scrollbar has been laid out."""
        if not self.is_mounted or not self.row_count:
            return
        top, visible = round(self.scroll_y), self.visible_rows
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, immediate=True, force=True)
        elif self.cursor >= top + visible:
            self.scroll_to(y=self.cursor - visible + 1, animate=False, immediate=True, force=True)
