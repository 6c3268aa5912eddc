"""Where one token stands and how that comes about, in words with the numbers filled in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from inspector.analysis.checks import counted
from inspector.analysis.conversation import Spot, Standing
from inspector.analysis.forwards import layout
from inspector.analysis.layout import Layout, frames_named
from inspector.analysis.ledger import Entry, entries
from inspector.analysis.placement import Placement
from inspector.analysis.position_checks import named, written
from inspector.analysis.positions import AXES
from inspector.analysis.regions import token_regions
from inspector.analysis.sequence import Sequenced
from inspector.analysis.tower import tower_of
from inspector.analysis.wording import number
from inspector.parts import Cell, Column, Table
from inspector.trace import Trace
from inspector.views.position_tables import MARK
from inspector.views.position_words import numbered, picture_name
from inspector.views.vision_map import Map, table

Fact = tuple[str, str, bool]
"""What is said, in how many words, and whether it is wrong."""


def token_table(facts: Sequence[Fact]) -> Table:
    """The facts of one token as a table."""
    rows: list[tuple[Cell, ...]] = [(name, text, MARK if wrong else None) for name, text, wrong in facts]
    return Table("Where the token stands", (Column("what"), Column("value"), Column("mark")), rows)


def token_facts(trace: Trace, standing: Standing, how: Layout) -> Iterator[Fact]:
    """Everything about where a token stands: position, how it comes about, rope delta, patches and windows."""
    if standing.place is None:
        yield "position", "This token is padding: it is masked out, and no position of its own counts.", False
        return
    yield "position", _position(standing), standing.wrong
    yield from _text_position(standing)
    yield "comes about", _comes_about(trace, standing, how), False
    yield from _delta(standing)
    if standing.spot is not None:
        yield from _patches(trace, standing)


def square_facts(trace: Trace, row: int, tokens: Sequenced, index: int) -> Iterator[Fact]:
    """Where the token at an index of its row stands in a picture without a grid; nothing for any other token."""
    region = next((region for region in token_regions(trace, row, tokens) if index in region.keys), None)
    if region is not None:
        down, across = divmod(region.keys.index(index), region.columns)
        name = numbered(trace, region.kind, region.number)
        text = f"Row {down}, column {across} of {region.rows}×{region.columns} in {name}{class_note(trace)}."
        yield "in its picture", text, False


def class_note(trace: Trace) -> str:
    """What became of the class token that a vision tower puts before its patches; empty where it has none."""
    how = layout(trace)
    if not how.class_token:
        return ""
    return "; the class token is " + ("kept, as the token before them" if how.select == "full" else "left out")


def _position(standing: Standing) -> str:
    found, expected = standing.found, standing.expected
    if found is None:
        asked = "" if expected is None else f" It should be {written(expected)}."
        return f"No positions were recorded for step {standing.placement.forward.step}.{asked}"
    said = named(found) if len(found) == 3 else str(found[0])
    if expected is None:
        return f"{said}; the conversation began before this trace, so that it cannot be checked"
    return f"{said} found, {named(expected) if len(found) == 3 else expected[0]} expected" if standing.wrong else said


def _text_position(standing: Standing) -> Iterator[Fact]:
    """Under M-RoPE, the position by which masks are made."""
    positions = standing.placement.forward.text_positions
    if positions is not None and standing.local < positions.shape[1]:
        value = int(positions[standing.placement.row % positions.shape[0], standing.local])
        yield "text position", f"{value}, by which masks are made", False


def _comes_about(trace: Trace, standing: Standing, how: Layout) -> str:
    span, placement = standing.span, standing.placement
    if span is None:
        return "The conversation began before this trace."
    spot = standing.spot
    if spot is not None and span.spread is not None:
        return _in_picture(trace, placement, spot, how)
    assert standing.place is not None
    token = placement.begin + standing.place
    stands = span.at(token)[0]
    ahead = f", and the row stands {placement.offset} further throughout" if placement.offset else ""
    if placement.actual is not None and placement.actual.shape[0] == 1:
        return f"Tokens count on, padding left out: {stands}{ahead}."
    went_on = placement.begin > 0 and span.start == placement.begin
    if went_on and placement.forward.positions_given:
        return f"Counted on from the token before: {stands}{ahead}."
    if went_on:
        return f"Index {token} plus the rope delta {stands - token} is {stands}{ahead}."
    axes = len(standing.found or ())
    if span.kind != "text" and axes not in (0, len(AXES)):
        return f"It counts on like text on the first of {axes} axes, {stands}{ahead}; the others are not known here."
    if span.kind != "text":
        return f"A placeholder that no grid asks for: it counts on like text, {stands}{ahead}."
    if span.start == 0:
        return f"Text counts on from 0: {stands}{ahead}."
    return f"Text goes on at {span.first}, and this is {counted(token - span.start, 'token')} further: {stands}{ahead}."


def _in_picture(trace: Trace, placement: Placement, spot: Spot, how: Layout) -> str:
    span, first = spot.span, spot.span.first + placement.offset
    grid = span.grid
    assert grid is not None
    frame = spot.frame if span.frame is None else span.frame
    frames = f", {frames_named(frame, how.temporal, grid.frames)}" if grid.frames > 1 else ""
    of_patches = " of patches" if how.temporal > 1 else ""
    time, behind = f"time {first}", f"{counted(frame, 'frame')}{of_patches} behind the first"
    if span.kind == "video" and how.tokens_per_second and span.frame is None:
        seconds = grid.interval / how.tokens_per_second
        rate = f"{number(how.tokens_per_second)} a second × {number(seconds, 4)} s"
        time = f"time {first} + ⌊{behind} × {rate}⌋ = {first + span.time(frame)}"
    elif grid.frames > 1 and span.frame is None:
        time = f"time {first} + {behind} = {first + span.time(frame)}"
    return (
        f"Row {spot.row}, column {spot.column} of {grid.rows}×{grid.columns} in {picture_name(trace, span)}{frames}, "
        f"which begins at {first}: {time}, height {first} + {spot.row} = {first + spot.row}, "
        f"width {first} + {spot.column} = {first + spot.column}."
    )


def _delta(standing: Standing) -> Iterator[Fact]:
    """The rope delta that the model held, who wrote it, and what these tokens need."""
    placement = standing.placement
    forward = placement.forward
    held = forward.before if forward.past else forward.after
    if held is None or not placement.spans:
        return
    value = held.of(placement.row)
    when = "in" if held.inside else "before"
    text = f"{value}, written {when} step {held.step}"
    used = bool(forward.past) and not forward.positions_given
    if forward.past and forward.positions_given:
        text += "; not used, since positions were given with the forward"
    stale = used and value is not None and value != placement.delta
    yield "rope delta", f"{text}; {placement.delta} is needed" if stale else text, stale


def entry_of(trace: Trace, placement: Placement, spot: Spot) -> Entry | None:
    """What became of the picture of a spot."""
    return next((entry for entry in entries(trace, [placement]) if entry.span is spot.span), None)


def map_of(trace: Trace, placement: Placement, spot: Spot) -> Map | None:
    """The map of a picture between pixels, patches and tokens; None where it did not go through a tower with grids."""
    entry = entry_of(trace, placement, spot)
    tower = None if entry is None else tower_of(trace, placement.forward, entry.kind)
    if entry is None or tower is None or entry.size is None:
        return None
    return Map(entry, tower, tower.layout.merge, tower.layout.patch)


def merged_of(found: Map, spot: Spot) -> int:
    """The merged token of a spot, counted in its picture."""
    merge = found.merge
    return found.merged(spot.frame, spot.row * merge, spot.column * merge)


def _patches(trace: Trace, standing: Standing) -> Iterator[Fact]:
    """The patches that became the token, the pixels that they cover, and their window."""
    assert standing.spot is not None
    found = map_of(trace, standing.placement, standing.spot)
    if found is None:
        return
    patches = found.patches_of(merged_of(found, standing.spot))
    shown = table(found, patches)
    names = [column.name for column in shown.columns]
    first, last = (dict(zip(names, shown.rows[at], strict=True)) for at in (0, -1))
    yield "patches", f"{patches[0]}–{patches[-1]} of pixel_values, {counted(len(patches), 'patch', 'patches')}", False
    yield "pixels", "; ".join(_pixels(first, last)), False
    if first["window"] is not None:
        text = f"{first['window']} of the vision tower; place {first['place in window order']} in window order"
        yield "window", text, False


def _pixels(first: dict[str, Cell], last: dict[str, Cell]) -> Iterator[str]:
    """From the first patch's top left corner to the last one's bottom right."""
    for name, said in (("pixels of the original", "of the original"), ("pixels after resizing", "after resizing")):
        if first[name] is not None:
            across, down = (
                f"{one.partition('–')[0]}–{other.partition('–')[2]}"
                for one, other in zip(str(first[name]).split(", "), str(last[name]).split(", "), strict=True)
            )
            yield f"{across} across, {down} down {said}"
