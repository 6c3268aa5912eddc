"""One token's query and key in one head, before and after they were turned, pair by pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inspector.analysis.checks import Check
from inspector.analysis.numbering import layer_numbers, place_named
from inspector.analysis.placement import Placement
from inspector.analysis.position_checks import written
from inspector.analysis.projections import Side, Turned, decoder_attention, heads, turned
from inspector.analysis.rope import wavelength
from inspector.analysis.rotary import Rotary
from inspector.analysis.rotation import PAIRINGS, Fit, Pairing, angles, as_long_as, pair_dims
from inspector.analysis.rotation import turned as turned_by
from inspector.analysis.rotation_checks import SIDES, judged, places_told, rotary_of
from inspector.errors import InputError
from inspector.parts import Cell, Column, Part, Table, Text
from inspector.trace import Trace
from inspector.views.asking import whole
from inspector.views.rows import Rows

if TYPE_CHECKING:
    from torch import Tensor

CLOSE = 2e-2
"""What rounding to bfloat16 leaves of the larger of two numbers."""


def parts(
    trace: Trace, placement: Placement, rotaries: list[Rotary], token: str, layer: str, head: str
) -> tuple[list[Part], list[Check]]:
    """Query and key of a token as tables, and how the layer pairs dimensions. Raises `InputError`."""
    place = _place(placement, token)
    calls = decoder_attention(trace, placement.forward.step)
    if not calls:
        return [
            Text("Query and key before and after turning", "No attention of the decoder was seen in this step.")
        ], []
    at = place_named(trace, calls, layer) if layer else 0
    call, number = calls[at], layer_numbers(calls)[at]
    number_of = heads(call, "query")
    chosen = whole(head or "0", "head", number_of, "heads") if number_of else 0
    shown: list[Part] = []
    checks: list[Check] = []
    rotary = rotary_of(rotaries, trace, number)
    for side in SIDES:
        group = max(1, number_of // (heads(call, "key") or 1))
        own = chosen if side == "query" else chosen // group
        found = turned(trace, call, side, placement.row, own, placement.forward)
        if isinstance(found, str) or rotary is None or placement.actual is None:
            shown.append(_not_shown(trace, side, rotary, found if isinstance(found, str) else ""))
            continue
        fit, check = judged(trace, placement, found, rotary, number)
        checks.append(check)
        shown.append(_table(placement, found, place, rotary, fit))
    return shown, checks


def _place(placement: Placement, token: str) -> int:
    """The place of a token among those that have a position; that of the last where none is named."""
    if not token:
        return len(placement.tokens) - 1
    index = whole(token, "token", placement.forward.tokens, "tokens")
    if index not in placement.tokens:
        raise InputError(f"--token {token}: this token is padding; it has no position.")
    return placement.tokens.index(index)


def _not_shown(trace: Trace, side: Side, rotary: Rotary | None, why: str) -> Text:
    """Why there is nothing to show of a side."""
    title = f"{side.capitalize()} before and after turning"
    if trace.model.shape_only:
        return Text(title, "The model ran without weights (shape-only): its queries and keys have no values to turn.")
    if rotary is None:
        return Text(title, "This model does not turn queries and keys by their positions.")
    return Text(title, why or "The positions of this forward were not recorded.")


def _table(placement: Placement, found: Turned, place: int, rotary: Rotary, fit: Fit) -> Table:
    token, dims = placement.tokens[place], found.before.shape[-1]
    pairs = min(len(rotary.inv_freq), dims // 2)
    how: Pairing = fit.pairing or rotary.pairing or "halves"
    before, after = found.before[token].float(), found.after[token].float()
    expected = _expected(placement, found, place, rotary, fit, how)
    assert placement.actual is not None
    position = placement.actual[:, place].tolist()
    axes = rotary.axes

    def row(pair: int) -> tuple[Cell, ...]:
        first, second = pair_dims(pair, pairs, how)
        vectors = [before, after] if expected is None else [before, after, expected]
        numbers = [float(vector[dim]) for vector in vectors for dim in (first, second)]
        gap = max(abs(numbers[2] - numbers[4]), abs(numbers[3] - numbers[5])) if expected is not None else 0.0
        shown: list[Cell] = [float(f"{value:.5g}") for value in numbers]
        return (
            pair,
            f"{first}, {second}",
            position[min(axes[pair], len(position) - 1)],
            float(f"{wavelength(rotary.inv_freq[pair]):.4g}"),
            *(shown if expected is not None else [*shown, None, None]),
            "≠" if gap > CLOSE * (max(map(abs, numbers)) or 1.0) else None,
        )

    columns = (
        *(Column("pair", "right"), Column("dimensions"), Column("position", "right"), Column("wavelength", "right")),
        *(Column(f"{when} {axis}", "right") for when in ("before", "after", "expected") for axis in ("x", "y")),
        Column("mark"),
    )
    title = f"{found.side.capitalize()} of token {token}, head {found.head}, before and after turning"
    return Table(title, columns, Rows(range(pairs), row), " ".join(_note(found, position, fit, how)))


def _expected(placement: Placement, found: Turned, place: int, rotary: Rotary, fit: Fit, how: Pairing) -> Tensor | None:
    """What turning makes of a token's vector; None where it is not known by how much it turns."""
    if 2 * len(rotary.inv_freq) > found.before.shape[-1] or place not in places_told(placement, rotary):
        return None
    assert placement.actual is not None
    token = placement.tokens[place]
    before, after = found.before[token][None].float(), found.after[token][None].float()
    angle = angles(placement.actual[:, place : place + 1], rotary.inv_freq, rotary.axes)
    backwards = fit.backwards or (fit.pairing is None and rotary.backwards)
    sign = 0 if fit.still else -1 if backwards else 1
    scaling = 1.0 if fit.still else rotary.scaling
    return as_long_as(turned_by(before, sign * angle, how, scaling), after)[0]


def _note(found: Turned, position: list[int], fit: Fit, how: Pairing) -> list[str]:
    """Where the numbers come from, and how they were turned."""
    after = f"After: before {found.normed}, a norm behind the rotation." if found.normed and not fit.still else ""
    if fit.still:
        pairs = "This layer does not rotate."
    elif fit.pairing is None:
        pairs = f"No pairing fits; shown for {PAIRINGS[how]}."
    else:
        pairs = f"Pairs: {PAIRINGS[how]}{', backwards' if fit.backwards else ''}."
    said = [f"Before: {found.came_from}.", after, f"Position {written(tuple(position))}.", pairs]
    return [part for part in said if part]
