"""A picture with its patches laid over it, and a cursor that goes from patch to patch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive

from inspector.tui.widgets.canvas import Canvas, Size
from inspector.tui.widgets.half_blocks import CELL, Label
from inspector.tui.widgets.patch_drawing import Patches, Place, draw

if TYPE_CHECKING:
    from PIL.Image import Image

KEYS = (
    ("up,k", "move(-1, 0)", "up", "One patch up"),
    ("down,j", "move(1, 0)", "down", "One patch down"),
    ("left,h", "move(0, -1)", "left", "One patch to the left"),
    ("right,l", "move(0, 1)", "right", "One patch to the right"),
    ("home,g", "corner(0)", "first", "To the first patch"),
    ("end,G", "corner(1)", "last", "To the last patch"),
    ("enter", "open", "open", "Take the patch under the cursor"),
)


class PatchPicture(Canvas, can_focus=True):
    """Shows `patches`: patches of a vision tower, or merged tokens. Nothing for None.

    The cursor is drawn while the widget has the focus.
    """

    BINDING_GROUP_TITLE = "Picture"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, action, tooltip, show=False, id=f"patches.{name}", tooltip=tooltip)
        for key, action, name, tooltip in KEYS
    ]

    patches: reactive[Patches | None] = reactive(None, init=False, always_update=True)
    cursor: reactive[Place] = reactive((0, 0), init=False)

    @dataclass
    class Chosen(Message):
        """The cursor stands on a patch."""

        picture: PatchPicture
        row: int
        column: int

    @dataclass
    class Opened(Message):
        """A patch was taken, by enter or by a second click."""

        picture: PatchPicture
        row: int
        column: int

    def watch_patches(self) -> None:
        self.set_reactive(PatchPicture.cursor, self.validate_cursor(self.cursor))
        self.redraw()

    def validate_cursor(self, cursor: Place) -> Place:
        if self.patches is None:
            return cursor
        row, column = cursor
        return max(0, min(row, self.patches.rows - 1)), max(0, min(column, self.patches.columns - 1))

    def watch_cursor(self) -> None:
        self.redraw()
        if self.patches is not None:
            self.post_message(self.Chosen(self, *self.cursor))

    def fit(self, width: int, height: int) -> Size:
        if self.patches is None:
            return 0, 0
        across, down = self.patches.proportions
        scale = min(width / across, height / down)
        return int(across * scale), int(down * scale)

    def draw(self, width: int, height: int) -> Image:
        assert self.patches is not None
        return draw(self.patches, self.cursor if self.has_focus else None, width, height)

    def labels(self, width: int, height: int) -> list[Label]:
        """The texts of the patches where there is room for them; without colours, marks and the cursor too."""
        patches = self.patches
        if patches is None:
            return []
        found: list[Label] = []
        for row, line in enumerate(patches.labels or ()):
            for column, text in enumerate(line):
                left, top, right, bottom = patches.box((row, column), width, height)
                if text and len(text) < right - left and bottom - top >= CELL:
                    centre = (left + right - len(text)) // 2
                    found.append(Label(centre, (top + bottom - 1) // 2 // CELL, text))
        if self.app.no_color:
            found += [self._signed(place, "+", width, height) for place in patches.marked]
            found += [self._signed(self.cursor, "X", width, height)] if self.has_focus else []
        return found

    def on_focus(self) -> None:
        self.redraw()

    def on_blur(self) -> None:
        self.redraw()

    def on_click(self, event: events.Click) -> None:
        found = self._at(event)
        if found is None:
            return
        self.cursor = found
        if event.chain == 2:
            self.action_open()

    def action_move(self, down: int, across: int) -> None:
        row, column = self.cursor
        self.cursor = (row + down, column + across)

    def action_corner(self, last: int) -> None:
        if self.patches is not None:
            self.cursor = (last * self.patches.rows, last * self.patches.columns)

    def action_open(self) -> None:
        if self.patches is not None:
            self.post_message(self.Opened(self, *self.cursor))

    def _at(self, event: events.MouseEvent) -> Place | None:
        """The patch under the mouse."""
        offset, (width, height) = event.get_content_offset(self), self.fitted
        if offset is None or self.patches is None or offset.x >= width or CELL * offset.y >= height:
            return None
        return self.patches.at(offset.x, CELL * offset.y, width, height)

    def _signed(self, place: Place, sign: str, width: int, height: int) -> Label:
        assert self.patches is not None
        left, top, right, bottom = self.patches.box(place, width, height)
        return Label((left + right - 1) // 2, (top + bottom - 1) // 2 // CELL, sign, reverse=True)
