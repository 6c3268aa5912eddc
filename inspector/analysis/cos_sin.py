"""cos and sin as a rotary embedding put them out: how they are laid out, and whether they follow from positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inspector.analysis.checks import Check, counted
from inspector.analysis.forwards import kept
from inspector.analysis.placement import Placement
from inspector.analysis.rotary import Rotary
from inspector.analysis.rotation import Pairing
from inspector.analysis.wording import number
from inspector.trace import Call, Trace

if TYPE_CHECKING:
    from torch import Tensor

ROUNDING = 8e-3
"""What rounding to bfloat16 leaves of numbers up to 1; a wrong axis or position is far beyond it."""


def held_turns(trace: Trace, placement: Placement, rotary: Rotary) -> dict[str, Tensor] | None:
    """cos and sin [tokens, dims] of a row as a rotary embedding put them out; None where they were not kept."""
    whole = _outputs(trace, rotary, placement.forward.step)
    if whole is None or whole[0].ndim != 3 or whole[0].shape[1] != placement.forward.tokens:
        return None
    row, tokens = placement.row % whole[0].shape[0], placement.tokens
    return {name: part[row, tokens].float() for name, part in zip(("cos", "sin"), whole, strict=True)}


def laid_out(found: dict[str, Tensor] | None, pairs: int) -> Pairing | None:
    """The pairing for which cos and sin [tokens, dims] are laid out; None where they were not kept, hold each
    number once, or do not tell.
    """
    if found is None or not len(found["sin"]) or found["sin"].shape[1] != 2 * pairs:
        return None
    halves = all(bool((part[:, :pairs] == part[:, pairs:]).all()) for part in found.values())
    neighbours = all(bool((part[:, ::2] == part[:, 1::2]).all()) for part in found.values())
    return None if halves == neighbours else "halves" if halves else "neighbours"


def by_pair(part: Tensor, pairs: int, layout: Pairing | None) -> Tensor:
    """cos or sin [tokens, dims] with each pair's number once: [tokens, pairs]."""
    if layout == "neighbours" and part.shape[1] == 2 * pairs:
        return part[:, ::2]
    return part[:, :pairs]


def turns_check(placement: Placement, rotary: Rotary, found: dict[str, Tensor], expected: dict[str, Tensor]) -> Check:
    """Whether cos and sin [tokens, pairs] follow from positions and frequencies."""
    name = "cos and sin"
    pairs = expected["cos"].shape[1]
    if found["cos"].shape[1] < pairs:
        return Check(name, None, f"Not checked: the model made {found['cos'].shape[1]} numbers for {pairs} pairs.")
    assert placement.actual is not None
    told = list(range(placement.actual.shape[1]))
    if not rotary.by_axis:  # tokens of pictures turn by several positions, and which pair by which is not known
        told = (placement.actual == placement.actual[:1]).all(dim=0).nonzero().flatten().tolist()
    if not told:
        return Check(name, None, "Not checked: which pair turns by which axis is not known here.")
    gap = max(float((found[part][told] - expected[part][told]).abs().max()) for part in expected)
    text = f"The largest difference from positions × frequencies is {number(gap)}."
    if left := placement.actual.shape[1] - len(told):
        text += (
            f" Not checked: {counted(left, 'token')} of pictures, since it is not known which pair turns by which axis."
        )
    return Check(name, gap <= ROUNDING, text)


def _outputs(trace: Trace, rotary: Rotary, step: int) -> tuple[Tensor, Tensor] | None:
    call = _call(trace, rotary, step)
    if call is None:
        return None
    single, cos, sin = (kept(trace, call, port) for port in ("output", "output[0]", "output[1]"))
    if single is not None and single.is_complex():
        return single.real, single.imag
    return None if cos is None or sin is None else (cos, sin)


def _call(trace: Trace, rotary: Rotary, step: int) -> Call | None:
    """The call of a rotary embedding in a step; with layer types, the one that was asked for this type."""
    for index in trace.occurrences(rotary.path):
        call = trace.calls[index]
        asked = [value for value in call.inputs.values() if value == rotary.layer_type]
        if call.step == step and (asked or not rotary.layer_type):
            return call
    return None
