"""The account of every picture: what was given, what the processor made of it, and what reached the language model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from inspector.analysis.checks import Check, counted
from inspector.analysis.features import (
    PIXELS,
    copies_of,
    encoded_rows,
    feature_rows,
    pictures_of,
    pixel_rows,
    pixels_of,
    rows_of_each,
    sizes_of,
)
from inspector.analysis.forwards import Forward, kept, layout, placeholders
from inspector.analysis.layout import Layout
from inspector.analysis.placement import Placement
from inspector.analysis.positions import Span, SpanKind
from inspector.analysis.shares import shares
from inspector.analysis.tower import tower_of
from inspector.analysis.windows import Size
from inspector.trace import Media, Trace

if TYPE_CHECKING:
    from torch import Tensor


KINDS: tuple[SpanKind, ...] = ("image", "video")


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture or video. `number` counts its kind in the batch from 0; `span` are its tokens in row `row`.

    `size` is its grid of patches, None for a model whose pictures have none. `expected` are the tokens that grid or
    configuration ask for, `found` the placeholders in the ids, `features` the rows that came out of the vision tower
    for it, None where that cannot be told for one picture. Pictures of a row that cannot be told apart stand in one
    entry, `together`.
    """

    kind: str
    number: int
    row: int
    media: Media | None
    size: Size | None
    resized: tuple[int, int] | None
    patches: int | None
    expected: int | None
    found: int
    features: int | None
    span: Span | None
    placement: Placement
    together: bool = False

    @property
    def name(self) -> str:
        return f"{self.kind}s of row {self.row}" if self.together else f"{self.kind} {self.number + 1}"

    @property
    def difference(self) -> int | None:
        """Placeholders more, or less, than rows of features; than should be, where features are not known."""
        wanted = self.expected if self.features is None else self.features
        return None if wanted is None else self.found - wanted


@dataclass(frozen=True, slots=True)
class Total:
    """All pictures, or videos, of a forward: placeholders and rows of features in all rows of the batch, which stand in
    `copies` that share their pictures; patches of the grids, and as many as were given as pixels.
    """

    kind: str
    found: int
    expected: int | None
    features: int | None
    patches: int | None
    pixels: int | None
    copies: int = 1


def entries(trace: Trace, rows: Sequence[Placement]) -> list[Entry]:
    """The pictures and videos of some rows of one forward, in the order of the batch; of rows that share theirs, as
    beams do, those of the first.
    """
    how = layout(trace)
    found: list[Entry] = []
    for placement in rows:
        for kind in KINDS:
            spans = [span for span in placement.spans if span.kind == kind]
            make = _with_grids if placement.forward.sizes.get(kind) else _without_grids
            if len(rows) == 1 or placement.row % copies_of(trace, placement.forward, kind) == 0:
                found.extend(make(trace, how, placement, kind, spans))
    return found


def totals(trace: Trace, forward: Forward, found: Sequence[Entry]) -> list[Total]:
    """Sums of each kind that there is."""
    known = placeholders(trace)
    sums = []
    for kind in KINDS:
        own = [entry for entry in found if entry.kind == kind]
        count = sum(forward.kinds(row, known).count(kind) for row in range(forward.batch))
        rows = feature_rows(trace, forward, kind)
        if not own and not count and rows is None:
            continue
        copies = copies_of(trace, forward, kind)
        expected = _sum([entry.expected for entry in own])
        sizes = [prod(size) for size in forward.sizes.get(kind, ())]
        sums.append(
            Total(
                kind,
                count,
                None if expected is None else expected * copies,
                rows,
                sum(sizes) if sizes else _sum([entry.patches for entry in own]),
                pixel_rows(trace, forward, kind),
                copies,
            )
        )
    return sums


def _sum(numbers: Sequence[int | None]) -> int | None:
    """The sum, if there are numbers and all are known."""
    known = [number for number in numbers if number is not None]
    return sum(known) if known and len(known) == len(numbers) else None


def ledger_checks(found: Sequence[Entry], sums: Sequence[Total]) -> Iterator[Check]:
    """Each picture, then each kind as a whole."""
    for entry in found:
        yield _entry_check(entry)
    for total in sums:
        if total.features is not None:
            text = f"{counted(total.found, 'placeholder')} take {counted(total.features, 'row')} of features."
            if total.copies > 1 and total.features % total.copies == 0:
                text += f" {total.features // total.copies:,} were encoded, for each of {total.copies} copies of a row."
            yield Check(f"{total.kind} features", total.found == total.features, text)
        if total.pixels is not None and total.patches is not None:
            text = (
                f"{counted(total.pixels, 'row')} of pixels, {counted(total.patches, 'patch', 'patches')} in the grids."
            )
            yield Check(f"{total.kind} patches", total.pixels == total.patches, text)


