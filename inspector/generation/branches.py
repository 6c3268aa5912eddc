"""A branch: a run of steps with the loop that makes them, and what was changed on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from inspector.generation.decoding import BEAMS, Decoding
from inspector.generation.randomness import State
from inspector.generation.record import LENGTHS, generated, has_ended
from inspector.generation.settings import Settings
from inspector.generation.texts import TokenTexts
from inspector.trace.steps import BranchRecord, Step


@dataclass(frozen=True, slots=True)
class Change:
    """What was changed before step `at`: the settings from there on, tokens forced on that step (by row, None for every
    row), a new seed. `words` tells it.
    """

    at: int
    settings: Settings
    forced: Mapping[int | None, int] = field(default_factory=dict)
    seed: int | None = None
    words: str = ""


@dataclass(slots=True)
class Branch:
    """The steps of one continuation, from the first on; those before `start` are its parent's.

    `decoding` makes the steps to come; None before it is needed. `randoms` are the states of the random numbers after
    each step. `notices` say what the reader must know about how it was made.
    """

    name: str
    parent: Branch | None = None
    start: int = 0
    steps: list[Step] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    randoms: list[State] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    decoding: Decoding | None = None
    output: Any = None
    ended: bool = False

    def settings(self, initial: Settings, steps: int) -> Settings:
        """The settings to go on with after the first `steps` steps; at the tip, with what was changed for the next."""
        changes = [change for change in self.changes if change.at < steps or steps == len(self.steps)]
        return changes[-1].settings if changes else initial

    def settings_of(self, initial: Settings, index: int) -> Settings:
        """The settings under which a step was made."""
        changes = [change for change in self.changes if change.at <= index]
        return changes[-1].settings if changes else initial

    def fork(self, name: str, steps: int) -> Branch:
        """A branch that shares the first `steps` steps, and has made none of its own. Begun at an end it has ended."""
        changes = [change for change in self.changes if change.at < steps]
        ended = self.ended and steps == len(self.steps)
        return Branch(name, self, steps, self.steps[:steps], changes, self.randoms[:steps], ended=ended)

    @property
    def is_going(self) -> bool:
        """Whether its loop stands between two steps, and can be pulled."""
        return self.decoding is not None and self.decoding.started and not self.decoding.ended

    @property
    def is_beam_search(self) -> bool:
        if self.decoding is not None and self.decoding.started:
            return self.decoding.prepared.mode in BEAMS
        return self.parent is not None and self.parent.is_beam_search

    @property
    def sequences(self) -> Tensor | None:
        """Prompt and generated tokens as `generate` returns them, i64 [rows, tokens]; None within a beam search."""
        if self.decoding is None or not self.decoding.started:
            return None
        if self.output is not None:
            return self.output if isinstance(self.output, Tensor) else self.output.sequences
        return None if self.is_beam_search else self.decoding.run.watch.sequences

    @property
    def ids(self) -> list[list[int]]:
        """The generated tokens of every row; while a beam search goes on, of its best beam."""
        sequences = self.sequences
        if sequences is not None and self.decoding is not None:
            return sequences[:, self.decoding.prepared.length :].tolist()
        if not self.steps:
            return []
        beams = [beam for row in self.steps[-1].rows for beam in row.beams]
        if beams:
            return [list(max(beams, key=lambda beam: beam.score).tokens)]
        return generated(self.steps, len(self.steps[-1].rows))

    @property
    def reason(self) -> str | None:
        """What ended it: the criteria that stopped its last rows; None while it can go on."""
        if not self.ended or not self.steps:
            return None
        last = self.steps[-1]
        names = [item.name for row in last.rows if not row.ended for item in row.stopping if item.done]
        if any(beam.state == "live" and not beam.only_fills for row in last.rows for beam in row.beams):
            limits = [name for name in dict.fromkeys(names) if name in LENGTHS]
            return limits[0] if limits else "no live beam can become better than the finished ones"
        return ", ".join(dict.fromkeys(names)) or "stopped"

    def log_probabilities(self) -> list[float]:
        """The log-probability of the generated tokens of each row under the model itself, before any processor; the
        score of the best beam of a beam search.
        """
        if not self.steps:
            return []
        beams = [beam for row in self.steps[-1].rows for beam in row.beams]
        if beams:
            return [max(beam.score for beam in beams)]
        rows = range(len(self.steps[-1].rows))
        return [sum(_log_probability(step, row) for step in self.steps) for row in rows]

    def has_ended(self, row: int, steps: int) -> bool:
        """Whether a row had come to its end within the first `steps` steps."""
        return steps > 0 and has_ended(self.steps[steps - 1].rows[row])

    def texts(self, texts: TokenTexts) -> list[str]:
        """The generated text of every row, special tokens left out."""
        return [texts.join(row) for row in self.ids]

    def record(self, texts: TokenTexts) -> BranchRecord:
        return BranchRecord(
            name=self.name,
            parent=None if self.parent is None else self.parent.name,
            start=self.start,
            steps=self.steps[self.start :],
            ids=self.ids,
            texts=self.texts(texts),
            changes=[(change.at, change.words) for change in self.changes if change.at >= self.start],
            reason=self.reason,
            notices=list(self.notices),
        )


def _log_probability(step: Step, row: int) -> float:
    taken = step.rows[row]
    return 0.0 if taken.ended or taken.chosen is None else taken.chosen.model_log_probability


@dataclass(frozen=True, slots=True)
class Difference:
    """One step of two branches side by side; None where one of them has no such step."""

    index: int
    left: Step | None
    right: Step | None

    def differs(self, row: int = 0) -> bool:
        """Whether the two took another token."""
        return _token(self.left, row) != _token(self.right, row)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two branches side by side. `first` is the step where their tokens part, None where one goes on as the other."""

    left: str
    right: str
    steps: Sequence[Difference]
    first: int | None


def compare(left: tuple[str, Sequence[Step]], right: tuple[str, Sequence[Step]], row: int = 0) -> Comparison:
    """Put the steps of two named branches beside each other, from the first on."""
    count = max(len(left[1]), len(right[1]))
    steps = [Difference(index, _at(left[1], index), _at(right[1], index)) for index in range(count)]
    both = min(len(left[1]), len(right[1]))
    first = next((item.index for item in steps[:both] if item.differs(row)), None)
    return Comparison(left[0], right[0], steps, first)


def _at(steps: Sequence[Step], index: int) -> Step | None:
    return steps[index] if index < len(steps) else None


def _token(step: Step | None, row: int) -> int | None:
    chosen = None if step is None else step.rows[row].chosen
    return None if chosen is None else chosen.id
