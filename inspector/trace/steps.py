"""The records of a generation: what each step saw, did to the scores and chose, and their JSON (one object a step and
row, as `inspector generate --format jsonl` prints it).

Nothing here imports torch. A step of a long run takes a few kilobytes: what there is many of stands in arrays.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from inspector.trace.stages import Stages


@dataclass(frozen=True, slots=True)
class Choice:
    """The token that a row took, with its place in the final scores.

    `greedy` is the token that the final scores put first. `log_probability` is under the final scores,
    `model_log_probability` under the model's own: the same for every setting of the processors.
    """

    id: int
    text: str
    rank: int
    log_probability: float
    model_log_probability: float
    greedy: int
    forced: bool = False

    @property
    def probability(self) -> float:
        return math.exp(self.log_probability)

    @property
    def is_greedy(self) -> bool:
        return self.id == self.greedy

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "text": self.text,
            "probability": self.probability,
            "rank": self.rank,
            "log_probability": self.log_probability,
            "model_log_probability": self.model_log_probability,
            "greedy": self.greedy,
            "forced": self.forced,
        }


@dataclass(frozen=True, slots=True)
class Criterion:
    """A stopping criterion, and whether it asked this row to stop."""

    name: str
    done: bool

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "done": self.done}


FILLING = -5e8
"""Below this score a beam only keeps a place, because there were too few real continuations."""


@dataclass(frozen=True, slots=True)
class Beam:
    """A continuation that a beam search took up: `parent` is the row that it continues, `id` the token it adds.

    `row` is where a live beam goes on, None for a finished one. The score is the sum of log-probabilities; that of a
    finished beam is divided by its length to the power of the length penalty. `state` of a beam that a stopping
    criterion ended is `finished`, or `dropped` where better finished ones leave it no place; `reason` names what ended
    it. `tokens` are all that were generated along it.
    """

    parent: int
    id: int
    score: float
    row: int | None
    state: Literal["live", "finished", "dropped"]
    reason: str | None = None
    tokens: Sequence[int] = ()

    @property
    def only_fills(self) -> bool:
        """Whether it is no real continuation but keeps a place: transformers takes 1e9 from the score of such."""
        return self.state == "live" and self.score < FILLING

    def to_json(self) -> dict[str, Any]:
        return {
            "score": self.score,
            "parent": self.parent,
            "tokens": list(self.tokens),
            "row": self.row,
            "state": self.state,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Draft:
    """What an assistant proposed before one forward of the model, and how many of its tokens the model took."""

    drafted: tuple[int, ...]
    accepted: int

    @property
    def rejected(self) -> tuple[int, ...]:
        return self.drafted[self.accepted :]

    def to_json(self) -> dict[str, Any]:
        taken, rejected = list(self.drafted[: self.accepted]), list(self.rejected)
        return {"drafted": list(self.drafted), "accepted": taken, "rejected": rejected}


@dataclass(frozen=True, slots=True)
class StepRow:
    """One row of the batch in one step (in beam search: one live beam).

    `chosen` is None for a beam none of whose continuations was taken up. `position` is the one given to the new token.
    `ended` is set for a row that had stopped before this step: it only takes padding.
    """

    processors: Stages
    chosen: Choice | None
    stopping: tuple[Criterion, ...]
    position: tuple[int, ...] | None = None
    ended: bool = False
    beams: tuple[Beam, ...] = ()


@dataclass(frozen=True, slots=True)
class Timings:
    """Wall time of a step in seconds: `total` is `forward` and `processors` and what the loop does beside them; the
    time that `recording` took stands apart.
    """

    total: float
    forward: float
    processors: float
    recording: float

    def to_json(self) -> dict[str, Any]:
        return {"forward": self.forward, "processors": self.processors, "recording": self.recording}


@dataclass(frozen=True, slots=True)
class Step:
    """One new token for every row. Step 0 is made from the prefill.

    `index` counts from 0, `input_length` is the number of tokens before it, padding included. `forward` is the number
    of the model's forward that made the logits (a `Call.step` where calls were recorded); in assisted decoding several
    steps share one, and the first of them has the `draft`. `cache` is length and bytes of the key-value cache.
    The fields of its first row can be asked of the step itself: `step.processors`, `step.chosen`.
    """

    index: int
    input_length: int
    rows: tuple[StepRow, ...]
    timings: Timings
    forward: int
    cache: tuple[int, int] | None = None
    draft: Draft | None = None
    logits: str | None = None
    """The key of the raw logits among the trace's values; None where they were not kept."""

    @property
    def processors(self) -> Stages:
        return self.rows[0].processors

    @property
    def chosen(self) -> Choice | None:
        return self.rows[0].chosen

    @property
    def text(self) -> str:
        """The text of the first row's token."""
        return "" if self.chosen is None else self.chosen.text

    def lines(self) -> Iterator[dict[str, Any]]:
        """One JSON object for each row that was still going."""
        return (self.line(number) for number, row in enumerate(self.rows) if not row.ended)

    def line(self, number: int) -> dict[str, Any]:
        row = self.rows[number]
        line: dict[str, Any] = {
            "step": self.index,
            "row": number,
            "input_length": self.input_length,
            "position": None if row.position is None else list(row.position),
            "processors": [stage.to_json() for stage in row.processors],
            "chosen": None if row.chosen is None else row.chosen.to_json(),
            "stopping": [criterion.to_json() for criterion in row.stopping],
            "cache": None if self.cache is None else {"length": self.cache[0], "bytes": self.cache[1]},
            "seconds": self.timings.total,
            "timings": self.timings.to_json(),
            "forward": self.forward,
        }
        if row.beams:
            line["beams"] = [beam.to_json() for beam in row.beams]
        if self.draft is not None:
            line.update(self.draft.to_json())
        if row.ended:
            line["ended"] = True
        if self.logits is not None:
            line["logits"] = self.logits
        return line


