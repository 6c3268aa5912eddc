"""Pieces of text in lines, with a cursor that goes from piece to piece: the base of everything that shows tokens as
running text. Only the visible lines are drawn.
"""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_right
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
from inspector.tui.widgets.token_items import Piece


class Flow(ScrollView, metaclass=AbstractWidget, can_focus=True):
    """A subclass puts pieces into `lines`, each with its number, and draws one; `arranged` shows what it has put there.

    A line may take several rows of the screen (`tall`), and rows at the lower edge may stay in place (`foot`).
    """

    DEFAULT_CSS = """
    Flow {
        height: 1fr;
        background: $surface;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
    }
    """
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

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.lines: list[list[Piece]] = []
        self.starts: list[int] = []
        self._inks: dict[str, Style] = {}
        self.tall = 1
        self.foot = 0
        self._base = Style()

    @property
    @abstractmethod
    def count(self) -> int:
        """How many pieces there are to go to."""

    @abstractmethod
    def draw(self, piece: Piece, row: int) -> Segment:
        """One row of a piece, from 0 to `tall`."""

    @abstractmethod
    def break_lines(self) -> None:
        """Break the pieces into lines again: the widget has another size."""

    def draw_foot(self, row: int, width: int) -> list[Segment]:
        """A row at the lower edge that does not scroll."""
        return []

    def moved(self) -> None:
        """The cursor stands on another piece."""

    def hint(self, number: int) -> str | None:
        """What the mouse's tooltip says about a piece."""
        return None

    @property
    def room(self) -> int:
        """Cells of a line."""
        return max(self.scrollable_content_region.width, 1)

    def ink(self, name: str) -> Style:
        """The style of a component class."""
        if name not in self._inks:
            self._inks[name] = self.get_component_rich_style(name)
        return self._inks[name]

    def notify_style_update(self) -> None:
        self._inks.clear()
        super().notify_style_update()

    def arranged(self, since: int = 0) -> None:
        """`lines` and `starts` have changed, from line `since` on."""
        self.virtual_size = Size(0, len(self.lines) * self.tall + self.foot)
        self.show_cursor()
        if since > 0:
            self.refresh_lines(since * self.tall, (len(self.lines) - since) * self.tall)
        else:
            self.refresh()

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, self.count - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        for number in (old, new):
            self.refresh_piece(number)
        self.show_cursor()
        if self.count:
            self.moved()

    def on_resize(self) -> None:
        self.break_lines()

    def render_lines(self, crop: Region) -> list[Strip]:
        self._base = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        width, base = self.scrollable_content_region.width, self._base
        foot = y - (self.scrollable_content_region.height - self.foot)
        if foot >= 0:
            segments = self.draw_foot(foot, width)
        else:
            number, row = divmod(self.scroll_offset.y + y, self.tall)
            pieces = self.lines[number] if number < len(self.lines) else []
            segments = [self.draw(piece, row) for piece in pieces]
        return Strip(segments).apply_style(base).crop_extend(0, width, base)

    def action_move(self, by: int) -> None:
        self.cursor += by

    def action_line(self, by: int) -> None:
        """To the piece above or below, in the same column where there is one."""
        if not self.lines:
            return
        line, start = self.place(self.cursor)
        pieces = self.lines[max(0, min(line + by, len(self.lines) - 1))]
        self.cursor = next((piece for piece in reversed(pieces) if piece.start <= start), pieces[0]).number

    def action_page(self, by: int) -> None:
        self.action_line(by * max(self._height // self.tall, 1))

    def action_end(self, last: int) -> None:
        self.cursor = last * self.count

    def on_click(self, event: events.Click) -> None:
        found = self.at(event)
        if found is not None:
            self.cursor = found

    def on_mouse_move(self, event: events.MouseMove) -> None:
        found = self.at(event)
        hint = None if found is None else self.hint(found)
        self.tooltip = None if hint is None else Content(hint)

    def place(self, number: int) -> tuple[int, int]:
        """The line of a piece, and the cell where it starts."""
        line = max(bisect_right(self.starts, number) - 1, 0)
        pieces = self.lines[line]
        return line, pieces[min(number - self.starts[line], len(pieces) - 1)].start

    def at(self, event: events.MouseEvent) -> int | None:
        """The piece under the mouse."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y >= self._height:
            return None
        line = (self.scroll_offset.y + offset.y) // self.tall
        pieces = [piece for piece in self.lines[line] if piece.start <= offset.x] if line < len(self.lines) else []
        return pieces[-1].number if pieces else None

    def show_cursor(self) -> None:
        """Scroll no further than it takes to see the cursor. `force`: also before the scrollbar has been laid out."""
        if not self.lines or not self.is_mounted:
            return
        first, top = self.place(self.cursor)[0] * self.tall, round(self.scroll_y)
        if first < top:
            self.scroll_to(y=first, animate=False, immediate=True, force=True)
        elif first + self.tall > top + self._height > 0:
            self.scroll_to(y=first + self.tall - self._height, animate=False, immediate=True, force=True)

    def refresh_piece(self, number: int) -> None:
        """Draw the line of a piece again."""
        if self.lines:
            self.refresh_lines(self.place(number)[0] * self.tall, self.tall)

    @property
    def _height(self) -> int:
        """Rows above the foot."""
        return self.scrollable_content_region.height - self.foot
