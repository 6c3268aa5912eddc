"""The two-way map between pixels, patches, merged tokens and positions of one picture."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from inspector.analysis.checks import counted, some
from inspector.analysis.ledger import Entry
from inspector.analysis.position_checks import written
from inspector.analysis.tower import Tower
from inspector.analysis.windows import inverse, patch_at, patch_place, windows
from inspector.errors import InputError
from inspector.parts import Cell, Column, Table, Text
from inspector.views.asking import whole
from inspector.views.rows import Rows

COLUMNS = (
    *(Column("patch", "right"), Column("frame", "right"), Column("row", "right"), Column("column", "right")),
    *(Column("pixels of the original"), Column("pixels after resizing")),
    *(Column("merged token", "right"), Column("token", "right"), Column("position"), Column("expected")),
    *(Column("window", "right"), Column("place in window order", "right")),
)


@dataclass(frozen=True, slots=True)
class Map:
    """One picture with a grid, its vision tower and the patches and tokens before it in the batch."""

    entry: Entry
    tower: Tower
    merge: int
    patch: int

    @property
    def size(self) -> tuple[int, int, int]:
        assert self.entry.size is not None
        return self.entry.size

    @property
    def first_frame(self) -> int:
        """The frame with which the entry begins: of a video whose frames stand apart."""
        return (self.entry.span.frame or 0) if self.entry.span is not None else 0

    def merged(self, frame: int, row: int, column: int) -> int:
        """The merged token of a patch, counted in the picture."""
        _, rows, columns = self.size
        width = columns // self.merge
        return (frame * (rows // self.merge) + row // self.merge) * width + column // self.merge

    def patches_of(self, merged: int) -> list[int]:
        """The patches that became a merged token."""
        return [merged * self.merge**2 + inside for inside in range(self.merge**2)]

    def pixels(self, row: int, column: int) -> tuple[int, int, int, int]:
        """Left, top, width and height of a patch after resizing."""
        return column * self.patch, row * self.patch, self.patch, self.patch


def table(found: Map, patches: list[int] | range) -> Table:
    """A row for each of some patches."""
    places = inverse(found.tower.order()) if found.tower.has_windows else []
    layout = found.tower.layout
    all_windows = windows(found.tower.sizes, layout.merge, layout.window_side) if found.tower.has_windows else []
    before = _merged_before(found)

    def row(patch: int) -> tuple[Cell, ...]:
        frame, line, column = patch_place(found.size, found.merge, patch)
        merged = found.merged(frame, line, column)
        place = places[before + merged] if places else None
        window = None
        if place is not None:
            window = next(number for number, item in enumerate(all_windows) if place < item.start + item.tokens)
        return (
            patch,
            frame + found.first_frame,
            line,
            column,
            _original(found, line, column),
            _rectangle(*found.pixels(line, column)),
            merged,
            *_token(found, merged),
            window,
            place,
        )

    return Table(f"Patches of {found.entry.name}", COLUMNS, Rows(patches, row))


def asked(found: Map, patch: str, pixel: str, token: str, frame: str) -> list[int] | None:
    """The patches that are asked for: by number, by a pixel of the original, or by a token. None for all.

    Raises `InputError` for what lies outside the picture.
    """
    groups, rows, columns = found.size
    if patch:
        return [whole(patch, "patch", groups * rows * columns, "patches of this picture")]
    if token:
        return found.patches_of(_merged_of(found, token))
    if pixel:
        x, y = _pixel(found, pixel)
        group = whole(frame or "0", "frame", groups, "frames of patches")
        return [patch_at(found.size, found.merge, group, y // found.patch, x // found.patch)]
    if frame:
        group = whole(frame, "frame", groups, "frames of patches")
        return list(range(group * rows * columns, (group + 1) * rows * columns))
    return None


def holder(found: Sequence[Entry], token: str, row: str) -> Entry:
    """The picture or video that a token of a row belongs to; without a row, the only one of all rows.

    Raises `InputError` for a token of none, or of several.
    """
    tokens = max((entry.placement.forward.tokens for entry in found), default=0)
    index = whole(token, "token", tokens, "tokens")
    rows = sorted({entry.row for entry in found})
    if row and row not in map(str, rows):
        raise InputError(
            f"--row {row}: {_listed('row', rows)} of the batch {'has' if len(rows) == 1 else 'have'} pictures."
        )
    own = [entry for entry in found if not row or entry.row == int(row)]
    holding = [entry for entry in own if place_of(entry, index) is not None]
    if len(holding) == 1:
        return holding[0]
    if holding:
        said = ", ".join(f"{entry.name} in row {entry.row}" for entry in holding)
        raise InputError(f"--token {token} is one of several rows: {said}. Choose with --row.")
    said = some((f"{entry.name} has {tokens_of(entry)}" for entry in own if entry.span is not None), 8)
    raise InputError(f"--token {token}: this token belongs to no picture; {said or 'none has tokens that are known'}.")


def standing(entry: Entry, token: str) -> Text:
    """Which of the tokens of a picture without a grid a token is."""
    place = place_of(entry, whole(token, "token", entry.placement.forward.tokens, "tokens"))
    if place is None:
        raise InputError(f"--token {token}: this token is not one of {entry.name}'s.")
    return Text(f"Token {token}", f"Number {place} of the {counted(entry.found, 'token')} of {entry.name}, from 0.")


def place_of(entry: Entry, index: int) -> int | None:
    """Which of a picture's tokens the token `index` of its row is, from 0; None for none of them."""
    span, placement = entry.span, entry.placement
    place = placement.tokens.index(index) + placement.begin if index in placement.tokens else -1
    return place - span.start if span is not None and span.start <= place < span.stop else None