def _entry_check(entry: Entry) -> Check:
    """Whether a picture has as many placeholders, and rows of features, as it asks for."""
    wanted = entry.features if entry.expected is None else entry.expected
    if wanted is None:
        return Check(entry.name, None, _untold(entry))
    text = f"{counted(entry.found, 'placeholder')} in the ids, {counted(wanted, 'token')} asked for by "
    text += _grid_text(entry)
    if entry.found != wanted:
        text += f" {abs(entry.found - wanted):,} too {'many' if entry.found > wanted else 'few'}."
    if entry.features not in (None, wanted):
        text += f" Its features are {counted(entry.features or 0, 'row')}."
    return Check(entry.name, entry.found == wanted and entry.features in (None, wanted), text)


def pixel_values(trace: Trace, forward: Forward, kind: str) -> Tensor | None:
    """What the image processor made of the pictures of a forward, if it was kept."""
    calls = [trace.calls[forward.call]]
    tower = tower_of(trace, forward, kind)
    for call in calls:
        for port in PIXELS[kind]:
            value = kept(trace, call, port)
            if value is not None:
                return value
    return kept(trace, tower.call, "input.hidden_states") if tower is not None else None


def _with_grids(
    trace: Trace, how: Layout, placement: Placement, kind: SpanKind, spans: Sequence[Span]
) -> Iterator[Entry]:
    tower = tower_of(trace, placement.forward, kind)
    whole = encoded_rows(trace, placement.forward, kind)
    sizes = placement.forward.sizes.get(kind, [])
    asked = sum(prod(size) for size in sizes) // how.merge**2
    each = rows_of_each(trace, placement.forward, kind)
    for span in spans:
        if span.grid is None:
            yield Entry(
                kind, 0, placement.row, None, None, None, None, 0, span.count, None, span, placement, together=True
            )
            continue
        grid = span.grid
        size = (grid.frames if span.frame is None else 1, grid.rows * how.merge, grid.columns * how.merge)
        resized = (size[2] * how.patch, size[1] * how.patch) if how.patch else None
        features = span.expected if tower is not None and whole == asked else None
        if grid.number < len(each) and span.frame is None:
            features = each[grid.number]
        media = _media(trace, kind, grid.number)
        patches = prod(size)
        yield Entry(
            kind, grid.number, placement.row, media, size, resized, patches, span.expected, span.count, features, span,
            placement,
        )  # fmt: skip


def _without_grids(
    trace: Trace, how: Layout, placement: Placement, kind: SpanKind, spans: Sequence[Span]
) -> Iterator[Entry]:
    """Pictures that take as many tokens as their features are."""
    forward = placement.forward
    given = _of_kind(trace, kind) if not forward.past or spans else []
    known = pictures_of(trace, forward, kind, given)
    dealt = shares(forward, placeholders(trace), kind, known, copies_of(trace, forward, kind))
    sizes = sizes_of(trace, forward, known.total) or []
    for share in dealt[placement.row] if placement.row < len(dealt) else ():
        number = share.number
        rows, columns = (None, None) if share.together else _patched(trace, how, forward, kind, number, sizes)
        expected, features = share.expected, share.expected
        if expected is None and known.total is None and not share.together:
            expected = how.tokens or None
        yield Entry(
            kind, number, placement.row, None if share.together else _media(trace, kind, number), None,
            None if rows is None or columns is None else (columns * how.patch, rows * how.patch),
            None if rows is None or columns is None else rows * columns,
            expected, share.found, features, share.span(spans), placement, share.together,
        )  # fmt: skip


def _patched(
    trace: Trace, how: Layout, forward: Forward, kind: str, number: int, sizes: Sequence[tuple[int, int]]
) -> tuple[int | None, int | None]:
    """Rows and columns of patches of a picture, by its own size, or by that of the pixels where all have one."""
    if number < len(sizes):
        return sizes[number]
    info = pixels_of(trace, forward, kind)
    if info is None or len(info.shape) != 4 or not how.patch:
        return None, None
    return info.shape[2] // how.patch, info.shape[3] // how.patch


def _grid_text(entry: Entry) -> str:
    if entry.size is None and entry.expected == 0:
        return "the grids that are left."
    if entry.size is None:
        return "the configuration." if entry.features is None else "its features."
    return f"a grid of {'×'.join(map(str, entry.size))} patches."


def _untold(entry: Entry) -> str:
    found = counted(entry.found, "placeholder")
    if entry.together:
        return f"{found} in the ids; how many each picture takes cannot be told."
    return f"{found} in the ids; how many its features ask for cannot be told."


def _of_kind(trace: Trace, kind: str) -> list[Media]:
    return [item for item in trace.media if item.kind == kind]


def _media(trace: Trace, kind: str, number: int) -> Media | None:
    given = _of_kind(trace, kind)
    return given[number] if number < len(given) else None
