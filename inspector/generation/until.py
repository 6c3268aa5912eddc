"""Conditions to run until: `generation.run(until.entropy(above=2.5))`, or parsed from what a user types."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from inspector.errors import InputError
from inspector.generation.texts import one_token
from inspector.trace.steps import Choice, Step, StepRow

if TYPE_CHECKING:
    from inspector.generation.generation import Condition, Generation

FORMS = (
    "token:TEXT (or token:ID), text:TEXT, entropy>2.5, probability<0.1, rank>1, stop:NAME of a stopping criterion such "
    "as eos_token, or a number of steps"
)
"""What `parse` understands, for messages and help."""

COMPARISON = re.compile(r"(entropy|probability|rank)\s*([<>])\s*(\d+(?:\.\d+)?(?:e-?\d+)?)")


def token(wanted: int | str) -> Condition:
    """A row takes this token, given by its id or its text."""
    known: list[int] = []

    def holds(generation: Generation, step: Step) -> bool:
        if not known:
            tokenizer = generation.tokenizer
            known.append(one_token(wanted, tokenizer) if isinstance(wanted, str) else wanted)
        return any(choice.id == known[0] for choice in _choices(step))

    return holds


def text(wanted: str) -> Condition:
    """The generated text of a row holds these characters, and did not before."""

    def holds(generation: Generation, step: Step) -> bool:
        now, before = (generation.tails(step.index + made, len(wanted)) for made in (1, 0))
        before = before or [""] * len(now)
        return any(wanted in tail and wanted not in old for tail, old in zip(now, before, strict=True))

    return holds


def entropy(*, above: float | None = None, below: float | None = None) -> Condition:
    """The entropy of the model's own distribution, before any processor, in nats."""
    return _any_row(lambda row: row.processors[0].entropy, above, below)


def probability(*, above: float | None = None, below: float | None = None) -> Condition:
    """The probability of the chosen token under the final scores."""
    return _any_row(lambda row: None if row.chosen is None else row.chosen.probability, above, below)


def rank(*, above: float | None = None, below: float | None = None) -> Condition:
    """The rank of the chosen token in the final scores; above 1 a greedy choice would have been another."""
    return _any_row(lambda row: None if row.chosen is None else row.chosen.rank, above, below)


def stop(name: str) -> Condition:
    """A stopping criterion asks a row to stop."""
    return lambda generation, step: any(item.name == name and item.done for row in step.rows for item in row.stopping)


def steps(count: int) -> Condition:
    """So many more steps were made."""
    made = 0

    def holds(generation: Generation, step: Step) -> bool:
        nonlocal made
        made += 1
        return made >= count

    return holds


def parse(words: str) -> Condition:
    """A condition from one of `FORMS`. Raises `InputError`."""
    words = words.strip()
    kind, colon, rest = words.partition(":")
    if words.isdecimal() and int(words):
        return steps(int(words))
    if found := COMPARISON.fullmatch(words):
        make = {"entropy": entropy, "probability": probability, "rank": rank}[found[1]]
        limit = float(found[3])
        return make(above=limit) if found[2] == ">" else make(below=limit)
    if colon and rest:
        if kind == "token":
            return token(int(rest) if rest.isdecimal() else rest)
        if kind in ("text", "stop"):
            return text(rest) if kind == "text" else stop(rest.strip())
    raise InputError(f"{words!r} is no condition to run until. There are: {FORMS}.")


def _choices(step: Step) -> list[Choice]:
    return [row.chosen for row in step.rows if row.chosen is not None and not row.ended]


def _any_row(measure: Callable[[StepRow], float | None], above: float | None, below: float | None) -> Condition:
    def holds(generation: Generation, step: Step) -> bool:
        measured = [measure(row) for row in step.rows if not row.ended]
        return any(
            value is not None and (above is None or value > above) and (below is None or value < below)
            for value in measured
        )

    return holds
