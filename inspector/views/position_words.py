"""How the positions of a row come about, in words with the numbers filled in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePath
from textwrap import fill

from inspector.analysis.checks import counted
from inspector.analysis.layout import Layout, frames_named
from inspector.analysis.placement import Placement
from inspector.analysis.position_checks import written
from inspector.analysis.positions import Span
from inspector.analysis.wording import number
from inspector.trace import Media, Trace

WIDTH = 100
MOST = 12
"""Runs that are told one by one; the rest is counted."""


def explanation(trace: Trace, placement: Placement, how: Layout, *, axes: int, width: int = WIDTH) -> str:
    """The whole account of a row, a paragraph for each run of tokens, in lines of `width`; 0 leaves each in one."""
    if not placement.spans:
        return "The conversation began before this trace: where its tokens should stand cannot be told."
    told = [_told(trace, placement, span, how, axes) for span in placement.spans[:MOST]]
    if len(placement.spans) > MOST:
        told.append(f"… and {counted(len(placement.spans) - MOST, 'further run')}.")
    lines = [*told, *([] if placement.restarts else _end(placement, axes))]
    return "\n".join(fill(line, width, subsequent_indent="  ") for line in lines) if width else "\n\n".join(lines)


def picture_name(trace: Trace, span: Span) -> str:
    """`image 1 (bus.jpg, 640×480)`, as far as that is known, without the directories of its file."""
    return numbered(trace, span.kind, span.grid.number if span.grid else 0)


def numbered(trace: Trace, kind: str, index: int) -> str:
    """A picture or video by its number among its kind, from 0."""
    given: Sequence[Media] = [item for item in trace.media if item.kind == kind]
    name = f"{kind} {index + 1}"
    if index >= len(given):
        return name
    item = given[index]
    return f"{name} ({PurePath(item.source).name or item.source}, {item.width}×{item.height})"


def _told(trace: Trace, placement: Placement, span: Span, how: Layout, axes: int) -> str:
    first, last = span.start - placement.begin, span.stop - 1 - placement.begin
    before = placement.forward.past or 0
    begin, end = before + placement.tokens[first], before + placement.tokens[last]
    where = f"Tokens {begin}–{end}" if end > begin else f"Token {begin}"
    if span.grid is None:
        return f"{where}: {span.kind}.{_text(placement, span, axes)}"
    stands = replace(span, first=span.first + placement.offset)
    return f"{where}: {picture_name(trace, span)}. {' '.join(_picture(stands, how))}"


def _text(placement: Placement, span: Span, axes: int) -> str:
    begin, end = span.first + placement.offset, span.first + placement.offset + span.count - 1
    went_on = placement.begin > 0 and span.start == placement.begin
    counting = f"position {begin}" if begin == end else f"positions {begin} to {end}"
    on_axes = ", the same on all three axes" if axes == 3 else ""
    if not went_on:
        return f" Each takes the next number: {counting}{on_axes}."
    if placement.forward.positions_given:
        return f" Counted on from the token before: {counting}{on_axes}."
    index = span.start
    delta = span.first - index
    ahead = f", and the row stands {placement.offset} further" if placement.offset else ""
    return f" Index {index} plus the rope delta {delta} is {span.first}{ahead}: {counting}{on_axes}."


def _picture(span: Span, how: Layout) -> Iterator[str]:
    grid = span.grid
    assert grid is not None
    merge, first = how.merge, span.first
    frames = grid.frames if span.frame is None else 1
    if span.frame is not None:
        named = frames_named(span.frame, how.temporal, grid.frames)
        yield f"{named.capitalize()}, which {'stand' if how.temporal > 1 else 'stands'} apart."
    yield (
        f"Its grid of {frames}×{grid.rows * merge}×{grid.columns * merge} patches, {merge}×{merge} of them merged, is "
        f"{frames}×{grid.rows}×{grid.columns} = {counted(span.expected, 'token')}."
    )
    if span.spread is None:
        yield f"Pictures have no axes of their own: their tokens count on, {first} to {span.last}."
        return
    yield f"They begin at {first}. {_time(span, how, frames)}"
    yield (
        f"Height is {first} + row, {first} to {first + grid.rows - 1}; width is {first} + column, {first} to "
        f"{first + grid.columns - 1}."
    )
    if span.after == "last":
        yield f"What follows goes on behind the largest position, at {span.next}."
    else:
        sides = f"{first} + max({grid.rows}, {grid.columns})"
        beyond = f" Time reaches {span.last}, beyond that." if span.reaches_beyond else ""
        yield f"What follows goes on after the longer side: {sides} = {span.next}.{beyond}"
    if span.count != span.expected:
        yield f"The ids hold {counted(span.count, 'placeholder')} instead."


def _time(span: Span, how: Layout, frames: int) -> str:
    grid, first = span.grid, span.first
    assert grid is not None
    if frames == 1:
        return f"Time is {first} throughout."
    listed = ", ".join(str(first + span.time(frame)) for frame in range(min(frames, 6)))
    more = ", …" if frames > 6 else ""
    if span.kind != "video" or not how.tokens_per_second:
        return f"Time is {first} + frame: {listed}{more}."
    seconds = grid.interval / how.tokens_per_second
    return (
        f"Time is {first} + ⌊frame × tokens_per_second × second_per_grid_t⌋ = {first} + ⌊frame × "
        f"{number(how.tokens_per_second)} × {number(seconds, 4)}⌋: {listed}{more}."
    )


def _end(placement: Placement, axes: int) -> Iterator[str]:
    """The largest position, and where decoding goes on."""
    total = placement.begin + len(placement.tokens)
    if axes != 3:
        if not placement.begin:
            yield (
                f"A token decoded at index i, padding left out, stands at {written((placement.offset,))} + i."
                if placement.offset
                else ("A token decoded at index i, padding left out, stands at position i.")
            )
        return
    if placement.begin and all(span.kind == "text" for span in placement.spans):
        return
    offset, ahead = placement.offset, placement.delta + placement.offset
    largest = placement.delta + total - 1
    padding = f" − {offset} of padding" if offset else ""
    yield (
        f"The largest position is {largest + offset} and there are {counted(total, 'token')}, so the rope delta is "
        f"{largest + offset} + 1 − {total}{padding} = {placement.delta}: a token decoded at index i, padding left out, "
        f"stands at i {'−' if ahead < 0 else '+'} {abs(ahead)}."
    )
    last = placement.spans[-1]
    if last.next != largest + 1:
        yield f"`generate` counts on from the last token instead: the next stands at {last.next + offset}."
