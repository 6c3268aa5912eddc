"""One token's query and key in one head, before and after they were turned, pair by pair."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING

from inspector.analysis.checks import Check, counted, some
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
from inspector.trace import Call, TensorInfo, Trace
from inspector.views.asking import whole
from inspector.views.rope import laid_out
from inspector.views.rows import Rows

if TYPE_CHECKING:
    from torch import Tensor

SIDES: tuple[Side, ...] = ("query", "key")

LOOKED = 2**25
"""Elements of queries and keys that are read for a look at all layers, at most: of a long prompt the first layers."""

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
    for side in SIDES:
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


def layer_checks(trace: Trace, placement: Placement, rotaries: Sequence[Rotary]) -> list[Check]:
    """How the layers pair dimensions, as far as their queries and keys were kept: each told by its first head. Nothing
    where none can be told.
    """
    seen: list[int] = []
    wrong: list[str] = []
    elements = 0
    for layer, call in enumerate(decoder_attention(trace, placement.forward.step)):
        elements += sum(_elements(call, side) for side in SIDES)
        if elements > LOOKED:
            break
        checks = list(_of_layer(trace, placement, rotaries, call, layer))
        seen += [layer] if checks else []
        wrong += [f"layer {layer}: {check.evidence}" for check in checks if not check.ok][:1]
    if not seen:
        return []
    text = f"{counted(len(seen), 'layer')} turn queries and keys in the pairs that cos and sin are laid out for."
    return [Check("rotation", not wrong, f"{some(wrong, 2)}" if wrong else text)]


def _of_layer(
    trace: Trace, placement: Placement, rotaries: Sequence[Rotary], call: Call, layer: int
) -> Iterator[Check]:
    """The checks of query and key where it can be told how they were turned, and where they were."""
    rotary = _rotary(rotaries, trace, call, str(layer))
    for side in SIDES:
        found = turned(trace, call, side, placement.row, 0, placement.forward.tokens)
        if found is None or rotary is None or placement.actual is None or _stands_still(found, placement.tokens):
            continue
        angle = angles(placement.actual, rotary.inv_freq, rotary.axes)
        check = _pairing(placement, found, angle, rotary, laid_out(trace, placement, rotary))[1]
        if check.ok is not None:
            yield check


def _stands_still(found: Turned, tokens: Sequence[int]) -> bool:
    """Whether a layer does not turn at all: some models have layers without positions."""
    before, after = found.before[tokens].float(), found.after[tokens].float()
    gap = (as_long_as(before, after) - after).abs().max()
    return bool(gap <= CLOSE * after.abs().max())


def _elements(call: Call, side: Side) -> int:
    info = call.inputs.get(f"attention.{side}")
    return prod(info.shape) if isinstance(info, TensorInfo) else 0


def _place(placement: Placement, token: str) -> int:
    index = whole(token, "token", placement.forward.tokens, "tokens")
    if index not in placement.tokens:
        raise InputError(f"--token {token}: this token is padding; it has no position.")
    return placement.tokens.index(index)


def _rotary(rotaries: Sequence[Rotary], trace: Trace, call: Call, layer: str) -> Rotary | None:
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
