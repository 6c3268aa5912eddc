"""The tokens of a row as running text, each on a ground of its own, so that one sees where they part."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from inspector.tui.widgets.token_items import Item, Piece, lines


class TokenFlow(ScrollView, can_focus=True):
    """Items in lines; only the visible lines are drawn."""

    DEFAULT_CSS = """
    TokenFlow {
        height: 1fr;
        background: $surface;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        & > .flow--even { background: $foreground 7%; }
        & > .flow--odd { background: $foreground 15%; }
        & > .flow--text { color: $foreground; }
        & > .flow--special { color: $text-secondary; }
        & > .flow--image { color: $text-accent; text-style: bold; }
        & > .flow--video { color: $text-success; text-style: bold; }
        & > .flow--pad { color: $text-muted; }
        & > .flow--cursor { color: $block-cursor-blurred-foreground; background: $primary 45%; text-style: bold; }
        &:focus > .flow--cursor { color: $background; background: $primary; text-style: bold; }
        &:nocolor > .flow--cursor { text-style: reverse; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "flow--even",
        "flow--odd",
        "flow--text",
        "flow--special",
        "flow--image",
        "flow--video",
        "flow--pad",
        "flow--cursor",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1)", "Left", show=False, id="flow.left", tooltip="To the token before"),
        Binding("right,l", "move(1)", "Right", show=False, id="flow.right", tooltip="To the next token"),
        Binding("up,k", "line(-1)", "Up", show=False, id="flow.up", tooltip="One line up"),
        Binding("down,j", "line(1)", "Down", show=False, id="flow.down", tooltip="One line down"),
        Binding("pageup,ctrl+u", "page(-1)", "Page up", show=False, id="flow.page_up", tooltip="One screen up"),
        Binding("pagedown,ctrl+d", "page(1)", "Page down", show=False, id="flow.page_down", tooltip="One screen down"),
        Binding("home,g", "end(0)", "First", show=False, id="flow.first", tooltip="To the first token"),
        Binding("end,G", "end(1)", "Last", show=False, id="flow.last", tooltip="To the last token"),
    ]

    cursor: reactive[int] = reactive(0, repaint=False, init=False)

    @dataclass
    class Moved(Message):
        """The cursor stands on an item."""

        number: int

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._items: Sequence[Item] = []
        self._lines: list[list[Piece]] = []
        self._starts: list[int] = []
        self._quiet: Collection[int] = ()

    def show_items(self, items: Sequence[Item], cursor: int = 0) -> None:
        """Show other items, with the cursor on one of them."""
        self._items = items
        self._lay_out()
        self.set_reactive(TokenFlow.cursor, self.validate_cursor(cursor))
        self._show_cursor()
        self.refresh()

    def quieten(self, numbers: Collection[int]) -> None:
        """Draw these items faintly: those that a filter leaves out."""
        self._quiet = numbers
        self.refresh()

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, len(self._items) - 1))

    def watch_cursor(self) -> None:
        self._show_cursor()
        self.refresh()
        if self._items:
            self.post_message(self.Moved(self.cursor))

    def on_resize(self) -> None:
        self._lay_out()
        self._show_cursor()

    def render_line(self, y: int) -> Strip:
        width, base = self.scrollable_content_region.width, self.rich_style
        line = self.scroll_offset.y + y
        pieces = self._lines[line] if line < len(self._lines) else []
        segments = [Segment(piece.text, self._style(piece)) for piece in pieces]
        return Strip(segments).apply_style(base).crop_extend(0, width, base)

    def action_move(self, by: int) -> None:
        self.cursor += by

    def action_line(self, by: int) -> None:
        """To the item above or below, in the same column where there is one."""
        if not self._lines:
            return
        line, start = self._place(self.cursor)
        self._to(max(0, min(line + by, len(self._lines) - 1)), start)

    def action_page(self, by: int) -> None:
        self.action_line(by * self.scrollable_content_region.height)

    def action_end(self, last: int) -> None:
        self.cursor = last * len(self._items)

    def on_click(self, event: events.Click) -> None:
        found = self._at(event)
        if found is not None:
            self.cursor = found

    def on_mouse_move(self, event: events.MouseMove) -> None:
        found = self._at(event)
        self.tooltip = None if found is None else Content(describe(self._items[found]))

    def _style(self, piece: Piece) -> Style:
        if piece.number == self.cursor:
            return self.get_component_rich_style("flow--cursor")
        kind = "pad" if piece.number in self._quiet else self._items[piece.number].token.kind
        ground = self.get_component_rich_style("flow--even" if piece.number % 2 else "flow--odd")
        front = self.get_component_rich_style(f"flow--{kind}")
        return Style(color=front.color, bgcolor=ground.bgcolor, bold=front.bold)

    def _lay_out(self) -> None:
        width = max(self.scrollable_content_region.width, 1)
        self._lines = lines(self._items, width)
        self._starts = [line[0].number for line in self._lines]
        self.virtual_size = Size(0, len(self._lines))

    def _place(self, number: int) -> tuple[int, int]:
        """The line of an item, and the cell where it starts."""
        line = max(bisect_right(self._starts, number) - 1, 0)
        return line, self._lines[line][number - self._starts[line]].start

    def _to(self, line: int, start: int) -> None:
        pieces = self._lines[line]
        self.cursor = next((piece for piece in reversed(pieces) if piece.start <= start), pieces[0]).number

    def _at(self, event: events.MouseEvent) -> int | None:
        offset = event.get_content_offset(self)
        line = None if offset is None else self.scroll_offset.y + offset.y
        if offset is None or line is None or line >= len(self._lines):
            return None
        pieces = [piece for piece in self._lines[line] if piece.start <= offset.x]
        return pieces[-1].number if pieces else None

    def _show_cursor(self) -> None:
        if not self._lines or not self.is_mounted:
            return
        line, top, height = self._place(self.cursor)[0], round(self.scroll_y), self.scrollable_content_region.height
        if line < top:
            self.scroll_to(y=line, animate=False, immediate=True)
        elif line >= top + height > 0:
            self.scroll_to(y=line - height + 1, animate=False, immediate=True)


def describe(item: Item) -> str:
    """A token in a few lines, for a tooltip."""
    position = f"\nposition {', '.join(item.position)}" if item.position else ""
    return f"{item.text.strip()}\ntoken {item.index} · id {item.token.id} · {item.token.kind}{position}"
