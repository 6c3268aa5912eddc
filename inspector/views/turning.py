"""One token's query and key in one head, before and after they were turned, pair by pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inspector.analysis.checks import Check
from inspector.analysis.placement import Placement
from inspector.analysis.position_checks import written
from inspector.analysis.projections import Side, Turned, decoder_attention, heads, turned
from inspector.analysis.rope import wavelength
from inspector.analysis.rotary import Rotary
from inspector.analysis.rotation import PAIRINGS, Pairing, angles, as_long_as, pair_dims, pairing_of
from inspector.analysis.rotation import turned as turned_by
from inspector.analysis.wording import number
from inspector.errors import InputError
from inspector.parts import Cell, Column, Part, Table, Text
from inspector.trace import Call, Trace
from inspector.views.asking import whole
from inspector.views.rope import laid_out
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
    call = calls[whole(layer or "0", "layer", len(calls), "layers")]
    number_of = heads(call, "query")
    chosen = whole(head or "0", "head", number_of, "heads") if number_of else 0
    shown: list[Part] = []
    checks: list[Check] = []
    rotary = _rotary(rotaries, trace, call, layer or "0")
    for side in ("query", "key"):
        group = max(1, number_of // (heads(call, "key") or 1))
        own = chosen if side == "query" else chosen // group
        found = turned(trace, call, side, placement.row, own, placement.forward.tokens)
        if found is None or rotary is None or placement.actual is None:
            shown.append(_not_kept(trace, call, side, rotary))
            continue
        angle = angles(placement.actual, rotary.inv_freq, rotary.axes)
        pairing, check = _pairing(placement, found, angle, rotary, laid_out(trace, placement, rotary))
        checks.append(check)
        shown.append(_table(placement, found, place, angle, rotary, pairing))
    return shown, checks


def _place(placement: Placement, token: str) -> int:
    index = whole(token, "token", placement.forward.tokens, "tokens")
    if index not in placement.tokens:
        raise InputError(f"--token {token}: this token is padding; it has no position.")
    return placement.tokens.index(index)


def _rotary(rotaries: list[Rotary], trace: Trace, call: Call, layer: str) -> Rotary | None:
    """The rotary embedding of a layer: the one of its type where types differ."""
    own = [rotary for rotary in rotaries if not rotary.vision]
    types = (trace.config.get("text_config") or trace.config).get("layer_types") or []
    kind = types[int(layer)] if int(layer) < len(types) else ""
    return next((rotary for rotary in own if rotary.layer_type == kind), own[0] if own else None)


def _not_kept(trace: Trace, call: Call, side: Side, rotary: Rotary | None) -> Text:
    title = f"{side.capitalize()} before and after turning"
    if trace.model.shape_only:
        return Text(title, "The model ran without weights (shape-only): its queries and keys have no values to turn.")
    if rotary is None:
        return Text(title, "This model does not turn queries and keys by their positions.")
    if f"attention.{side}" not in call.inputs:
        return Text(title, f"The kernel of {call.path} was not seen: its module does not call transformers' attention.")
    layer = next((part for part in call.path.split(".") if part.isdecimal()), "*")
    return Text(
        title,
        f"The values were not kept, or this layer has no {side[0]}_proj of its own. Trace again with "
        f"--values '*.{layer}.*:output' --values '*.{layer}.*:attention.*'.",
    )


def _pairing(
    placement: Placement, found: Turned, angle: Tensor, rotary: Rotary, wanted: Pairing | None
) -> tuple[Pairing | None, Check]:
    """How a layer paired dimensions, and whether that is what its cos and sin are laid out for."""
    tokens = placement.tokens
    pairing, gap = pairing_of(found.before[tokens], found.after[tokens], angle, rotary.scaling)
    name = f"rotation of the {found.side}"
    if pairing is None:
        if bool((angle == 0).all()):
            return None, Check(name, None, "Every token stands at position 0, where nothing turns.")
        text = f"Neither pairing of dimensions leads from before to after: the best is off by {number(gap)}."
        return None, Check(name, False, text)
    how = PAIRINGS[pairing].capitalize()
    if wanted is not None and wanted != pairing:
        return pairing, Check(name, False, f"{how}, and cos and sin are laid out so that {PAIRINGS[wanted]}.")
    return pairing, Check(name, True, f"{how}; the largest difference is {number(gap)}.")


def _table(
    placement: Placement, found: Turned, place: int, angle: Tensor, rotary: Rotary, pairing: Pairing | None
) -> Table:
    token = placement.tokens[place]
    pairs = len(rotary.inv_freq)
    how: Pairing = pairing or "halves"
    before, after = found.before[token].float(), found.after[token].float()
    expected = as_long_as(turned_by(before[None], angle[place : place + 1], how, rotary.scaling), after[None])[0]
    assert placement.actual is not None
    position = placement.actual[:, place].tolist()
    axes = rotary.axes

    def row(pair: int) -> tuple[Cell, ...]:
        first, second = pair_dims(pair, pairs, how)
        numbers = [float(vector[dim]) for vector in (before, after, expected) for dim in (first, second)]
        gap = max(abs(numbers[2] - numbers[4]), abs(numbers[3] - numbers[5]))
        size = max(map(abs, numbers)) or 1.0
        return (
            pair,
            f"{first}, {second}",
            position[min(axes[pair], len(position) - 1)],
            float(f"{wavelength(rotary.inv_freq[pair]):.4g}"),
            *(float(f"{value:.5g}") for value in numbers),
            "≠" if gap > CLOSE * size else None,
        )

    columns = (
        *(Column("pair", "right"), Column("dimensions"), Column("position", "right"), Column("wavelength", "right")),
        *(Column(f"{when} {axis}", "right") for when in ("before", "after", "expected") for axis in ("x", "y")),
        Column("mark"),
    )
    title = f"{found.side.capitalize()} of token {token}, head {found.head}, before and after turning"
    note = f"Before: {found.came_from}. Position {written(tuple(position))}. " + (
        f"Pairs: {PAIRINGS[how]}." if pairing else f"No pairing fits; shown for {PAIRINGS[how]}."
    )
    return Table(title, columns, Rows(range(pairs), row), note)
