"""The module tree: roles, parameters, bytes, how often each module ran. Repeated identical blocks are folded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from inspector.parts import Column, Node, Part, Tree, View
from inspector.trace import Module, Trace

COLUMNS = (
    Column("parameters", "right", "count"),
    Column("bytes", "right", "bytes"),
    Column("calls", "right", "count"),
    Column("role"),
    Column("class"),
)


@dataclass(frozen=True, slots=True)
class Branch:
    """A module with what hangs below it. `alike` is equal for blocks that differ in nothing but their number."""

    name: str
    module: Module
    calls: int
    children: tuple[Branch, ...]
    alike: tuple[object, ...]


def show(trace: Trace, *, unfold: str = "") -> Sequence[Part]:
    roots = branches(trace)
    nodes = tuple(_node(branch, branch.module.class_name, unfold=bool(unfold)) for branch in roots)
    folded = any(_folds(branch) for branch in roots) and not unfold
    note = "A folded line (×) shows the numbers of one of its blocks." if folded else ""
    return [Tree("Modules", COLUMNS, nodes, note)]


def branches(trace: Trace) -> tuple[Branch, ...]:
    """The modules as trees; a module whose parent was not recorded stands at the top."""
    known = {module.path for module in trace.modules}
    below: dict[str | None, list[Module]] = {}
    for module in trace.modules:
        below.setdefault(_parent(module.path, known), []).append(module)

    def grow(module: Module) -> Branch:
        children = tuple(grow(child) for child in below.get(module.path, []))
        calls = len(trace.occurrences(module.path))
        facts = (module.class_name, module.role, module.parameters, module.bytes, calls)
        alike = (*facts, *((child.name, child.alike) for child in children))
        return Branch(module.path.rpartition(".")[2], module, calls, children, alike)

    return tuple(grow(module) for module in below.get(None, []))


def _parent(path: str, known: set[str]) -> str | None:
    while path:
        path = path.rpartition(".")[0]
        if path in known:
            return path
    return None


def _node(branch: Branch, label: str, *, unfold: bool) -> Node:
    module = branch.module
    children = []
    for group in ([child] for child in branch.children) if unfold else groups(branch):
        first, last = group[0], group[-1]
        name = first.name
        if len(group) > 1:
            name = f"{branch.name}.{first.name} … {branch.name}.{last.name}  ×{len(group)}"
        children.append(_node(first, name, unfold=unfold))
    cells = (module.parameters, module.bytes, branch.calls, module.role, module.class_name)
    return Node(label, cells, tuple(children))


def groups(branch: Branch) -> Iterator[list[Branch]]:
    """The children of a branch; numbered ones that follow each other and are alike as one group."""

    def key(child: Branch) -> object:
        return child.alike if child.name.isdigit() else (child.name,)

    for _, group in groupby(branch.children, key):
        yield list(group)


def _folds(branch: Branch) -> bool:
    return any(len(group) > 1 for group in groups(branch)) or any(_folds(child) for child in branch.children)


VIEW = View(
    "modules",
    "The module tree with roles, parameters and bytes; repeated identical blocks are folded",
    show,
    {"unfold": "Show every block, also those that are alike"},
    flags=frozenset({"unfold"}),
)
