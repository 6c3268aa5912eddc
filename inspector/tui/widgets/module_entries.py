"""The module hierarchy as lines: identical siblings counted, runs of them gathered. No drawing here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from inspector.trace import Module
from inspector.tui.widgets.outline import Outline

RUN = 3
"""Identical siblings from which on a run among others is gathered under one line."""


@dataclass(slots=True)
class Entry:
    """A line of the tree. `repeats` is how many identical modules it stands for or holds, 0 for none."""

    module: Module
    label: str
    repeats: int = 0
    children: list[Entry] = field(default_factory=list)


def entries(modules: Iterable[Module], name: str) -> list[Entry]:
    """The roots of the hierarchy; the model itself is labelled `name`.

    A container of identical modules carries their number (`layers ×28`). Where they stand among others (three dense
    layers before many with experts), each run gets a line of its own (`3–60 ×58`).
    """
    by_path: dict[str, Entry] = {}
    roots: list[Entry] = []
    for module in modules:
        above = _above(module.path, by_path)
        prefix = f"{above.module.path}." if above is not None and above.module.path else ""
        entry = Entry(module, module.path.removeprefix(prefix) or name)
        by_path[module.path] = entry
        (roots if above is None else above.children).append(entry)
    signatures: dict[str, int] = {}
    for root in roots:
        _gather(root, signatures)
    return roots


def lay_out(roots: Sequence[Entry]) -> tuple[Outline, list[Entry]]:
    """The outline of the lines and the entry of each; containers of identical modules start folded, and those too."""
    outline, found = Outline(), []
    stack: list[tuple[Entry, int | None, bool]] = [(root, None, False) for root in reversed(roots)]
    while stack:
        entry, parent, repeated = stack.pop()
        number = outline.add(parent, folded=repeated or entry.repeats > 0)
        found.append(entry)
        stack += [(child, number, entry.repeats > 0) for child in reversed(entry.children)]
    outline.update()
    return outline, found


def _above(path: str, by_path: dict[str, Entry]) -> Entry | None:
    """The nearest listed module that encloses `path`."""
    while path:
        path = path.rpartition(".")[0]
        if path in by_path:
            return by_path[path]
    return None


def _gather(entry: Entry, signatures: dict[str, int]) -> int:
    """Count or gather identical children, from the leaves up. Returns a number that identical modules share."""
    below = [_gather(child, signatures) for child in entry.children]
    numbered = len(below) > 1 and all(child.label.isdecimal() for child in entry.children)
    if numbered and len(set(below)) == 1:
        entry.repeats = len(below)
    elif numbered:
        entry.children = list(_runs(entry.children, below))
    module = entry.module
    signature = f"{module.class_name} {module.role} {module.parameters} {below} {[_name(c) for c in entry.children]}"
    return signatures.setdefault(signature, len(signatures))


def _runs(children: Sequence[Entry], below: Sequence[int]) -> Iterator[Entry]:
    pairs = zip(below, children, strict=True)
    for _, group in groupby(pairs, key=lambda pair: pair[0]):
        run = [child for _, child in group]
        if len(run) < RUN:
            yield from run
        else:
            yield Entry(run[0].module, f"{run[0].label}–{run[-1].label}", len(run), run)


def _name(entry: Entry) -> str:
    return entry.label
