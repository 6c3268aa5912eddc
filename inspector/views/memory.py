"""What takes memory: parameters by part of the model, activations by the call that made them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from inspector.parts import Cell, Column, Curve, Part, Table, View
from inspector.trace import Module, TensorInfo, Trace
from inspector.views.modules import Branch, branches
from inspector.views.rows import Rows

SMALL = 0.05
"""A part with a smaller share of the parameters than this is not taken apart."""


def show(trace: Trace) -> Sequence[Part]:
    parts: list[Part] = [parameters(trace)]
    measured = [(call.index, call.memory) for call in trace.calls if call.memory is not None]
    if measured:
        x, y = [float(index) for index, _ in measured], [float(memory) for _, memory in measured]
        parts.append(Curve("Device memory", x, {"bytes when the call ended": y}, "call", "bytes"))
    return [*parts, activations(trace)]


def parameters(trace: Trace) -> Table:
    """Parameters by part of the model. What several parts share is named in the note, since each of them counts it."""
    total = sum(branch.module.parameters for branch in branches(trace)) or trace.model.parameters
    found = [row for branch in branches(trace) for row in _parts(branch, total)]
    rows = [(path, size, held, 100 * size / total if total else 0.0) for path, size, held in found]
    shared = sum(size for _, size, _ in found) - total
    note = f"Parts share {shared:,} parameters (tied weights), which each of them counts." if shared > 0 else ""
    columns = (
        Column("part"),
        Column("parameters", "right", "count"),
        Column("bytes", "right", "bytes"),
        Column("share", "right", "percent"),
    )
    return Table("Parameters", columns, rows, note)


def _parts(branch: Branch, total: int) -> Iterator[tuple[str, int, int]]:
    """The parts of a branch, taken apart down to lists of blocks and to what is small; with them, what is its own."""
    module = branch.module
    blocks = any(child.name.isdigit() for child in branch.children)
    if module.parameters == 0:
        return
    if not branch.children or blocks or (module.path and module.parameters < SMALL * total):
        yield _label(branch), module.parameters, module.bytes
        return
    for child in branch.children:
        yield from _parts(child, total)
    own = module.parameters - sum(child.module.parameters for child in branch.children)
    if own > 0:
        held = module.bytes - sum(child.module.bytes for child in branch.children)
        yield f"{_name(module)} (its own)", own, held


def _label(branch: Branch) -> str:
    kinds = {child.module.class_name for child in branch.children if child.name.isdigit()}
    return f"{_name(branch.module)}  ×{len(branch.children)}" if len(kinds) == 1 else _name(branch.module)


def _name(module: Module) -> str:
    return module.path or module.class_name


def activations(trace: Trace) -> Table:
    """Output tensors by size, largest first, each counted at the call that made it."""
    made: list[tuple[int, int, str]] = [
        (value.nbytes, call.index, port)
        for call in trace.calls
        for port, value in call.outputs.items()
        if isinstance(value, TensorInfo) and value.origin is None
    ]
    made.sort(key=lambda item: (-item[0], item[1]))
    memory = bool(trace.calls) and any(trace.calls[index].memory is not None for index in (0, -1))
    columns = (
        Column("bytes", "right", "bytes"),
        Column("call", "right"),
        Column("module"),
        Column("tensor"),
        Column("port"),
        *([Column("memory", "right", "bytes")] if memory else []),
    )

    def row(item: tuple[int, int, str]) -> tuple[Cell, ...]:
        size, index, port = item
        call = trace.calls[index]
        cells: tuple[Cell, ...] = (size, index, call.path or call.class_name, str(call.outputs[port]), port)
        return (*cells, call.memory) if memory else cells

    note = "What modules put out; tensors made inside a module and not put out are not seen."
    return Table("Activations", columns, Rows(made, row), note)


VIEW = View("memory", "Parameters by part of the model, activations by the call that made them", show)
