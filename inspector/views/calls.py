"""The calls of a run in execution order: as a table that can be filtered, and as a tree."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from inspector.analysis.wording import value_text
from inspector.errors import InputError, near
from inspector.parts import Cell, Column, Node, Part, Table, Tree, View
from inspector.trace import Trace, Value
from inspector.views.rows import Rows

NUMBER = re.compile(r"\[(\d+)\]")


def show(trace: Trace, *, path: str = "", role: str = "", step: str = "") -> Sequence[Part]:
    return [table(trace, path=path, role=role, step=step)]


def table(trace: Trace, *, path: str = "", role: str = "", step: str = "") -> Table:
    """A row a call; see `filtered` for what can be asked."""
    indices = filtered(trace, path=path, role=role, step=step)
    memory, failed = _measured_memory(trace), trace.failure is not None
    columns = (
        Column("call", "right"),
        Column("step", "right"),
        Column("module"),
        Column("outputs"),
        Column("seconds", "right", "seconds"),
        *([Column("memory", "right", "bytes")] if memory else []),
        *([Column("error")] if failed else []),
        Column("inputs"),
        Column("role"),
        Column("class"),
    )

    def row(index: int) -> tuple[Cell, ...]:
        call = trace.calls[index]
        given, made = ports_text(call.inputs, "input"), ports_text(call.outputs, "output")
        extra = [*([call.memory] if memory else []), *([call.error] if failed else [])]
        return (
            index,
            call.step,
            call.path or call.class_name,
            made,
            call.seconds,
            *extra,
            given,
            call.role,
            call.class_name,
        )

    note = "" if len(indices) == len(trace.calls) else f"{len(indices):,} of {len(trace.calls):,} calls."
    return Table("Calls", columns, Rows(indices, row), note)


def filtered(trace: Trace, *, path: str = "", role: str = "", step: str = "") -> Sequence[int]:
    """Indices of the calls whose module path matches a glob, with a role, of a step; all where nothing is asked.

    Raises `InputError` when a path, role or step occurs nowhere in the trace.
    """
    if not (path or role or step):
        return range(len(trace.calls))
    wanted = _step(trace, step) if step else None
    known = {call.path: call.role for call in trace.calls}
    if path and not any(fnmatchcase(name, path) for name in known):
        raise InputError(f"No call has a module path that matches {path!r}.{near(path, known)}")
    roles = sorted({found for found in known.values() if found})
    if role and role not in roles:
        there_are = ", ".join(roles) or "none"
        raise InputError(f"No call has the role {role!r}; there are {there_are}.{near(role, roles)}")
    return [
        call.index
        for call in trace.calls
        if (not path or fnmatchcase(call.path, path))
        and (not role or call.role == role)
        and (wanted is None or call.step == wanted)
    ]


def tree(trace: Trace) -> Tree:
    """Calls under the calls inside which they ran, with shapes."""
    failed = trace.failure is not None
    columns = (
        Column("call", "right"),
        Column("outputs"),
        Column("seconds", "right", "seconds"),
        *([Column("error")] if failed else []),
        Column("inputs"),
        Column("class"),
    )

    def node(index: int, above: str) -> Node:
        call = trace.calls[index]
        given, made = ports_text(call.inputs, "input"), ports_text(call.outputs, "output")
        cells: tuple[Cell, ...] = (index, made, call.seconds, *([call.error] if failed else []), given, call.class_name)
        children = tuple(node(child, call.path) for child in trace.children(index))
        return Node(relative(call.path, above) or call.class_name, cells, children)

    return Tree("Calls", columns, tuple(node(index, "") for index in trace.children(None)))


def relative(path: str, above: str) -> str:
    """`path` below the module `above`; whole where it does not hang below it."""
    return path.removeprefix(f"{above}.") if above else path


def ports_text(ports: Mapping[str, Value], side: str) -> str:
    """Ports in a line, without those that hold nothing: `hidden_states f32[1,12,16], use_cache True`.

    Numbered ports that hold the same are one: `past_key_values.layers[0…27].keys bf16[1,4,31,128]`.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for port, value in ports.items():
        if value is not None:
            name = port.removeprefix(side).removeprefix(".")
            groups.setdefault((NUMBER.sub("[#]", name), value_text(value)), []).append(name)
    return ", ".join(f"{_joined(names)} {text}".strip() for (_, text), names in groups.items())


def _joined(names: list[str]) -> str:
    """The first of some numbered names, with the number of the last: `layers[0…27].keys`."""
    numbers = [NUMBER.findall(name) for name in (names[0], names[-1])]
    spans = iter(first if first == last else f"{first}…{last}" for first, last in zip(*numbers, strict=True))
    return NUMBER.sub(lambda _: f"[{next(spans)}]", names[0])


def _measured_memory(trace: Trace) -> bool:
    return bool(trace.calls) and any(trace.calls[index].memory is not None for index in (0, -1))


def _step(trace: Trace, text: str) -> int:
    last = trace.calls[-1].step if trace.calls else 0
    if not text.isdecimal() or int(text) > last:
        raise InputError(f"There is no step {text!r}; this trace has the steps 0 to {last}.")
    return int(text)


VIEW = View(
    "calls",
    "Every call in execution order, with the tensors that went in and came out",
    show,
    {
        "path": "Only modules whose path matches this glob, such as '*.layers.0.*'",
        "role": "Only modules with this role, such as attention",
        "step": "Only this step (0 is the prefill)",
    },
)
