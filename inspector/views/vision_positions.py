"""Row and column by which a vision tower turns each patch."""

from __future__ import annotations

from inspector.analysis.checks import Check, counted, every
from inspector.analysis.forwards import layout
from inspector.analysis.tower import Tower, positions, towers
from inspector.parts import Cell, Column, Part, Table
from inspector.trace import Trace

COLUMNS = (
    Column("picture"),
    Column("patches", "right", "count"),
    Column("rows"),
    Column("columns"),
    Column("order"),
    Column("wrong", "right", "count"),
)


def tower_positions(trace: Trace) -> tuple[list[Part], list[Check]]:
    """A row for each picture of each run of the vision tower, and a check of each run."""
    rows: list[tuple[Cell, ...]] = []
    checks: list[Check] = []
    for tower in towers(trace, layout(trace)):
        found, expected = positions(trace, tower)
        if found is None or len(expected) != found.shape[0]:
            continue
        wrong = [tuple(place) != wanted for place, wanted in zip(found.tolist(), expected, strict=True)]
        rows += _rows(tower, wrong)
        checks.append(_check(tower, wrong))
    if not rows:
        return [], []
    merge = layout(trace).merge
    note = f"Patches come {merge}×{merge} at a time, block by block, and turn by row and column of the whole picture."
    return [Table("Positions in the vision tower", COLUMNS, rows, note)], checks


def _rows(tower: Tower, wrong: list[bool]) -> list[tuple[Cell, ...]]:
    found: list[tuple[Cell, ...]] = []
    start, merge = 0, tower.layout.merge
    for number, (frames, height, width) in enumerate(tower.sizes, start=1):
        count = frames * height * width
        order = f"{frames} × " if frames > 1 else ""
        order += f"{height // merge}×{width // merge} blocks of {merge}×{merge}"
        amiss = sum(wrong[start : start + count])
        found.append((f"{number}", count, f"0–{height - 1}", f"0–{width - 1}", order, amiss))
        start += count
    return found


def _check(tower: Tower, wrong: list[bool]) -> Check:
    amiss = sum(wrong)
    turn = every(len(wrong), "patch", "turns by its", "turn by their", "patches")
    text = f"{turn} row and column."
    if amiss:
        text = f"{amiss:,} of {counted(len(wrong), 'patch', 'patches')} turn by another row or column than theirs."
    return Check(f"positions in {tower.call.path}", not amiss, text)
