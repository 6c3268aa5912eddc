"""The norm of the residual stream, layer by layer: where it grows, where it jumps, and where it is no number."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from inspector import Call, Column, Curve, InputError, Part, Tab, Table, TensorInfo, Trace, View, hookimpl

LAYERS = tuple(f"*.{stack}.{number}:output*" for stack in ("layers", "h") for number in ("[0-9]", "[0-9][0-9]"))
"""Where decoder layers stand in most models. Their outputs are kept when a model is run for the view."""


@dataclass(frozen=True, slots=True)
class Norm:
    """A layer's output: the root mean square over all of its finite elements, and how many are not finite."""

    layer: str
    rms: float
    peak: float
    broken: int


def norms(trace: Trace, step: int = 0) -> list[Norm]:
    """The norm behind each decoder layer of one forward. Raises `InputError` where nothing was measured."""
    layers = [call for call in trace.calls if call.role == "decoder_layer" and call.step == step]
    found = [norm for call in layers for norm in _measured(call)]
    if not found:
        reason = "no decoder layer ran in this step" if not layers else "its values were not kept"
        raise InputError(f"There are no norms of step {step}: {reason}. Trace a model with weights, with --stats.")
    return found


def _measured(call: Call) -> Iterator[Norm]:
    """Numbers come with every tensor that was kept (--values) or measured (--stats)."""
    value = next((value for value in call.outputs.values() if isinstance(value, TensorInfo)), None)
    if value is None or value.stats is None:
        return
    stats = value.stats
    mean, std = stats.mean or 0.0, stats.std or 0.0
    peak = max(abs(stats.min or 0.0), abs(stats.max or 0.0))
    yield Norm(call.path, math.hypot(mean, std), peak, stats.nan + stats.inf)


def show(trace: Trace, step: str = "0") -> Sequence[Part]:
    """A curve over the layers, and the same as a table."""
    if not step.isdecimal():
        raise InputError(f"--step is the number of a forward, counted from 0, and not {step!r}.")
    found = norms(trace, int(step))
    curve = Curve("Residual stream", range(len(found)), {"rms": [norm.rms for norm in found]}, "layer", "rms")
    columns = (
        Column("layer"),
        Column("rms", "right"),
        Column("largest", "right"),
        Column("nan or inf", "right", "count"),
    )
    return [curve, Table("Norms", columns, [(norm.layer, norm.rms, norm.peak, norm.broken) for norm in found])]


def pane(trace: Trace) -> Any:
    """The tab. Textual is imported here and not before: the command line does without it."""
    from inspector_norms.pane import NormsPane

    return NormsPane(norms(trace))


@hookimpl
def inspector_views() -> Sequence[View]:
    options = {"step": "Which forward, 0 for the first"}
    return [View("norms", "The norm of the residual stream behind each layer", show, options, values=LAYERS)]


@hookimpl
def inspector_screens() -> Sequence[Tab]:
    return [Tab("norms", "Norms", pane)]
