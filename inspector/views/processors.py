"""The logits processors of one step: what each did, and what became of the tokens at the top."""

from __future__ import annotations

import math
from collections.abc import Sequence

from inspector.errors import InputError
from inspector.parts import Cell, Column, Curve, Part, Table, View
from inspector.trace import Trace
from inspector.trace.stages import Stage, Stages
from inspector.trace.steps import Step, StepRow
from inspector.views.asking import whole
from inspector.views.generation import OPTIONS, empty, row_of, steps_of, token_text
from inspector.views.rows import Rows


def show(trace: Trace, *, step: str = "", branch: str = "", row: str = "", token: str = "") -> Sequence[Part]:
    if trace.generation is None:
        return [empty("Processors")]
    name, steps = steps_of(trace.generation, branch)
    if not steps:
        return [empty("Processors", f"{name} has no steps yet.")]
    number = row_of(steps, row)
    taken = steps[whole(step, "step", len(steps), f"steps in {name}") if step else -1]
    asked = id_of(token, taken.rows[number]) if token else None
    if asked is not None:
        return [standing(trace, taken, number, asked)]
    return [pipeline(taken, number), *bars(taken.rows[number].processors), tokens(taken, number)]


def pipeline(step: Step, row: int) -> Table:
    """What each processor did, in order."""
    taken = step.rows[row]
    columns = (
        Column("processor"),
        Column("parameters"),
        Column("changed", "right", "count"),
        Column("removed", "right", "count"),
        Column("kept", "right", "count"),
        Column("entropy", "right"),
        Column("top"),
        Column("probability", "right", "percent"),
        Column("chosen: probability", "right", "percent"),
        Column("rank", "right"),
    )

    def line(stage: Stage) -> tuple[Cell, ...]:
        first = stage.top[0] if len(stage.top) else None
        return (
            stage.name,
            ", ".join(f"{key}={value}" for key, value in stage.parameters.items()),
            stage.changed,
            stage.removed,
            stage.kept,
            stage.entropy,
            None if first is None else token_text(first.text),
            None if first is None else 100 * first.probability,
            None if stage.chosen is None else 100 * stage.chosen.probability,
            None if stage.chosen is None else stage.chosen.rank,
        )

    return Table(title(step, row), columns, Rows(taken.processors, line), chosen(taken))


def title(step: Step, row: int) -> str:
    return f"Processors of step {step.index}" + (f", row {row}" if row or len(step.rows) > 1 else "")


def chosen(row: StepRow) -> str:
    """The choice in a sentence."""
    choice = row.chosen
    if row.ended:
        return "This row had ended before; it only takes padding."
    if choice is None:
        return "No continuation of this beam was taken up."
    how = "Forced" if choice.forced else "Chosen"
    rank = "" if choice.is_greedy else f", rank {choice.rank}: a greedy choice would have been another"
    return f"{how}: {token_text(choice.text)!r} ({choice.id}) with {choice.probability:.2%}{rank}."


def tokens(step: Step, row: int) -> Table:
    """The tokens that stand in any top table: a column a processor, with the probability that it left them.

    A token that is known to be removed has 0; a field is empty where a table was too short to tell.
    """
    stages = step.rows[row].processors
    texts = {item.id: item.text for stage in stages for item in stage.top}
    order = [*stages[-1].top, *(item for stage in stages[:-1] for item in stage.top)]
    ids = list(dict.fromkeys(item.id for item in order))
    columns = (Column("token"), Column("id", "right"), *(Column(name, "right", "percent") for name in stages.names))

    def line(token: int) -> tuple[Cell, ...]:
        return token_text(texts[token]), token, *(percent(stage, token) for stage in stages)

    return Table("Probability after each processor", columns, Rows(ids, line))


def percent(stage: Stage, token: int) -> float | None:
    found = next((item.probability for item in stage.top if item.id == token), None)
    if found is None:
        return 0.0 if stage.kept <= len(stage.top) else None
    return 100 * found


def bars(stages: Stages) -> list[Curve]:
    """Probabilities of the first tokens before and after, by their rank after."""
    first, last = stages[0], stages[-1]
    places = [float(place + 1) for place in range(min(len(first.top), len(last.top)))]
    if len(places) < 2:
        return []
    series = {
        "model": [100 * first.top[int(place) - 1].probability for place in places],
        "after the processors": [100 * last.top[int(place) - 1].probability for place in places],
    }
    return [Curve("Probability by rank, before and after", places, series, "rank", "percent", bars=False)]


def standing(trace: Trace, step: Step, row: int, token: int) -> Table:
    """One token through the pipeline, as far as the record tells; its raw place is read from the logits."""
    columns = (
        Column("processor"),
        Column("score", "right"),
        Column("probability", "right", "percent"),
        Column("rank", "right"),
    )
    stages = step.rows[row].processors
    text = next((item.text for stage in stages for item in stage.top if item.id == token), "")
    lines = [(stage.name, *place(trace, step, row, stage, token)) for stage in stages]
    name = f"Token {token}" + (f" {token_text(text)!r}" if text else "")
    return Table(f"{name} in step {step.index}", columns, lines, "Empty where the record does not tell.")


def place(trace: Trace, step: Step, row: int, stage: Stage, token: int) -> tuple[Cell, Cell, Cell]:
    """Score, probability in percent and rank of a token after a processor."""
    choice = step.rows[row].chosen
    if stage.chosen is not None and choice is not None and choice.id == token:
        return stage.chosen.score, 100 * stage.chosen.probability, stage.chosen.rank
    if stage.name == "raw" and step.logits is not None and step.logits in trace.values:
        scores = trace.values[step.logits][row].float()
        score = float(scores[token])
        return score, 100 * math.exp(float(scores.log_softmax(-1)[token])), int((scores > score).sum()) + 1
    for rank, item in enumerate(stage.top, 1):
        if item.id == token:
            return item.score, 100 * item.probability, rank
    return (None, 0.0, None) if stage.kept <= len(stage.top) else (None, None, None)


def id_of(token: str, row: StepRow) -> int:
    """A token that is named by its id, or by its text where it stands in a table. Raises `InputError`."""
    if token.isdecimal():
        return int(token)
    for stage in row.processors:
        for item in stage.top:
            if item.text == token:
                return item.id
    raise InputError(f"{token!r} stands in no table of this step; name the token by its id.")


VIEW = View(
    "processors",
    "What every logits processor of a step did, and what became of the tokens at the top",
    show,
    {
        "step": "The step, from 0; by default the last",
        **OPTIONS,
        "token": "Follow this token alone, by its id or its text",
    },
)
