"""The order of patches in a vision tower with windows, worked out from grids alone.

Patches come merge block by merge block (2×2 patches that become one token), blocks row by row. A tower with window
attention reorders whole blocks so that those of a window follow each other, and undoes it behind the merger.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Size = tuple[int, int, int]
"""Frames, rows and columns of patches: a row of `grid_thw`."""


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of merged tokens of one frame. `picture` counts the grids; `start` is where its tokens begin in
    window order; the rest are rows and columns of merged tokens.
    """

    picture: int
    frame: int
    start: int
    top: int
    left: int
    rows: int
    columns: int

    @property
    def tokens(self) -> int:
        return self.rows * self.columns


def windows(grids: Sequence[Size], merge: int, side: int) -> list[Window]:
    """The windows of several pictures, in their order. `side` is that of a full window, in merged tokens."""
    found: list[Window] = []
    start = 0
    for picture, (frames, rows, columns) in enumerate(grids):
        for frame, top, left in _corners(frames, rows // merge, columns // merge, side):
            height, width = min(side, rows // merge - top), min(side, columns // merge - left)
            found.append(Window(picture, frame, start, top, left, height, width))
            start += height * width
    return found


def _corners(frames: int, rows: int, columns: int, side: int) -> Iterator[tuple[int, int, int]]:
    for frame in range(frames):
        for top in range(0, rows, side):
            for left in range(0, columns, side):
                yield frame, top, left


def window_index(grids: Sequence[Size], merge: int, side: int) -> list[int]:
    """For each place in window order, the merged token that stands there: what the tower reorders by."""
    firsts = _firsts(grids, merge)
    order: list[int] = []
    for window in windows(grids, merge, side):
        _, rows, columns = grids[window.picture]
        width = columns // merge
        first = firsts[window.picture] + window.frame * (rows // merge) * width
        for row in range(window.top, window.top + window.rows):
            begin = first + row * width + window.left
            order.extend(range(begin, begin + window.columns))
    return order


def inverse(order: Sequence[int]) -> list[int]:
    """For each merged token, its place in window order: what undoes the reordering."""
    places = [0] * len(order)
    for place, token in enumerate(order):
        places[token] = place
    return places


def window_lengths(grids: Sequence[Size], merge: int, side: int) -> list[int]:
    """Cumulative lengths, in patches, of the windows: `cu_seqlens` of a block with windows."""
    return _cumulative([window.tokens * merge**2 for window in windows(grids, merge, side)])


def frame_lengths(grids: Sequence[Size]) -> list[int]:
    """Cumulative lengths, in patches, of the frames: `cu_seqlens` of a block with full attention."""
    return _cumulative([rows * columns for frames, rows, columns in grids for _ in range(frames)])


def patch_place(size: Size, merge: int, patch: int) -> tuple[int, int, int]:
    """Frame, row and column of a patch of one picture, counted in the order of `pixel_values`."""
    _, rows, columns = size
    frame, rest = divmod(patch, rows * columns)
    block, inside = divmod(rest, merge * merge)
    block_row, block_column = divmod(block, columns // merge)
    row, column = divmod(inside, merge)
    return frame, block_row * merge + row, block_column * merge + column


def patch_at(size: Size, merge: int, frame: int, row: int, column: int) -> int:
    """The patch that stands at a place: `patch_place` backwards."""
    _, rows, columns = size
    block = (row // merge) * (columns // merge) + column // merge
    return frame * rows * columns + block * merge * merge + (row % merge) * merge + column % merge


def patch_places(grids: Sequence[Size], merge: int) -> list[tuple[int, int]]:
    """Row and column of every patch: the positions by which the vision tower turns."""
    return [patch_place(size, merge, patch)[1:] for size in grids for patch in range(size[0] * size[1] * size[2])]


def _firsts(grids: Sequence[Size], merge: int) -> list[int]:
    """The first merged token of each picture."""
    counts = [frames * rows * columns // merge**2 for frames, rows, columns in grids]
    return _cumulative(counts)[:-1]


def _cumulative(lengths: Sequence[int]) -> list[int]:
    total, sums = 0, [0]
    for length in lengths:
        total += length
        sums.append(total)
    return sums
