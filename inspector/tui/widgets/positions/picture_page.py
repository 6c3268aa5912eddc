"""The pictures among the tokens of a row, under a grid of merged tokens or of patches: a cell leads to its token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from inspector.tui.ends import say_end
from inspector.tui.jobs import Job
from inspector.tui.leaving import leaving
from inspector.tui.widgets.cells import visible
from inspector.tui.widgets.line import Line
from inspector.tui.widgets.patch_drawing import Patches
from inspector.tui.widgets.patch_picture import PatchPicture

if TYPE_CHECKING:
    from inspector.analysis.conversation import Standing
    from inspector.tui.widgets.positions.picture import GridLook, TowerLook
    from inspector.tui.widgets.positions.square import SquareLook, SquareTower

    Look = GridLook | SquareLook

NONE = "There is no picture among these tokens."
NO_TOWER = "Which patches of the vision tower became these tokens cannot be told."


class PicturePage(Vertical):
    """One picture at a time. `fine` shows the patches of the vision tower with its windows, else merged tokens."""

    DEFAULT_CSS = """
    PicturePage {
        height: 1fr;
        & > #words { height: auto; max-height: 4; padding: 0 1; background: $panel; display: none; }
        & > #words.-some { display: block; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "right_parenthesis",
            "picture(1)",
            "Picture",
            key_display=")",
            id="positions.picture",
            tooltip="To the next picture, or frame of a video",
        ),
        Binding(
            "left_parenthesis",
            "picture(-1)",
            "Picture before",
            key_display="(",
            show=False,
            id="positions.picture_before",
            tooltip="To the picture or frame before",
        ),
    ]

    @dataclass
    class Pointed(Message):
        """The cursor stands on the picture of a token, by its index in the row; or it is `taken`, to go there."""

        index: int
        taken: bool = False

    @dataclass
    class Drawn(Message):
        """A picture was read."""

        number: int

    def __init__(self, *, fine: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._fine = fine
        self._pictures: Sequence[Look] = ()
        self._images: dict[int, Any] = {}
        self._number = 0
        self._marked: tuple[int, int] | None = None

    def compose(self) -> ComposeResult:
        yield Line(id="title")
        yield PatchPicture()
        yield Static(id="words", markup=False)

    @property
    def grid(self) -> Look | None:
        """The picture that is shown."""
        return self._pictures[self._number] if self._number < len(self._pictures) else None

    @property
    def tower(self) -> TowerLook | SquareTower | None:
        return self.grid.tower if self.grid is not None else None

    def show_pictures(self, pictures: Sequence[Look]) -> None:
        """Show other pictures, those of another step or row."""
        self._pictures, self._images, self._marked = pictures, {}, None
        self._number = min(self._number, max(len(pictures) - 1, 0))
        self._show()

    def point(self, standing: Standing | None) -> None:
        """Mark the place of a token, in the picture that it belongs to; a token of no picture marks nothing."""
        places = [] if standing is None else [grid.holds(standing) for grid in self._pictures]
        number = next((number for number, place in enumerate(places) if place is not None), None)
        self._marked = None if number is None else places[number]
        if number is not None:
            self._number = number
        self._show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return len(self._pictures) > 1 if action == "picture" else True

    def action_picture(self, by: int) -> None:
        """To another picture, and to its first token; at the end of the row, say so."""
        number = max(0, min(self._number + by, len(self._pictures) - 1))
        if number == self._number:
            say_end(self, "picture", by)
            return
        self._number, self._marked = number, (0, 0)
        self._show()
        picture = self.query_one(PatchPicture)
        with picture.prevent(PatchPicture.Chosen):
            picture.cursor = (0, 0)
        self._point((0, 0))

    def _show(self) -> None:
        picture, grid = self.query_one(PatchPicture), self.grid
        missing = NONE if grid is None else NO_TOWER if self._fine and self.tower is None else ""
        self.query_one("#title", Line).say(missing or self._title())
        picture.display = not missing
        if missing or grid is None:
            self._say("")
            return
        with picture.prevent(PatchPicture.Chosen):
            picture.patches = self._patches(grid)
            if self._marked is not None and not picture.has_focus:  # else the reader moves it
                picture.cursor = self._corner(self._marked)
        if self._number not in self._images:
            self.run_worker(self._read(self._number, grid), group="picture", exclusive=True)
        self._say(self._words())
        self.refresh_bindings()

    def _title(self) -> str:
        grid = self.grid
        assert grid is not None
        several = f"{self._number + 1} of {len(self._pictures)} · " if len(self._pictures) > 1 else ""
        shown = self.tower if self._fine and self.tower is not None else grid
        return f"{several}{grid.title}: {shown.shape}"

    def _patches(self, grid: Look) -> Patches:
        read, image = self._number in self._images, self._images.get(self._number)
        marked = [] if self._marked is None else [self._marked]
        if not self._fine or self.tower is None:
            return Patches(grid.rows, grid.columns, image, labels=grid.labels if read else None, marked=marked)
        merge = self.tower.merge
        cells = [
            (row * merge + down, column * merge + across)
            for row, column in marked
            for down in range(merge)
            for across in range(merge)
        ]
        tower, labels = self.tower, self.tower.labels if read else None
        return Patches(tower.rows, tower.columns, image, labels=labels, marked=cells, windows=tower.side)

    def _corner(self, place: tuple[int, int]) -> tuple[int, int]:
        """The cell of a merged token: itself, or the patch of it that the cursor is on, or its first."""
        if not self._fine or self.tower is None:
            return place
        merge, (row, column) = self.tower.merge, self.query_one(PatchPicture).cursor
        if (row // merge, column // merge) == place:
            return row, column
        return place[0] * merge, place[1] * merge

    def _words(self) -> str:
        """What is known of the patch under the cursor."""
        if not self._fine or self.tower is None:
            return ""
        row, column = self.query_one(PatchPicture).cursor
        return self.tower.words(min(row, self.tower.rows - 1), min(column, self.tower.columns - 1))

    def _say(self, text: str) -> None:
        words = self.query_one("#words", Static)
        words.update(visible(text))
        words.set_class(bool(text), "-some")

    async def _read(self, number: int, grid: Look) -> None:
        """Read a picture and what is written on it in a thread: it may be large, or in a file."""

        def read(_: Job[Any]) -> Any:
            shown = grid.tower if self._fine and grid.tower is not None else grid
            return shown.image, shown.labels

        image, _ = await Job("picture", read).start().result()
        if self.grid is grid:
            self._images[number] = image
            self.post_message(self.Drawn(number))

    def on_picture_page_drawn(self, event: PicturePage.Drawn) -> None:
        event.stop()
        if event.number == self._number and self.grid is not None and not leaving(self):
            picture = self.query_one(PatchPicture)
            with picture.prevent(PatchPicture.Chosen):
                picture.patches = self._patches(self.grid)

    @on(PatchPicture.Chosen)
    @on(PatchPicture.Opened)
    def _chosen(self, event: PatchPicture.Chosen | PatchPicture.Opened) -> None:
        event.stop()
        grid, row, column = self.grid, event.row, event.column
        if grid is None:
            return
        if self._fine and self.tower is not None:
            row, column = row // self.tower.merge, column // self.tower.merge
            self._say(self._words())
        self._point((row, column), taken=isinstance(event, PatchPicture.Opened))

    def _point(self, place: tuple[int, int], *, taken: bool = False) -> None:
        """Go to the token of a place in the picture, where the ids hold one."""
        index = None if self.grid is None else self.grid.token(*place)
        if index is not None:
            self.post_message(self.Pointed(index, taken))
