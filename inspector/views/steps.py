"""The steps of a generation in a table: what each chose, how sure the model was, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.parts import Cell, Column, Curve, Part, Table, View
from inspector.trace import Trace
from inspector.trace.steps import Choice, Step, StepRow
from inspector.views.generation import OPTIONS, empty, row_of, steps_of, token_text
from inspector.views.rows import Rows


def show(trace: Trace, *, branch: str = "", row: str = "") -> Sequence[Part]:
    record = trace.generation
    if record is None:
        return [empty("Steps")]
    name, steps = steps_of(record, branch)
    number = row_of(steps, row)
    reason = record.branches[name].reason
    return [*curves(steps, number), table(name, steps, number, f"Ended by {reason}." if reason else "")]


def table(name: str, steps: Sequence[Step], row: int = 0, note: str = "") -> Table:
    """A line a step. What no step has (drafts, beams, positions) has no column."""
    drafts = any(step.draft is not None for step in steps)
    columns = (
        Column("step", "right"),
        Column("token"),
        Column("probability", "right", "percent"),
        Column("rank", "right"),
        Column("greedy"),
        Column("entropy", "right"),
        *([Column("accepted", "right"), Column("drafted", "right")] if drafts else []),
        Column("position"),
        Column("seconds", "right", "seconds"),
        Column("cache", "right"),
        Column("bytes", "right", "bytes"),
        Column("stopped by"),
        Column("id", "right"),
        Column("log p", "right"),
    )

    def line(step: Step) -> tuple[Cell, ...]:
        taken = step.rows[row]
        choice = None if taken.ended else taken.chosen
        draft = step.draft
        told: list[Cell] = [None, None] if draft is None else [draft.accepted, len(draft.drafted)]
        return (
            step.index,
            "(ended)" if taken.ended else None if choice is None else token_text(choice.text),
            None if choice is None else 100 * choice.probability,
            None if choice is None else choice.rank,
            other(taken, choice),
            taken.processors[0].entropy,
            *(told if drafts else []),
            None if taken.position is None else ",".join(map(str, taken.position)),
            step.timings.total,
            None if step.cache is None else step.cache[0],
            None if step.cache is None else step.cache[1],
            ", ".join(criterion.name for criterion in taken.stopping if criterion.done),
            None if choice is None else choice.id,
            None if choice is None else choice.model_log_probability,
        )

    return Table(f"Steps of {name}" + (f", row {row}" if row else ""), columns, Rows(steps, line), note)


def other(row: StepRow, choice: Choice | None) -> str | None:
    """What the final scores put first, where that was not taken; `forced` where somebody said so."""
    if choice is None or (choice.is_greedy and not choice.forced):
        return None
    first = next((item for item in row.processors[-1].top if item.id == choice.greedy), None)
    instead = "" if first is None or choice.is_greedy else token_text(first.text)
    return f"{instead} (forced)".strip() if choice.forced else instead


def curves(steps: Sequence[Step], row: int) -> list[Curve]:
    """Probability and entropy over the steps, where there are enough to draw."""
    taken = [(step.index, step.rows[row]) for step in steps if not step.rows[row].ended and step.rows[row].chosen]
    if len(taken) < 3:
        return []
    x = [float(index) for index, _ in taken]
    sure = [100 * line.chosen.probability for _, line in taken if line.chosen]
    unsure = [line.processors[0].entropy for _, line in taken]
    return [
        Curve("Probability of the chosen token", x, {"percent": sure}, "step", "percent"),
        Curve("Entropy of the model's own distribution", x, {"nats": unsure}, "step", "nats"),
    ]


VIEW = View(
    "steps", "The steps of a generation: token, probability, rank, entropy, cache, what stopped it", show, OPTIONS
)
