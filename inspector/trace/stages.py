"""The records of one step's pipeline: the scores before, between and after the logits processors, in numbers.

Scores are logits, or log-probabilities after `log_softmax` in beam search. Entropies are in nats, ranks count from 1.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

from inspector.trace.lazy import Lazy

Parameter = str | int | float | bool | None
"""What a logits processor was made with, as far as it can be written down."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A token that stood at the top of a table."""

    id: int
    text: str
    score: float
    probability: float

    def to_json(self) -> dict[str, Any]:
        return {"id": self.id, "text": self.text, "score": self.score, "probability": self.probability}


class Top(Lazy[Candidate]):
    """The most probable tokens, most probable first. `texts` gives the text of an id, and is shared by many."""

    __slots__ = ("_ids", "_probabilities", "_scores", "_texts")

    def __init__(
        self, ids: Sequence[int], scores: Sequence[float], probabilities: Sequence[float], texts: Mapping[int, str]
    ) -> None:
        self._ids = array("i", ids)
        self._scores = array("f", scores)
        self._probabilities = array("f", probabilities)
        self._texts = texts

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Top) and all(
            getattr(self, name) == getattr(other, name) for name in ("_ids", "_scores", "_probabilities")
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def ids(self) -> Sequence[int]:
        return self._ids

    def __len__(self) -> int:
        return len(self._ids)

    def made(self, index: int) -> Candidate:
        token = self._ids[index]
        return Candidate(token, self._texts[token], self._scores[index], self._probabilities[index])


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one token stands among the others: after a processor that removed it, at `-inf`."""

    score: float
    log_probability: float
    rank: int

    @property
    def probability(self) -> float:
        return math.exp(self.log_probability)

    def to_json(self) -> dict[str, Any]:
        probability, log_probability = self.probability, self.log_probability
        return {"score": self.score, "probability": probability, "log_probability": log_probability, "rank": self.rank}


@dataclass(frozen=True, slots=True)
class Stage:
    """The scores after one logits processor; the first stage of a step, `raw`, is what the model put out.

    `changed` counts the tokens whose score differs from the stage before, `removed` those that fell out (to -inf),
    `kept` those that are left. `chosen` is where the token that was chosen in the end stands here. `scores` is the key
    of all scores among the trace's values, kept where applying the processor again would not give them.
    """

    name: str
    parameters: Mapping[str, Parameter]
    changed: int
    removed: int
    kept: int
    entropy: float
    top: Sequence[Candidate]
    chosen: Standing | None = None
    seconds: float | None = None
    scores: str | None = None

    def to_json(self) -> dict[str, Any]:
        kept = {} if self.scores is None else {"scores": self.scores}
        return {
            "name": self.name,
            "parameters": dict(self.parameters),
            "changed": self.changed,
            "removed": self.removed,
            "kept": self.kept,
            "entropy": self.entropy,
            "top": [candidate.to_json() for candidate in self.top],
            "chosen": None if self.chosen is None else self.chosen.to_json(),
            "seconds": self.seconds,
            **kept,
        }


class Stages(tuple[Stage, ...]):
    """The pipeline of one row, by place or by name: `stages["temperature"]`, `stages["raw"]`, `stages[-1]`."""

    __slots__ = ()

    @overload  # type: ignore[override]
    def __getitem__(self, key: int | str) -> Stage: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[Stage, ...]: ...
    def __getitem__(self, key: int | str | slice) -> Stage | tuple[Stage, ...]:
        if not isinstance(key, str):
            return super().__getitem__(key)
        for stage in self:
            if stage.name == key:
                return stage
        raise KeyError(f"There is no processor {key!r}; there are {', '.join(self.names)}.")

    @property
    def names(self) -> list[str]:
        return [stage.name for stage in self]
