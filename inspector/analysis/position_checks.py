"""What can go wrong with the positions of a row, each as a check with its evidence."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from inspector.analysis.checks import Check, counted, every, some
from inspector.analysis.forwards import Delta
from inspector.analysis.placement import Placement
from inspector.analysis.positions import AXES, Span

if TYPE_CHECKING:
    from torch import Tensor


def position_checks(
    placement: Placement, *, typed: bool, timed: bool, known: dict[int, str], apart: bool | None = None
) -> Iterator[Check]:
    """The checks of one row of one forward. `typed` says whether the model takes `mm_token_type_ids`, `timed` whether
    it spaces the frames of videos by seconds; `known` are the ids of placeholders. `apart` is whether masks keep packed
    sequences apart.
    """
    yield _positions(placement)
    if placement.restarts:
        yield _packed(placement, apart)
    pictures = [span for span in placement.spans if span.grid is not None]
    if pictures and typed:
        yield _types(placement, known)
    yield from _pictures(placement, pictures, timed=timed)
    if placement.actual is not None and placement.actual.shape[0] not in (1, len(AXES)):
        yield _unknown_axes(placement)
    if placement.offset:
        yield _offset(placement)
    if placement.forward.past and placement.forward.before is not None and placement.spans:
        yield _delta(placement, placement.forward.before)


def _positions(placement: Placement) -> Check:
    count = len(placement.tokens)
    given = placement.forward.positions
    if given is not None and given.shape[-1] != placement.forward.tokens:
        text = f"{counted(given.shape[-1], 'position')} for {counted(placement.forward.tokens, 'token')}."
        return Check("positions", False, text)
    if placement.actual is None:
        return Check("positions", None, "No positions were recorded for this forward.")
    if not placement.spans:
        return Check("positions", None, "The conversation began before this trace.")
    if not placement.wrong:
        text = f"{every(count, 'token', 'stands where it should', 'stand where they should')}."
        return Check("positions", True, text)
    places = placement.differing.nonzero().flatten().tolist()
    first = places[0]
    stands = tuple(placement.actual[:, first].tolist())
    return Check(
        "positions",
        False,
        f"{placement.wrong:,} of {counted(count, 'token')} stand elsewhere, first token {placement.tokens[first]}: "
        f"{written(placement.expected(first))} expected, {written(stands)} found.",
    )


def _unknown_axes(placement: Placement) -> Check:
    """Positions whose axes are not time, height and width."""
    assert placement.actual is not None
    axes, spread = placement.actual.shape[0], int((placement.actual != placement.actual[:1]).any(dim=0).sum())
    if not spread:
        return Check("axes", True, f"Every token stands at the same number on all {axes} axes, as text does.")
    text = f"Not checked: {counted(spread, 'token')} of pictures on all of {axes} axes but the first, since it is not "
    return Check("axes", None, f"{text}known here what the others count.")


def _packed(placement: Placement, apart: bool | None) -> Check:
    """Sequences one after the other in one row."""
    bounds = [0, *placement.restarts, len(placement.tokens)]
    sizes = some(stop - start for start, stop in pairwise(bounds))
    text = f"{len(bounds) - 1:,} sequences are packed into this row, of {sizes} tokens; each counts from 0."
    how = {
        True: "Masks keep them apart.",
        False: "Masks do not keep them apart, so that each sees those before it: transformers makes such masks only "
        "without a padding mask and without a cache.",
        None: "Whether masks keep them apart was not recorded.",
    }
    return Check("packed", apart, f"{text} {how[apart]}")


def _types(placement: Placement, known: dict[int, str]) -> Check:
    name, forward, row = "mm_token_type_ids", placement.forward, placement.row
    if forward.types is None and forward.positions_given:
        return Check(name, True, "Not given, nor needed: the positions came ready-made.")
    if forward.types is None or forward.types.shape[-1] != forward.tokens:
        return Check(name, False, "Not given: the model cannot tell pictures from text, and counts them like text.")
    kinds = forward.kinds(row, known)
    numbers = {"text": 0, "image": 1, "video": 2}
    given = forward.types[row % forward.types.shape[0]].tolist()
    pairs = zip(placement.tokens, kinds, strict=True)
    wrong = [token for token, kind in pairs if given[token] != numbers.get(kind, 0)]
    if wrong:
        return Check(name, False, f"The types of {counted(len(wrong), 'token')} contradict their ids: {some(wrong)}.")
    return Check(name, True, "Types and ids name the same tokens.")


def _pictures(placement: Placement, spans: list[Span], *, timed: bool) -> Iterator[Check]:
    """Placeholders, time and place of each picture."""
    for span in spans:
        name = f"{span.kind} {(span.grid.number if span.grid else 0) + 1}"
        if span.count != span.expected:
            more = span.count - span.expected
            yield Check(
                name,
                False,
                f"{counted(span.count, 'placeholder')} for {counted(span.expected, 'merged token')}: "
                f"{abs(more):,} too {'many' if more > 0 else 'few'}.",
            )
        if placement.actual is not None:
            yield from _flat(placement, span, name)
            yield from _time(placement, span, name, timed=timed)
            yield from _behind(placement, span, name)


def _behind(placement: Placement, span: Span, name: str) -> Iterator[Check]:
    """What follows a video whose time goes on beyond it."""
    if span.reaches_beyond and span.after == "side":
        at, time = span.next + placement.offset, span.last + placement.offset
        text = f"It goes on at {at}, while the video's time reaches {time}. The models were published to go on behind "
        yield Check(f"after {name}", False, f"{text}the largest position, at {time + 1}; transformers 5 does not.")


def _flat(placement: Placement, span: Span, name: str) -> Iterator[Check]:
    """A picture whose tokens stand on one line, as text does."""
    own = _own(placement, span)
    if (
        span.spread is not None
        and own.shape[0] == 3
        and span.count > 1
        and bool((own == own[0]).all())
        and _is_spread(span)
    ):
        text = "time, height and width are the same number for every token, as in text."
        yield Check(name, False, f"{name.capitalize()}: {text}")


def _is_spread(span: Span) -> bool:
    return len({axis for token in (span.start, span.stop - 1) for axis in span.at(token)}) > 1


def _time(placement: Placement, span: Span, name: str, *, timed: bool) -> Iterator[Check]:
    """A video whose frames do not go on in time as they should."""
    grid = span.spread
    if span.kind != "video" or grid is None or grid.frames == 1 or span.frame is not None:
        return
    actual = len(set(_own(placement, span)[0].tolist()))
    expected = len({span.time(frame) for frame in range(grid.frames)})
    given = bool(placement.forward.seconds) or not timed
    source = "" if given else " second_per_grid_ts was not given, and 1 second is taken for each."
    text = f"{counted(grid.frames, 'frame')} at {counted(actual, 'temporal position')}, {expected:,} expected."
    if actual != expected or not given:
        yield Check(f"{name}, time", actual == expected if given else None, text + source)


def _offset(placement: Placement) -> Check:
    text = f"The row stands {counted(placement.offset, 'position')} further than its first token asks for"
    if placement.forward.absolute:
        return Check("offset", False, f"{text}, and this model looks vectors up by position.")
    return Check("offset", True, f"{text}: padding was counted. Rotary attention sees only differences.")


def _delta(placement: Placement, held: Delta) -> Check:
    value = held.of(placement.row)
    where = "in" if held.inside else "before"
    text = f"{value} was written {where} step {held.step}; these tokens need {placement.delta}."
    if placement.forward.positions_given:
        return Check("rope delta", True, f"{text} Positions were given with the forward, so that it was not used.")
    return Check("rope delta", value == placement.delta, text)


def _own(placement: Placement, span: Span) -> Tensor:
    """The positions of a span's tokens: i64 [axes, tokens]."""
    assert placement.actual is not None
    return placement.actual[:, span.start - placement.begin : span.stop - placement.begin]


def written(position: tuple[int, ...] | None) -> str:
    """`7` where all axes agree, else `3,0,4`; `?` where it is not known."""
    if position is None:
        return "?"
    return str(position[0]) if len(set(position)) == 1 else ",".join(map(str, position))


def named(position: tuple[int, ...]) -> str:
    """`t 3, h 0, w 4`."""
    return ", ".join(f"{axis} {value}" for axis, value in zip(AXES, position, strict=False))
