"""How layers turned their queries and keys, told from before and after, and whether that is what their code means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING

from inspector.analysis.checks import Check, counted, some
from inspector.analysis.cos_sin import held_turns, laid_out
from inspector.analysis.numbering import layer_numbers
from inspector.analysis.placement import Placement
from inspector.analysis.projections import Side, Turned, decoder_attention, turned
from inspector.analysis.rope import text_config
from inspector.analysis.rotary import Rotary
from inspector.analysis.rotation import PAIRINGS, Fit, angles, fit_of
from inspector.analysis.wording import number
from inspector.trace import Call, TensorInfo, Trace

if TYPE_CHECKING:
    from torch import Tensor

SIDES: tuple[Side, ...] = ("query", "key")

LOOKED = 2**25
"""Elements of queries and keys that are read for a look at all layers, at most: of a long prompt the first layers."""


def rotary_of(rotaries: Sequence[Rotary], trace: Trace, layer: int | None) -> Rotary | None:
    """The rotary embedding of a layer: the one of its type where types differ."""
    own = [rotary for rotary in rotaries if not rotary.vision]
    types = text_config(trace.config).get("layer_types") or []
    kind = types[layer] if layer is not None and layer < len(types) else ""
    return next((rotary for rotary in own if rotary.layer_type == kind), own[0] if own else None)


def layer_checks(trace: Trace, placement: Placement, rotaries: Sequence[Rotary]) -> list[Check]:
    """How the layers pair dimensions, as far as their queries and keys were kept: each told by its first head. Nothing
    where none can be told.
    """
    seen: list[str] = []
    wrong: list[str] = []
    elements = 0
    calls = decoder_attention(trace, placement.forward.step)
    for call, layer in zip(calls, layer_numbers(calls), strict=True):
        elements += sum(_elements(call, side) for side in SIDES)
        if elements > LOOKED:
            break
        name = call.path if layer is None else f"layer {layer}"
        checks = list(_of_layer(trace, placement, rotaries, call, layer))
        seen += [name] if checks else []
        wrong += [f"{name}: {check.evidence}" for check in checks if not check.ok][:1]
    if not seen:
        return []
    turn = "turns" if len(seen) == 1 else "turn"
    text = f"{counted(len(seen), 'layer')} {turn} queries and keys in the pairs that the code of the model means."
    return [Check("rotation", not wrong, f"{some(wrong, 2)}" if wrong else text)]


def _of_layer(
    trace: Trace, placement: Placement, rotaries: Sequence[Rotary], call: Call, layer: int | None
) -> Iterator[Check]:
    """The checks of query and key where it can be told how they were turned, and where they were."""
    rotary = rotary_of(rotaries, trace, layer)
    for side in SIDES:
        found = turned(trace, call, side, placement.row, 0, placement.forward)
        if isinstance(found, str) or rotary is None or placement.actual is None:
            continue
        fit, check = judged(trace, placement, found, rotary, layer)
        if check.ok is not None and not (fit.still and check.ok):
            yield check


def judged(trace: Trace, placement: Placement, found: Turned, rotary: Rotary, layer: int | None) -> tuple[Fit, Check]:
    """How a layer turned a head, and whether that is what its code means."""
    name, tokens = f"rotation of the {found.side}", placement.tokens
    assert placement.actual is not None
    pairs, dims = len(rotary.inv_freq), found.before.shape[-1]
    if 2 * pairs > dims:
        text = f"Not checked: a rotary embedding of {counted(pairs, 'pair')} does not fit a head of {dims} dimensions."
        return Fit(None, 0.0), Check(name, None, text)
    told = places_told(placement, rotary)
    angle = angles(placement.actual, rotary.inv_freq, rotary.axes)[told]
    own = [tokens[place] for place in told]
    fit = fit_of(found.before[own], found.after[own], angle, rotary.scaling) if told else Fit(None, 0.0)
    if fit.still:
        return fit, _still(trace, name, layer)
    if fit.pairing is None:
        return fit, _no_fit(name, fit, rotary, angle)
    return fit, _paired(trace, placement, name, fit, rotary)


def places_told(placement: Placement, rotary: Rotary) -> list[int]:
    """The places of the tokens of which it is known by which positions each pair turns."""
    assert placement.actual is not None
    if rotary.by_axis:
        return list(range(placement.actual.shape[1]))
    places: list[int] = (placement.actual == placement.actual[:1]).all(dim=0).nonzero().flatten().tolist()
    return places


def _still(trace: Trace, name: str, layer: int | None) -> Check:
    """A layer that turned nothing: some are meant to."""
    layers = text_config(trace.config).get("no_rope_layers")
    text = "This layer does not rotate (NoPE)"
    if not isinstance(layers, Sequence) or layer is None or layer >= len(layers):
        return Check(name, None, f"{text}; its configuration does not say whether it should.")
    if layers[layer]:
        return Check(name, False, f"{text}, and its configuration asks for rotation.")
    return Check(name, True, f"{text}, as its configuration asks for.")


def _no_fit(name: str, fit: Fit, rotary: Rotary, angle: Tensor) -> Check:
    if not bool(angle.any()):
        return Check(name, None, "Every token stands at position 0, where nothing turns.")
    if not rotary.held and rotary.asked is None:
        return Check(name, None, "Not checked: by which frequencies this layer turns is not known.")
    text = f"Neither pairing of dimensions leads from before to after: the best is off by {number(fit.gap)}."
    return Check(name, False, text)


def _paired(trace: Trace, placement: Placement, name: str, fit: Fit, rotary: Rotary) -> Check:
    """Whether a layer paired dimensions as its code is written; without its code, as cos and sin are laid out."""
    assert fit.pairing is not None
    how = PAIRINGS[fit.pairing].capitalize() + (", backwards" if fit.backwards else "")
    layout = laid_out(held_turns(trace, placement, rotary), len(rotary.inv_freq))
    laid = f"and cos and sin are laid out so that {PAIRINGS[layout]}" if layout is not None else ""
    if rotary.pairing is None:
        unsure = layout not in (None, fit.pairing)
        return Check(name, None, f"{how}, {laid}; which is meant is not known.") if unsure else _right(name, how, fit)
    if (fit.pairing, fit.backwards) == (rotary.pairing, rotary.backwards) or len(rotary.inv_freq) == 1:
        return _right(name, how, fit)
    if layout == rotary.pairing and layout != fit.pairing:
        return Check(name, False, f"{how}, {laid}.")
    meant = PAIRINGS[rotary.pairing] + (", backwards" if rotary.backwards else "")
    return Check(name, False, f"{how}, and by the code of its class {meant}.")


def _right(name: str, how: str, fit: Fit) -> Check:
    return Check(name, True, f"{how}; the largest difference is {number(fit.gap)}.")


def _elements(call: Call, side: Side) -> int:
    info = call.inputs.get(f"attention.{side}")
    return prod(info.shape) if isinstance(info, TensorInfo) else 0
