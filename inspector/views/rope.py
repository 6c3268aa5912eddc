"""Rotary embeddings as parts: parameters, the head's dimensions by axis, wavelengths, cos and sin."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from inspector.analysis.checks import Check
from inspector.analysis.forwards import kept
from inspector.analysis.placement import Placement
from inspector.analysis.positions import AXES
from inspector.analysis.rope import wavelength
from inspector.analysis.rope_variants import VARIANTS
from inspector.analysis.rotary import Rotary
from inspector.analysis.wording import number
from inspector.parts import Cell, Column, Curve, Heatmap, Part, Picture, Table
from inspector.trace import Call, Trace
from inspector.views.rows import Rows

if TYPE_CHECKING:
    from torch import Tensor

    from inspector.analysis.rotation import Pairing

COLORS = ((180, 40, 40), (90, 190, 110), (150, 190, 255))
"""Time, height and width, each brighter than the one before, so that they differ without colour too."""
STILL = (40, 40, 40)
BAR = (6, 18)
"""Pixels of a dimension in the bar: across and down."""
CELLS = (64, 128)


def table(rotaries: list[Rotary]) -> Table:
    """A row for each rotary embedding, with its parameters and its effective base."""
    columns = (
        Column("rotary"),
        Column("layers"),
        Column("type"),
        Column("dimensions"),
        Column("base", "right"),
        Column("effective base", "right"),
        Column("sections"),
        Column("scaling", "right"),
        Column("wavelengths"),
        Column("parameters"),
        Column("which is"),
    )
    return Table("Rotary embeddings", columns, [_row(rotary) for rotary in rotaries])


def _row(rotary: Rotary) -> tuple[Cell, ...]:
    asked, frequencies = rotary.asked, rotary.inv_freq
    kind = asked.type if asked is not None else "axial" if rotary.vision else None
    waves = [wavelength(value) for value in frequencies if value > 0]
    parameters = dict(asked.parameters or {}) if asked is not None else {}
    shown = (f"{name} {_short(value)}" for name, value in parameters.items() if name not in ("rope_type", "rope_theta"))
    return (
        rotary.path or None,
        rotary.layer_type or "all",
        kind,
        f"{2 * len(frequencies)} of {asked.head_dim}" if asked is not None else f"2 × {2 * len(frequencies)}",
        asked.base if asked is not None else None,
        float(f"{rotary.effective_base:.4g}"),
        _sections(rotary),
        rotary.scaling,
        f"{number(min(waves))} … {number(max(waves))}" if waves else None,
        ", ".join(shown) or None,
        VARIANTS.get(kind or ""),
    )


def _short(value: object) -> str:
    return f"({len(value)} numbers)" if isinstance(value, (list, tuple)) and len(value) > 4 else str(value)


def _sections(rotary: Rotary) -> str | None:
    if rotary.asked is None or not rotary.asked.sections:
        return None
    order = ", in turn" if rotary.asked.interleaved else ""
    return " ".join(f"{axis} {size}" for axis, size in zip(AXES, rotary.asked.sections, strict=False)) + order


def head(rotary: Rotary) -> Iterator[Part]:
    """The dimensions of a head as a bar coloured by axis (where there are several), and each pair's wavelength."""
    frequencies, axes = rotary.inv_freq, rotary.axes
    title = f" of {rotary.layer_type}" if rotary.layer_type else ""
    if rotary.asked is not None and rotary.asked.sections:
        yield bar(rotary)
    pairs = [float(pair) for pair in range(len(frequencies))]
    logs = [math.log10(wavelength(value)) if value else math.nan for value in frequencies]
    yield Curve(f"Wavelengths{title}", pairs, {"log10 of positions a turn": logs}, "pair", "log10 positions")
    columns = (
        Column("pair", "right"),
        Column("dimensions"),
        Column("axis"),
        Column("wavelength", "right"),
        Column("inverse frequency", "right"),
        Column("asked for", "right"),
        Column("mark"),
    )

    def row(pair: int) -> tuple[Cell, ...]:
        asked = rotary.asked.inv_freq if rotary.asked is not None else ()
        several = rotary.asked is not None and rotary.asked.sections
        return (
            pair,
            f"{pair}, {pair + len(frequencies)}",
            AXES[axes[pair]] if several and pair < len(axes) else "position",
            float(f"{wavelength(frequencies[pair]):.6g}"),
            frequencies[pair],
            asked[pair] if pair < len(asked) else None,
            "≠" if rotary.differs(pair) else None,
        )

    yield Table(f"Pairs{title}", columns, Rows(range(len(frequencies)), row))


