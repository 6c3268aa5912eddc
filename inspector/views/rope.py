"""Rotary embeddings as parts: parameters, the head's dimensions by axis, wavelengths, cos and sin."""

from __future__ import annotations

import math
from collections.abc import Iterator

from inspector.analysis.checks import Check
from inspector.analysis.cos_sin import by_pair, held_turns, laid_out, turns_check
from inspector.analysis.placement import Placement
from inspector.analysis.positions import AXES
from inspector.analysis.rope import wavelength
from inspector.analysis.rope_variants import VARIANTS
from inspector.analysis.rotary import Rotary
from inspector.analysis.rotation import PAIRINGS, pair_dims
from inspector.analysis.wording import number
from inspector.parts import Cell, Column, Curve, Heatmap, Part, Picture, Table
from inspector.trace import Trace
from inspector.views.rows import Rows

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
    if not rotary.by_axis:
        return " ".join(map(str, rotary.asked.sections))
    order = ", in turn" if rotary.asked.interleaved else ""
    return " ".join(f"{axis} {size}" for axis, size in zip(AXES, rotary.asked.sections, strict=False)) + order


def head(rotary: Rotary) -> Iterator[Part]:
    """The dimensions of a head as a bar coloured by axis (where there are several), and each pair's wavelength."""
    frequencies, axes, pairing = rotary.inv_freq, rotary.axes, rotary.pairing or "halves"
    title = f" of {rotary.layer_type}" if rotary.layer_type else ""
    if rotary.by_axis:
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
        return (
            pair,
            "{}, {}".format(*pair_dims(pair, len(frequencies), pairing)),
            AXES[axes[pair]] if rotary.by_axis else "position",
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
    pairing = rotary.pairing or "halves"
    dims = [STILL] * max(asked.head_dim, 2 * len(axes))
    for pair, axis in enumerate(axes):
        for dim in pair_dims(pair, len(axes), pairing):
            dims[dim] = COLORS[axis]
    line = b"".join(bytes(color) * BAR[0] for color in dims)
    counts = ", ".join(
        f"{color} {axis} {axes.count(index)}"
        for index, (axis, color) in enumerate(zip(AXES, ("red", "green", "blue"), strict=True))
    )
    note = f"Pairs by axis: {counts}. {PAIRINGS[pairing].capitalize()}."
    return Picture("Dimensions of a head by axis", len(dims) * BAR[0], BAR[1], line * BAR[1], note)


def turns(trace: Trace, placement: Placement, rotary: Rotary) -> tuple[list[Part], list[Check]]:
    """cos and sin of one row as heatmaps, tokens down and pairs across, and how they compare with what follows from
    positions and frequencies. What was not kept is worked out.
    """
    from inspector.analysis.rotation import angles
    from inspector.analysis.tensors import grid

    if placement.actual is None or not rotary.inv_freq or not placement.actual.shape[1]:
        return [], []
    angle = angles(placement.actual, rotary.inv_freq, rotary.axes)
    shown = {"cos": angle.cos() * rotary.scaling, "sin": angle.sin() * rotary.scaling}
    found = held_turns(trace, placement, rotary)
    checks: list[Check] = []
    note = "Worked out from positions and frequencies; not kept."
    if found is not None:
        pairs, layout = len(rotary.inv_freq), laid_out(found, len(rotary.inv_freq))
        once = {name: by_pair(part, pairs, layout) for name, part in found.items()}
        checks, shown, note = [turns_check(placement, rotary, once, shown)], once, "As the model made them."
    parts: list[Part] = [
        Heatmap(f"{name} by token and pair", grid(shown[name], *CELLS), "token", "pair", note)
        for name in ("cos", "sin")
    ]
    return parts, checks