def tokens_of(entry: Entry) -> str | None:
    """The tokens of a picture by their index in the row, first and last; None where they are not in this forward."""
    span, placement = entry.span, entry.placement
    if span is None or span.start < placement.begin or span.stop <= span.start:
        return None
    return f"{placement.tokens[span.start - placement.begin]}–{placement.tokens[span.stop - 1 - placement.begin]}"


def _listed(word: str, numbers: Sequence[int]) -> str:
    return f"{word}{'' if len(numbers) == 1 else 's'} {', '.join(map(str, numbers))}"


def _merged_of(found: Map, token: str) -> int:
    index = whole(token, "token", found.entry.placement.forward.tokens, "tokens")
    place = place_of(found.entry, index)
    if place is None or found.entry.span is None or place >= found.entry.span.expected:
        has = tokens_of(found.entry)
        raise InputError(
            f"--token {token}: this token is not one of {found.entry.name}'s{f', which are {has}' if has else ''}."
        )
    return place


def _pixel(found: Map, pixel: str) -> tuple[int, int]:
    """A pixel of the original as one after resizing."""
    match = re.fullmatch(r"(\d+),(\d+)", pixel.replace(" ", ""))
    media, resized = found.entry.media, found.entry.resized
    if match is None:
        raise InputError(f"--pixel {pixel}: two whole numbers were expected, across and down, such as 120,80.")
    x, y = int(match[1]), int(match[2])
    assert resized is not None
    width, height = (media.width, media.height) if media is not None else resized
    if x >= width or y >= height:
        raise InputError(f"--pixel {pixel}: {found.entry.name} is {width}×{height} pixels, counted from 0.")
    return x * resized[0] // width, y * resized[1] // height


def _original(found: Map, row: int, column: int) -> str | None:
    """The pixels of the original that a patch covers, as far as rounding allows to say."""
    media, resized = found.entry.media, found.entry.resized
    if media is None or resized is None:
        return None
    left, top, width, height = found.pixels(row, column)
    across, down = media.width / resized[0], media.height / resized[1]
    return (
        f"{round(left * across)}–{round((left + width) * across) - 1}, "
        f"{round(top * down)}–{round((top + height) * down) - 1}"
    )


def _rectangle(left: int, top: int, width: int, height: int) -> str:
    return f"{left}–{left + width - 1}, {top}–{top + height - 1}"


def _token(found: Map, merged: int) -> tuple[Cell, Cell, Cell]:
    """Index in the row, where it stands and where it should."""
    span, placement = found.entry.span, found.entry.placement
    if span is None or merged >= span.count:
        return None, None, None
    place = span.start + merged - placement.begin
    actual = None if placement.actual is None else written(tuple(placement.actual[:, place].tolist()))
    return placement.tokens[place], actual, written(placement.expected(place))


def _merged_before(found: Map) -> int:
    """Merged tokens of the batch before the entry's first."""
    sizes = found.tower.sizes[: found.entry.number]
    own = found.size[1] * found.size[2] * found.first_frame
    return (sum(frames * rows * columns for frames, rows, columns in sizes) + own) // found.merge**2
