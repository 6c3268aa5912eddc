"""One tensor: summary and histogram, a slice as heatmap and as exact values, where it came from and where it went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING

from inspector.analysis.slices import Selection, select
from inspector.analysis.tensors import REDUCTIONS, Histogram, Reduction, grid, histogram, plane
from inspector.analysis.wording import summary
from inspector.errors import InputError, TraceError, near
from inspector.parts import Cell, Column, Curve, Heatmap, Part, Table, Text, View
from inspector.trace import Call, TensorInfo, Trace
from inspector.views.rows import Rows

if TYPE_CHECKING:
    from torch import Tensor

CELLS = (64, 128)
"""The most rows and columns of a heatmap."""
WHOLE = 1024
"""A tensor of at most so many elements is written out whole; of a larger one a corner, unless a slice is asked for."""
CORNER = (16, 8)


def show(trace: Trace, *, call: str = "", port: str = "", slice: str = "", reduce: str = "mean") -> Sequence[Part]:
    how = next((known for known in REDUCTIONS if known == reduce), None)
    if how is None:
        raise InputError(f"A heatmap cannot be reduced by {reduce!r}; choose {', '.join(REDUCTIONS)}.")
    record, port, info = at(trace, call, port)
    if info.value is None and slice:
        trace.value(record, port)  # raises, and says how to keep it
    value = None if info.value is None else trace.values[info.value]
    parts: list[Part] = [facts(record, port, info, value)]
    if value is None:
        parts.append(Text("Values", _not_kept(trace, record, port)))
    elif value.numel():
        parts += [bars(histogram(value)), *selected(value, slice, how)]
    return [*parts[:3], provenance(trace, record.index, port, info), *parts[3:]]


def at(trace: Trace, call: str, port: str) -> tuple[Call, str, TensorInfo]:
    """The tensor that a call (index, or module path for its first call) and a port (by default, its output) name.

    Raises `InputError` that lists what there is.
    """
    record = find_call(trace, call)
    tensors = {name: value for name, value in record.ports().items() if isinstance(value, TensorInfo)}
    where = f"call {record.index} ({record.path or record.class_name})"
    if not tensors:
        raise InputError(f"No tensor went into or out of {where}.")
    if not port:
        port = next((name for name in tensors if name.startswith("output")), next(iter(tensors)))
    if port not in tensors:
        there_is = f"No tensor stands at {port!r} of {where}"
        raise InputError(f"{there_is}; there are {', '.join(tensors)}.{near(port, tensors)}")
    return record, port, tensors[port]


def find_call(trace: Trace, call: str) -> Call:
    """A call by its index, or by the path of its module: the first time that it ran."""
    if not call:
        raise InputError("Which tensor? Give --call INDEX or --call MODULE, and --port (see the view `calls`).")
    if call.isdecimal():
        if int(call) >= len(trace.calls):
            raise InputError(f"There is no call {call}; this trace has {len(trace.calls):,} calls, counted from 0.")
        return trace.calls[int(call)]
    try:
        return trace.call(call)
    except TraceError as error:
        raise InputError(str(error)) from error


def facts(call: Call, port: str, info: TensorInfo, value: Tensor | None) -> Table:
    """The tensor in words and numbers."""
    if value is not None and info.stats is None and value.numel() and not value.is_complex():
        from inspector.analysis.stats import stats_of

        info = replace(info, stats=stats_of(value))
    rows: list[tuple[Cell, ...]] = [
        ("tensor", summary(info, value)),
        ("module", call.path or call.class_name),
        ("class", call.class_name),
        ("role", call.role),
        ("call", call.index),
        ("step", call.step),
        ("port", port),
        ("bytes", info.nbytes),
    ]
    if info.stats is not None:
        rows += list(info.stats.to_json().items())
    return Table("Tensor", (Column("field"), Column("value")), rows)


def bars(found: Histogram) -> Curve:
    """A histogram as a part; what is not finite is named in the note."""
    middles = [(left + right) / 2 for left, right in pairwise(found.edges)]
    counted = (("nan", found.nan), ("inf", found.positive_inf), ("-inf", found.negative_inf))
    loud = ", ".join(f"{count:,} × {name}" for name, count in counted if count)
    note = f"Not in the histogram: {loud}!" if loud else ""
    return Curve(
        "Histogram", middles, {"count": list(map(float, found.counts))}, "value", "count", bars=True, note=note
    )


def selected(value: Tensor, expression: str, how: Reduction) -> list[Part]:
    """A slice as heatmap and as exact values."""
    found = select(value, expression)
    if not found.values.numel():
        raise InputError(f"The slice {expression!r} of a tensor of shape {list(value.shape)} is empty.")
    return [heatmap(found, expression, how), values(found, expression)]


def heatmap(found: Selection, expression: str, how: Reduction) -> Heatmap:
    """The last two axes of the slice, at the first index of the others, as at most `CELLS` cells."""
    flat = plane(found.values)
    cells = grid(flat, *CELLS, how)
    notes = []
    if len(found.axes) > 2:
        held = (f"axis {axis} at {kept[0]}" for axis, kept in zip(found.axes[:-2], found.indices[:-2], strict=True))
        notes.append(f"Shown for {', '.join(held)}; choose with --slice.")
    if (len(cells), len(cells[0])) != tuple(flat.shape):
        notes.append(f"Each cell is the {how} of what it covers (--reduce).")
    names = [f"axis {axis} [{_span(kept)}]" for axis, kept in zip(found.axes, found.indices, strict=True)]
    row_axis, column_axis = ["", "", *names][-2:]
    return Heatmap(f"Heatmap {expression}".strip(), cells, row_axis, column_axis, " ".join(notes))


def values(found: Selection, expression: str) -> Table:
    """Exact values: a column for each index of the last axis, a row for each combination of the others."""
    note = ""
    if not expression and found.values.numel() > WHOLE:
        found = _corner(found)
        shape = "×".join(str(len(kept)) for kept in found.indices)
        note = f"A corner of {shape}; choose with --slice, for instance --slice '[0, :, ::4]'."
    *leading, last = found.indices or (range(1),)
    columns = [Column(f"axis {axis}", "right") for axis in found.axes[:-1]]
    names = [Column(str(index), "right") for index in last] if found.axes else [Column("value", "right")]

    def row(number: int) -> tuple[Cell, ...]:
        place: list[int] = []
        for kept in reversed(leading):
            number, position = divmod(number, len(kept))
            place.insert(0, position)
        line = found.values[tuple(place)].reshape(-1).tolist()
        line = [str(item) if isinstance(item, complex) else item for item in line]
        return (*(kept[position] for kept, position in zip(leading, place, strict=True)), *line)

    count = prod(len(kept) for kept in leading)
    return Table(f"Values {expression}".strip(), (*columns, *names), Rows(range(count), row), note)


def provenance(trace: Trace, index: int, port: str, info: TensorInfo) -> Table:
    """Which call made the tensor, or the outputs that functions made it from, and into which calls it went."""
    here = [(index, port)] if port.startswith("output") and info.origin is None else []
    made = [*here, *([info.origin] if info.origin else [])]
    places = [("made by", place) for place in made]
    places += [("made from", place) for place in info.sources]
    places += [("goes to", place) for place in (trace.went_to(*made[0]) if made else [])]

    def row(item: tuple[str, tuple[int, str]]) -> tuple[Cell, ...]:
        word, (number, name) = item
        call = trace.calls[number]
        return word, number, call.path or call.class_name, name

    note = "" if places else "No module made it: an input of the model, or the result of a function inside a forward."
    if info.via:
        note = f"By way of {', '.join(info.via)}."
    columns = (Column("direction"), Column("call", "right"), Column("module"), Column("port"))
    return Table("Comes from, goes to", columns, Rows(places, row), note)


def wanted(trace: Trace, call: str, port: str) -> str:
    """The glob over `path:port` that keeps what the view will read, from a first trace without values."""
    record, found, _ = at(trace, call, port)
    return f"{record.path}:{found}"


def _corner(found: Selection) -> Selection:
    sizes = [*[1] * (len(found.axes) - 2), *CORNER][-len(found.axes) :]
    kept = tuple(indices[:size] for indices, size in zip(found.indices, sizes, strict=True))
    whole = tuple(range(len(indices)) for indices in kept)
    return Selection(found.values[tuple(map(_slice, whole))], found.axes, kept)


def _slice(kept: range) -> slice:
    return slice(kept.start, kept.stop)


def _span(kept: range) -> str:
    step = f":{kept.step}" if kept.step != 1 else ""
    return f"{kept.start}:{kept[-1] + 1}{step}" if len(kept) else "empty"


def _not_kept(trace: Trace, call: Call, port: str) -> str:
    if trace.model.shape_only:
        return "The model ran without weights (shape-only): floating-point tensors have a shape and no values."
    return f"Not kept in this trace. Trace again with --values '{call.path}:{port}' to see them."


VIEW = View(
    "tensor",
    "One tensor: summary, histogram, a slice of it, where it came from and where it went",
    show,
    {
        "call": "The call: its index, or the path of its module (its first call)",
        "port": "The port, such as output, output[0] or input.hidden_states; by default the first output",
        "slice": "What to show of it, as Python would write it: '[0, :, ::4]'",
        "reduce": f"How a heatmap's cell sums up what it covers: {', '.join(REDUCTIONS)}",
    },
)
