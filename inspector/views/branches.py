"""The branches of a generation as a tree, and two of them side by side."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from inspector.analysis.wording import visible
from inspector.errors import InputError
from inspector.parts import Cell, Column, Node, Part, Table, Tree, View
from inspector.trace import Trace
from inspector.trace.steps import BranchRecord, GenerationRecord, Step
from inspector.views.generation import OPTIONS, empty, row_of, steps_of, token_text


def show(trace: Trace, *, compare: str = "", row: str = "") -> Sequence[Part]:
    record = trace.generation
    if record is None:
        return [empty("Branches")]
    number = row_of(record.steps(next(iter(record.branches))), row)
    if not compare:
        return [tree(record, number)]
    names = [name.strip() for name in compare.split(",")]
    if len(names) != 2:
        there_are = ", ".join(record.branches)
        raise InputError(f"--compare {compare!r} names {len(names)} branches; two were expected, of {there_are}.")
    return [side_by_side(record, names[0], names[1], number)]


def tree(record: GenerationRecord, row: int = 0) -> Tree:
    """A line a branch, under the one that it parted from."""
    columns = (
        Column("from step", "right"),
        Column("steps", "right"),
        Column("log p", "right"),
        Column("ended by"),
        Column("changes"),
        Column("text"),
    )

    def node(branch: BranchRecord) -> Node:
        steps = record.steps(branch.name)
        cells: tuple[Cell, ...] = (
            branch.start,
            len(steps),
            log_probability(steps, row),
            branch.reason or "",
            "; ".join(f"{at}: {words}" for at, words in branch.changes),
            visible(branch.texts[row]) if row < len(branch.texts) else "",
        )
        label = f"{branch.name} ◂" if branch.name == record.current else branch.name
        return Node(label, cells, tuple(node(below) for below in children(record, branch.name)))

    roots = tuple(node(branch) for branch in children(record, None))
    note = "log p is the model's own, before any processor; of a beam search the best score. ◂ was looked at last."
    return Tree("Branches", columns, roots, note)


def children(record: GenerationRecord, name: str | None) -> list[BranchRecord]:
    return [branch for branch in record.branches.values() if branch.parent == name]


def log_probability(steps: Sequence[Step], row: int) -> float | None:
    """The sum over the tokens that a row chose; of a beam search, the score of its best beam."""
    if steps and any(line.beams for line in steps[-1].rows):
        return max(beam.score for line in steps[-1].rows for beam in line.beams)
    taken = [step.rows[row] for step in steps if row < len(step.rows)]
    return sum(line.chosen.model_log_probability for line in taken if line.chosen is not None and not line.ended)


def side_by_side(record: GenerationRecord, left: str, right: str, row: int = 0) -> Table:
    """A line a step; `≠` marks where the two took another token."""
    columns = (
        Column("step", "right"),
        Column(left),
        Column("probability", "right", "percent"),
        Column(""),
        Column(right),
        Column("probability", "right", "percent"),
    )
    pairs = list(zip_longest(steps_of(record, left)[1], steps_of(record, right)[1]))
    rows = []
    for index, (one, other) in enumerate(pairs):
        mine, its = _cells(one, row), _cells(other, row)
        rows.append((index, *mine, "≠" if mine[0] != its[0] else "", *its))
    first = next((line[0] for line in rows if line[3]), None)
    note = "They are the same." if first is None else f"They part at step {first}."
    return Table(f"{left} and {right}", columns, rows, note)


def _cells(step: Step | None, row: int) -> tuple[Cell, Cell]:
    chosen = None if step is None or step.rows[row].ended else step.rows[row].chosen
    return (None, None) if chosen is None else (token_text(chosen.text), 100 * chosen.probability)


VIEW = View(
    "branches",
    "The branches of a generation as a tree, or two of them side by side",
    show,
    {"compare": "Two branches, as NAME,NAME", "row": OPTIONS["row"]},
)
