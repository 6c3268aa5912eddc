"""A picture under its patches, as pixels: a grid, a number a patch as colour, marked patches and a cursor. No widgets.

Numbers are drawn from a cold, thin colour to a hot, thick one; what is largest is hottest.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

SMALLEST = 4
"""Pixels of a patch from which on lines are drawn around it."""

SHEET = 190
"""Grey of the sheet that stands for a picture that is not at hand."""

CURSOR = (255, 255, 255), (20, 22, 26)
"""A frame and its seam: one of them stands out on any ground."""

WINDOW = (255, 80, 60)
"""The colour of lines between windows."""

MARK = (60, 220, 235)

Place = tuple[int, int]
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Patches:
    """What is shown: `picture` u8 [height, width, 3] (a grey sheet for None) under `rows` × `columns` patches.

    `heat` and `labels` have a number and a text for each patch, [rows][columns]; `marked` ones get a frame. `most` is
    the number that is hottest, None for the largest here: of several pictures the hottest may lie on another. Lines are
    drawn around windows of so many patches a side, 0 for none. `origin` is the place of the first patch, where this is
    a part of a picture.
    """

    rows: int
    columns: int
    picture: Any = None
    heat: Sequence[Sequence[float]] | None = None
    labels: Sequence[Sequence[str]] | None = None
    marked: Collection[Place] = ()
    most: float | None = None
    windows: int = 0
    origin: Place = (0, 0)

    def part(self, first: Place, rows: int, columns: int) -> Patches:
        """Some of the patches, from `first` on, on the same scale of colours."""
        import numpy as np

        (row, column), picture = first, self.picture
        if picture is not None:
            left, top, _, _ = self.box(first, *picture.shape[1::-1])
            _, _, right, bottom = self.box((row + rows - 1, column + columns - 1), *picture.shape[1::-1])
            picture = picture[top : max(bottom, top + 1), left : max(right, left + 1)]
        cut = slice(row, row + rows), slice(column, column + columns)
        return Patches(
            rows,
            columns,
            picture,
            None if self.heat is None else [line[cut[1]] for line in self.heat[cut[0]]],
            None if self.labels is None else [line[cut[1]] for line in self.labels[cut[0]]],
            [
                (down - row, across - column)
                for down, across in self.marked
                if row <= down < row + rows and column <= across < column + columns
            ],
            float(np.nanmax(self.heat)) if self.most is None and self.heat is not None else self.most,
            self.windows,
            first,
        )

    def box(self, place: Place, width: int, height: int) -> Box:
        """Left, top, right and bottom of a patch in a drawing of so many pixels."""
        row, column = place
        return (
            column * width // self.columns,
            row * height // self.rows,
            (column + 1) * width // self.columns,
            (row + 1) * height // self.rows,
        )

    def at(self, x: int, y: int, width: int, height: int) -> Place:
        """The patch that a pixel of such a drawing belongs to."""
        row = ((y + 1) * self.rows - 1) // height
        column = ((x + 1) * self.columns - 1) // width
        return max(0, min(row, self.rows - 1)), max(0, min(column, self.columns - 1))

    @property
    def proportions(self) -> tuple[int, int]:
        """Width and height of the picture, or of the grid where there is none."""
        if self.picture is None:
            return self.columns, self.rows
        return self.picture.shape[1], self.picture.shape[0]


def draw(patches: Patches, cursor: Place | None, width: int, height: int, *, grid: bool = True) -> Image:
    """The drawing in so many pixels, RGB."""
    import numpy as np
    from PIL import Image

    pixels = np.asarray(_ground(patches, width, height), dtype=np.float32)
    if patches.heat is not None:
        pixels = _heated(pixels, patches, width, height)
    pixels = pixels.copy()
    fine = min(width // patches.columns, height // patches.rows) >= SMALLEST
    if grid and fine:
        _rule(pixels, patches, width, height)
    if patches.windows:
        _bound(pixels, patches, width, height)
    for place in patches.marked:
        _frame(pixels, patches.box(place, width, height), MARK, MARK)
    if cursor is not None:
        _frame(pixels, patches.box(cursor, width, height), *CURSOR)
    return Image.fromarray(pixels.astype(np.uint8))


def _ground(patches: Patches, width: int, height: int) -> Image:
    from PIL import Image

    if patches.picture is None:
        return Image.new("RGB", (width, height), (SHEET, SHEET, SHEET))
    whole = Image.fromarray(patches.picture)
    larger = whole.width < width or whole.height < height
    return whole.convert("RGB").resize((width, height), Image.Resampling.BICUBIC if larger else Image.Resampling.BOX)


def _heated(pixels: Any, patches: Patches, width: int, height: int) -> Any:
    """The picture under the colours of the numbers, a flat colour a patch."""
    import numpy as np

    from inspector.analysis.overlay import HEAT

    values = np.nan_to_num(np.asarray(patches.heat, dtype=np.float32), posinf=0, neginf=0)
    most = float(values.max(initial=0)) if patches.most is None else patches.most
    share = np.clip(values / max(most, 1e-12), 0, 1)
    stops = np.array([stop for stop, _ in HEAT])
    colours = np.stack([np.interp(share, stops, [colour[channel] for _, colour in HEAT]) for channel in range(3)], -1)
    alpha = 0.25 + 0.4 * np.sqrt(share)
    rows = (np.arange(height) * patches.rows) // height
    columns = (np.arange(width) * patches.columns) // width
    alpha, colours = alpha[rows][:, columns, None], colours[rows][:, columns]
    return pixels * (1 - alpha) + colours * alpha


def _rule(pixels: Any, patches: Patches, width: int, height: int) -> None:
    """A faint line at the left and at the top of every patch but the first."""
    rows = [row * height // patches.rows for row in range(1, patches.rows)]
    columns = [column * width // patches.columns for column in range(1, patches.columns)]
    pixels[rows] *= 0.72
    pixels[:, columns] *= 0.72


def _bound(pixels: Any, patches: Patches, width: int, height: int) -> None:
    """A line between any two windows."""
    side, (first_row, first_column) = patches.windows, patches.origin
    thick = max(1, max(width, height) // 160)
    for row in range(1, patches.rows):
        if (first_row + row) % side == 0:
            pixels[row * height // patches.rows :][:thick] = WINDOW
    for column in range(1, patches.columns):
        if (first_column + column) % side == 0:
            pixels[:, column * width // patches.columns :][:, :thick] = WINDOW


def _frame(pixels: Any, box: Box, outer: tuple[int, int, int], seam: tuple[int, int, int]) -> None:
    """A frame inside a box, with a seam inside that where there is room; a box without room for one is filled.

    Where there is no room for the seam, its colour is taken for the frame on a ground that hides the frame's own.
    """
    left, top, right, bottom = box
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    thick = max(1, min(right - left, bottom - top) // 12)
    if min(right - left, bottom - top) - 2 * thick < SMALLEST * thick:
        ground = pixels[top:bottom, left:right].mean((0, 1))
        outer = max(outer, seam, key=lambda colour: float(abs(ground - colour).sum()))
    for step, colour in ((0, outer), (thick, seam)):
        x0, y0, x1, y1 = left + step, top + step, right - step, bottom - step
        if step and min(x1 - x0, y1 - y0) < SMALLEST * thick:
            return
        part = pixels[y0:y1, x0:x1]
        if min(part.shape[:2]) <= 2 * thick:
            part[:] = colour
            return
        part[:thick], part[-thick:], part[:, :thick], part[:, -thick:] = colour, colour, colour, colour