@dataclass(slots=True)
class BranchRecord:
    """A run of steps. It shares those of its parent before `start`; `steps` are its own, the first has that index.

    `changes` says in words what sets it apart and what was changed on the way, by step. `ids` are the generated tokens
    of every row, also the shared ones; `reason` is why it ended, None while it can go on.
    """

    name: str
    parent: str | None
    start: int
    steps: Sequence[Step]
    ids: Sequence[Sequence[int]]
    texts: Sequence[str]
    changes: Sequence[tuple[int, str]] = ()
    reason: str | None = None
    notices: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "parent": self.parent,
            "start": self.start,
            "ids": [list(row) for row in self.ids],
            "texts": list(self.texts),
            "changes": [list(change) for change in self.changes],
            "reason": self.reason,
            "notices": list(self.notices),
            "steps": [[step.line(number) for number in range(len(step.rows))] for step in self.steps],
        }


@dataclass(slots=True)
class GenerationRecord:
    """A generation as a whole: its branches by name, the first one the trunk; `current` is the one looked at last.

    `mode` is transformers' name of it (greedy_search, sample, beam_search, …), `settings` what it was asked for.
    """

    mode: str
    seed: int
    settings: Mapping[str, Any]
    prompt_length: int
    vocabulary: int
    branches: dict[str, BranchRecord] = field(default_factory=dict)
    current: str = "main"

    def steps(self, name: str | None = None) -> list[Step]:
        """Every step along a branch from the start, also those that it shares. Raises `KeyError`."""
        branch = self.branches[name or self.current]
        shared = [] if branch.parent is None else self.steps(branch.parent)[: branch.start]
        return [*shared, *branch.steps]

    def to_json(self) -> dict[str, Any]:
        return {
            "mode": self.mode,
            "seed": self.seed,
            "settings": dict(self.settings),
            "prompt_length": self.prompt_length,
            "vocabulary": self.vocabulary,
            "current": self.current,
            "branches": [branch.to_json() for branch in self.branches.values()],
        }
