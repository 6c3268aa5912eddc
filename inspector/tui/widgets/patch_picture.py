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
from inspector.tui.widgets.patch_drawing import Box, Patches, Place, draw

if TYPE_CHECKING:
    from PIL.Image import Image

KEYS = (
    ("up,k", "move(-1, 0)", "up", "One patch up"),
    ("down,j", "move(1, 0)", "down", "One patch down"),
    ("left,h", "move(0, -1)", "left", "One patch to the left"),
    ("right,l", "move(0, 1)", "right", "One patch to the right"),
    ("home,g", "corner(0)", "first", "To the first patch"),
    ("end,G", "corner(1)", "last", "To the last patch"),
    ("plus,equals_sign", "zoom(1)", "closer", "Closer: half as many patches across and down"),
    ("minus", "zoom(-1)", "back", "Back: twice as many patches"),
    ("enter", "open", "open", "Take the patch under the cursor"),
)

FEWEST = 4
"""Patches across that are seen at least."""

ROOM = 4
"""Pixels across that a patch has to have for a text of its own."""


class PatchPicture(Canvas, can_focus=True):
    """Shows `patches`: patches of a vision tower, or merged tokens. Nothing for None.

    The cursor is drawn while the widget has the focus. `zoom` halves so many times what is seen at once, which follows
    the cursor.
    """

    BINDING_GROUP_TITLE = "Picture"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, action, tooltip, show=False, id=f"patches.{name}", tooltip=tooltip)
        for key, action, name, tooltip in KEYS
    ]

    patches: reactive[Patches | None] = reactive(None, init=False, always_update=True)
    cursor: reactive[Place] = reactive((0, 0), init=False)
    zoom: reactive[int] = reactive(0, init=False)

    _corner: Place = (0, 0)

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
        self.set_reactive(PatchPicture.zoom, self.validate_zoom(self.zoom))
        self.redraw()

    def validate_cursor(self, cursor: Place) -> Place:
        if self.patches is None:
            return cursor
        row, column = cursor
        return max(0, min(row, self.patches.rows - 1)), max(0, min(column, self.patches.columns - 1))

    def validate_zoom(self, zoom: int) -> int:
        across = 0 if self.patches is None else min(self.patches.rows, self.patches.columns)
        return max(0, min(zoom, (across // FEWEST).bit_length() - 1))

    def watch_zoom(self) -> None:
        """Have the cursor in the middle."""
        if self.patches is not None:
            (row, column), (rows, columns) = self.cursor, self._seen(self.patches)
            self._corner = row - rows // 2, column - columns // 2
        self.redraw()

    @property
    def shown(self) -> Patches | None:
        """What is seen of the patches: all of them, or a part with the cursor in it."""
        patches = self.patches
        if patches is None or not self.zoom:
            return patches
        (row, column), (rows, columns), (top, left) = self.cursor, self._seen(patches), self._corner
        top, left = max(row - rows + 1, min(top, row)), max(column - columns + 1, min(left, column))
        self._corner = max(0, min(top, patches.rows - rows)), max(0, min(left, patches.columns - columns))
        return patches.part(self._corner, rows, columns)

    def _seen(self, patches: Patches) -> Place:
        """How many rows and columns are seen at once."""
        return -(-patches.rows >> self.zoom) or 1, -(-patches.columns >> self.zoom) or 1

    def watch_cursor(self) -> None:
        self.redraw()
        if self.patches is not None:
            self.post_message(self.Chosen(self, *self.cursor))

    def fit(self, width: int, height: int) -> Size:
        patches = self.shown
        if patches is None:
            return 0, 0
        across, down = patches.proportions
        scale = min(width / across, height / down)
        return int(across * scale), int(down * scale)

    def draw(self, width: int, height: int) -> Image:
        patches = self.shown
        assert patches is not None
        return draw(patches, self._inside(patches) if self.has_focus else None, width, height)

    def labels(self, width: int, height: int) -> list[Label]:
        """The texts of the patches where there is room for them; without colours, marks and the cursor too."""
        patches = self.shown
        if patches is None:
            return []
        found: list[Label] = []
        for row, line in enumerate(patches.labels or ()):
            for column, text in enumerate(line):
                left, top, right, bottom = self._room(patches, row, column, width, height)
                if text and len(text) < right - left and bottom - top >= CELL:
                    centre = (left + right - len(text)) // 2
                    found.append(Label(centre, (top + bottom - 1) // 2 // CELL, text))
        if self.app.no_color:
            found += [_signed(patches, place, "+", width, height) for place in patches.marked]
            found += [_signed(patches, self._inside(patches), "X", width, height)] if self.has_focus else []
        return found

    def _inside(self, patches: Patches) -> Place:
        """The cursor's place in what is seen."""
        return self.cursor[0] - patches.origin[0], self.cursor[1] - patches.origin[1]

    @staticmethod
    def _room(patches: Patches, row: int, column: int, width: int, height: int) -> Box:
        """Where a patch's text may stand: in the patch, and the first patch of a window in all of that, if need be."""
        own = patches.box((row, column), width, height)
        side, (down, across) = patches.windows, patches.origin
        if not side or (row + down) % side or (column + across) % side or own[2] - own[0] > ROOM:
            return own
        last = min(row + side, patches.rows) - 1, min(column + side, patches.columns) - 1
        return (*own[:2], *patches.box(last, width, height)[2:])

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

    def action_zoom(self, by: int) -> None:
        self.zoom += by

    def _at(self, event: events.MouseEvent) -> Place | None:
        """The patch under the mouse."""
        offset, (width, height), patches = event.get_content_offset(self), self.fitted, self.shown
        if offset is None or patches is None or offset.x >= width or CELL * offset.y >= height:
            return None
        row, column = patches.at(offset.x, CELL * offset.y, width, height)
        return row + patches.origin[0], column + patches.origin[1]


def _signed(patches: Patches, place: Place, sign: str, width: int, height: int) -> Label:
    left, top, right, bottom = patches.box(place, width, height)
    return Label((left + right - 1) // 2, (top + bottom - 1) // 2 // CELL, sign, reverse=True)
