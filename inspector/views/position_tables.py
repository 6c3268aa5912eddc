"""Positions as tables: runs of tokens, every token, decoding steps, and the grid of one picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from inspector.analysis.forwards import layout
from inspector.analysis.layout import frames_named
from inspector.analysis.placement import Placement
from inspector.analysis.position_checks import written
from inspector.analysis.positions import AXES, Span
from inspector.analysis.regions import Region
from inspector.analysis.wording import visible
from inspector.parts import Cell, Column, Heatmap, Part, Table
from inspector.trace import Token, Trace
from inspector.views.position_words import numbered, picture_name
from inspector.views.rows import Rows

MARK = "≠"


def runs(trace: Trace, placement: Placement, axes: int) -> Table:
    """A row for each run of text and each picture. `axes` is how many axes positions have."""
    columns = (
        Column("run"),
        Column("tokens"),
        Column("count", "right", "count"),
        Column("expected", "right", "count"),
        Column("grid"),
        *(Column(axis) for axis in (AXES if axes == 3 else ("positions",))),
        Column("next", "right"),
        Column("wrong", "right", "count"),
        Column("mark"),
    )
    return Table("Runs", columns, Rows(placement.spans, lambda span: _run(trace, placement, span, axes)))


def _run(trace: Trace, placement: Placement, span: Span, axes: int) -> tuple[Cell, ...]:
    first, last = span.start - placement.begin, span.stop - placement.begin
    tokens = placement.tokens[first:last]
    positions = span.positions() + placement.offset
    wrong = int(placement.differing[first:last].sum())
    grid = span.grid
    frames = 1 if grid is None or span.frame is not None else grid.frames
    return (
        span.kind if grid is None else picture_name(trace, span),
        _range(tokens[0], tokens[-1]) if tokens else "",
        span.count,
        span.expected,
        f"{frames}×{grid.rows}×{grid.columns}" if grid is not None else None,
        *(_range(int(axis.min()), int(axis.max())) for axis in positions[:axes]),
        span.next + placement.offset,
        wrong,
        MARK if wrong or span.count != span.expected else None,
    )


def tokens(trace: Trace, placement: Placement) -> Table:
    """A row for each token that the forward adds: where it stands, where it should, what masks are made from."""
    texts = _texts(trace, placement)
    at = {token: place for place, token in enumerate(placement.tokens)}
    forward = placement.forward
    columns = (
        Column("token", "right"),
        Column("id", "right"),
        Column("text"),
        Column("kind"),
        *([Column("text position", "right")] if forward.text_positions is not None else []),
        Column("position"),
        Column("expected"),
        Column("mark"),
    )

    def row(index: int) -> tuple[Cell, ...]:
        place = at.get(index)
        token = texts.get(index)
        ids = forward.ids
        given = int(ids[placement.row, index]) if ids is not None and placement.row < ids.shape[0] else None
        own = []
        if forward.text_positions is not None:
            own = [int(forward.text_positions[placement.row % forward.text_positions.shape[0], index])]
        if place is None:
            return (index, given, token.text if token else None, "pad", *own, None, None, None)
        actual = None if placement.actual is None else tuple(placement.actual[:, place].tolist())
        return (
            index,
            given,
            visible(token.text, spaces=True) if token else None,
            _kind(placement, place, token),
            *own,
            None if actual is None else written(actual),
            written(placement.expected(place)),
            MARK if len(placement.differing) and bool(placement.differing[place]) else None,
        )

    return Table("Tokens", columns, Rows(range(forward.tokens), row))


def _kind(placement: Placement, place: int, token: Token | None) -> str:
    span = placement.span_of(place)
    if span is not None and span.kind != "text":
        return span.kind
    return token.kind if token is not None else "text"


def _texts(trace: Trace, placement: Placement) -> dict[int, Token]:
    """The tokens of the forward with their text, as far as the trace keeps them: those of the first, and what was
    generated.
    """
    forward = placement.forward
    if forward.ids is None or placement.row >= min(len(trace.tokens), forward.ids.shape[0]) or forward.past is None:
        return {}
    own = trace.tokens[placement.row][forward.past : forward.past + forward.tokens]
    ids = forward.ids[placement.row].tolist()
    return {place: token for place, token in enumerate(own) if token.id == ids[place]}


def steps(placements: Sequence[Sequence[Placement]], row: int) -> Table:
    """The strip of decoding positions of one row: a line for each forward."""
    own = [forward[row] for forward in placements if row < len(forward)]
    columns = (
        Column("step", "right"),
        Column("in cache", "right", "count"),
        Column("new", "right", "count"),
        Column("delta held", "right"),
        Column("written"),
        Column("delta needed", "right"),
        Column("expected"),
        Column("found"),
        Column("mark"),
    )
    return Table("Steps", columns, Rows(own, _step))


def _step(placement: Placement) -> tuple[Cell, ...]:
    forward = placement.forward
    held = forward.before if forward.past else forward.after
    value = None if held is None else held.of(placement.row)
    written_by = None if held is None else f"{'in' if held.inside else 'before'} step {held.step}"
    last = len(placement.tokens) - 1
    found = None if placement.actual is None or last < 0 else tuple(placement.actual[:, last].tolist())
    used = bool(forward.past) and not forward.positions_given
    stale = used and value is not None and bool(placement.spans) and value != placement.delta
    return (
        forward.step,
        forward.past,
        len(placement.tokens),
        value,
        written_by,
        placement.delta if placement.spans else None,
        written(placement.expected(last)) if last >= 0 else None,
        None if found is None else written(found),
        MARK if placement.wrong or stale else None,
    )


def lengths(placements: Sequence[Sequence[Placement]]) -> Table:
    """How long everything is that must agree, forward by forward: ids, padding mask, positions, cache."""
    columns = (
        *(Column("step", "right"), Column("in cache", "right", "count"), Column("ids", "right", "count")),
        *(Column("mask", "right", "count"), Column("mask expected", "right", "count")),
        *(Column("positions", "right", "count"), Column("types", "right", "count"), Column("mark")),
    )

    def row(rows: Sequence[Placement]) -> tuple[Cell, ...]:
        forward = rows[0].forward
        whole = None if forward.past is None else forward.past + forward.tokens
        given = [None if part is None else part.shape[-1] for part in (forward.mask, forward.positions, forward.types)]
        mask, positions, types = given
        wrong = (
            mask not in (None, whole) or positions not in (None, forward.tokens) or types not in (None, forward.tokens)
        )
        expected = None if mask is None else whole
        mark = MARK if wrong and whole is not None else None
        return (forward.step, forward.past, forward.tokens, mask, expected, positions, types, mark)

    return Table("Lengths", columns, Rows([rows for rows in placements if rows], row))


def picture(trace: Trace, placement: Placement, span: Span) -> Iterator[Part]:
    """One picture as a grid, a table for each frame, with the place and position of each of its tokens."""
    grid = span.grid
    assert grid is not None
    frames = grid.frames if span.frame is None else 1
    columns = (Column("row", "right"), *(Column(str(column), "right") for column in range(grid.columns)))
    for frame in range(frames):
        begin = span.start + frame * grid.rows * grid.columns

        def row(number: int, begin: int = begin) -> tuple[Cell, ...]:
            start = begin + number * grid.columns
            return (number, *(_cell(placement, span, start + column) for column in range(grid.columns)))

        of = f", {frames_named(frame, layout(trace).temporal, frames)}" if frames > 1 else ""
        title = f"Positions in {picture_name(trace, span)}{of}"
        note = (
            "Each field is a merged token: its index, and t,h,w as they were found, with what was expected where "
            "the two differ."
            if frame == 0
            else ""
        )
        yield Table(title, columns, Rows(range(grid.rows), row), note)
    yield from _axes(placement, span, frames)


def square(trace: Trace, placement: Placement, region: Region, first: int) -> Table:
    """A picture without a grid: the place and position of each of its tokens. `first` is the index in the row of the
    forward's first token.
    """

    def cell(index: int) -> Cell:
        token = index - first
        if placement.actual is None or token not in placement.tokens:
            return str(token)
        found = placement.actual[:, placement.tokens.index(token)].tolist()
        return f"{token}: {','.join(map(str, found))}"

    columns = (Column("row", "right"), *(Column(str(column), "right") for column in range(region.columns)))
    lines = [region.keys[start : start + region.columns] for start in range(0, len(region.keys), region.columns)]
    rows = [(number, *map(cell, line)) for number, line in enumerate(lines)]
    note = "Each field is a token: its index, and its position. The picture has no axes of its own: it counts as text."
    return Table(f"Positions in {numbered(trace, region.kind, region.number)}", columns, rows, note)


def _cell(placement: Placement, span: Span, token: int) -> Cell:
    if token >= span.stop:
        return "missing"
    place = token - placement.begin
    expected = written(placement.expected(place))
    if placement.actual is None:
        return f"{placement.tokens[place]}: {expected}"
    found = ",".join(map(str, placement.actual[:, place].tolist()))
    wrong = bool(placement.differing[place])
    return f"{placement.tokens[place]}: {found}" + (f" {MARK} {expected}" if wrong else "")


def _axes(placement: Placement, span: Span, frames: int) -> Iterator[Heatmap]:
    """Each axis as a heatmap over the picture, frames below each other, as it was found."""
    grid = span.grid
    assert grid is not None
    if placement.actual is None or span.count != span.expected:
        return
    own = placement.actual[:, span.start - placement.begin : span.stop - placement.begin]
    if own.shape[0] != 3:
        return
    for axis, name in zip(own, ("time", "height", "width"), strict=True):
        values = axis.reshape(frames * grid.rows, grid.columns).tolist()
        yield Heatmap(f"Position: {name}", values, "row of tokens", "column of tokens")


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}–{last}"