def bar(rotary: Rotary) -> Picture:
    """A column for each dimension of a head, red where it turns by time, green by height, blue by width."""
    asked = rotary.asked
    assert asked is not None
    axes = rotary.axes
    colors = [COLORS[axis] for axis in axes]
    dims = [*colors, *colors, *[STILL] * (asked.head_dim - 2 * len(colors))]
    line = b"".join(bytes(color) * BAR[0] for color in dims)
    counts = ", ".join(
        f"{color} {axis} {axes.count(index)}"
        for index, (axis, color) in enumerate(zip(AXES, ("red", "green", "blue"), strict=True))
    )
    note = f"Pairs by axis: {counts}. Dimension i turns with dimension i + {len(axes)}."
    return Picture("Dimensions of a head by axis", len(dims) * BAR[0], BAR[1], line * BAR[1], note)


def turns(trace: Trace, placement: Placement, rotary: Rotary) -> tuple[list[Part], list[Check]]:
    """cos and sin of one row as heatmaps, tokens down and pairs across, and how they compare with what follows from
    positions and frequencies. What was not kept is worked out.
    """
    from inspector.analysis.rotation import angles
    from inspector.analysis.tensors import grid

    if placement.actual is None or not rotary.inv_freq or not placement.actual.shape[1]:
        return [], []
    angle = angles(placement.actual, rotary.inv_freq, _axes(rotary))
    expected = {"cos": angle.cos() * rotary.scaling, "sin": angle.sin() * rotary.scaling}
    found = held_turns(trace, placement, rotary)
    checks = list(_compared(found, expected)) if found is not None else []
    note = "As the model made them." if found is not None else "Worked out from positions and frequencies; not kept."
    shown = found or expected
    pairs = len(rotary.inv_freq)
    parts: list[Part] = [
        Heatmap(f"{name} by token and pair", grid(shown[name][:, :pairs], *CELLS), "token", "pair", note)
        for name in ("cos", "sin")
    ]
    return parts, checks


def held_turns(trace: Trace, placement: Placement, rotary: Rotary) -> dict[str, Tensor] | None:
    """cos and sin [tokens, pairs] of a row as a rotary embedding put them out; None where they were not kept."""
    whole = _outputs(trace, rotary, placement.forward.step)
    if whole is None or whole[0].ndim != 3 or whole[0].shape[1] != placement.forward.tokens:
        return None
    row, tokens = placement.row % whole[0].shape[0], placement.tokens
    return {name: part[row, tokens].float() for name, part in zip(("cos", "sin"), whole, strict=True)}


def laid_out(trace: Trace, placement: Placement, rotary: Rotary) -> Pairing | None:
    """The pairing for which a model lays out its cos and sin; None where that was not kept, or where it holds each
    number once.
    """
    found = held_turns(trace, placement, rotary)
    pairs = len(rotary.inv_freq)
    if found is None or not len(found["sin"]) or found["sin"].shape[1] != 2 * pairs:
        return None
    sin = found["sin"]
    halves = bool((sin[:, :pairs] == sin[:, pairs:]).all())
    neighbours = bool((sin[:, ::2] == sin[:, 1::2]).all())
    return None if halves == neighbours else "halves" if halves else "neighbours"


def _outputs(trace: Trace, rotary: Rotary, step: int) -> tuple[Tensor, Tensor] | None:
    call = _call(trace, rotary, step)
    if call is None:
        return None
    single, cos, sin = (kept(trace, call, port) for port in ("output", "output[0]", "output[1]"))
    if single is not None and single.is_complex():
        return single.real, single.imag
    return None if cos is None or sin is None else (cos, sin)


def _axes(rotary: Rotary) -> list[int]:
    axes = rotary.axes
    return [*axes, *[0] * (len(rotary.inv_freq) - len(axes))][: len(rotary.inv_freq)]


def _call(trace: Trace, rotary: Rotary, step: int) -> Call | None:
    """The call of a rotary embedding in a step; with layer types, the one that was asked for this type."""
    for index in trace.occurrences(rotary.path):
        call = trace.calls[index]
        asked = [value for value in call.inputs.values() if value == rotary.layer_type]
        if call.step == step and (asked or not rotary.layer_type):
            return call
    return None


def _compared(found: dict[str, Tensor], expected: dict[str, Tensor]) -> Iterator[Check]:
    pairs = expected["cos"].shape[1]
    gap = max(float((found[name][:, :pairs] - expected[name]).abs().max()) for name in expected)
    text = f"The largest difference from positions × frequencies is {number(gap)}."
    yield Check("cos and sin", gap <= ROUNDING, text)


ROUNDING = 8e-3
"""What rounding to bfloat16 leaves of numbers up to 1; a wrong axis or position is far beyond it."""
