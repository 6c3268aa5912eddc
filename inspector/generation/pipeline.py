"""The lists of processors and criteria that the library's loop calls, with notes taken of every call.

Both are the library's own list types and hold the library's own objects; what they return is the very tensor that the
last processor returned, so a recorded loop draws the same numbers as a bare one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessor, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList

from inspector.errors import GenerationError
from inspector.generation.processors import Entry, snake


@dataclass(slots=True)
class Scores:
    """The scores after one processor, f32 [rows, vocabulary]. `entry` is None for what came in, `key` is set
    where all of them were put into the store.
    """

    entry: Entry | None
    scores: Tensor
    seconds: float | None = None
    key: str | None = None


class Forcing(LogitsProcessor):  # type: ignore[misc]
    """Leaves some rows a single token, at the sequence length that it is meant for. Always the last of the list."""

    def __init__(self) -> None:
        self.length: int | None = None
        self._tokens: dict[int | None, int] = {}

    def force(self, tokens: Mapping[int | None, int], length: int) -> None:
        """Force `tokens`, by row, None for every other row, where the sequences have `length` tokens."""
        self._tokens = {**(self._tokens if length == self.length else {}), **tokens}
        self.length = length

    def at(self, rows: int, length: int) -> dict[int, int]:
        """The token that is forced on each of `rows` rows that have one."""
        if length != self.length:
            return {}
        found = {row: self._tokens.get(row, self._tokens.get(None)) for row in range(rows)}
        return {row: token for row, token in found.items() if token is not None}

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        forced = self.at(*input_ids.shape)
        if not forced:
            return scores
        scores = scores.clone()
        for row, token in forced.items():
            kept = scores[row, token].clamp(min=torch.finfo(scores.dtype).min)  # a filter may have removed it
            scores[row] = -torch.inf
            scores[row, token] = kept.nan_to_num(0.0)
        return scores


class Pipeline(LogitsProcessorList):  # type: ignore[misc]
    """Applies the processors one after the other and keeps what each made of the scores, by sequence length.

    A processor that fails does not end the loop: `failed` is called with the error and returns when somebody wants to
    go on, perhaps with other processors; then all of them are applied anew.
    """

    def __init__(self, entries: Iterable[Entry], failed: Callable[[GenerationError], None]) -> None:
        self.forcing = Forcing()
        self.entries: list[Entry] = []
        self.replace(entries)
        self.noted: dict[int, list[Scores]] = {}
        self.input_ids: Tensor | None = None
        self._failed = failed

    def replace(self, entries: Iterable[Entry]) -> None:
        """Use these processors from the next call on."""
        self.entries = list(entries)
        self[:] = [*(entry.processor for entry in self.entries), self.forcing]

    def __call__(self, input_ids: Tensor, scores: Tensor, **kwargs: Any) -> Tensor:
        given = scores
        while True:
            noted = [Scores(None, given)]
            try:
                for entry in self.entries:
                    scores = run(entry, input_ids, scores, noted, kwargs)
                break
            except GenerationError as error:
                self._failed(error)
                scores = given
        self.noted[input_ids.shape[1]] = noted
        self.input_ids = input_ids
        return self.forcing(input_ids, scores)


def run(entry: Entry, input_ids: Tensor, scores: Tensor, noted: list[Scores], kwargs: dict[str, Any]) -> Tensor:
    """One processor's result, noted. Raises `GenerationError` when it raises, or returns what no loop can use.

    Those of transformers leave the scores that they are given as they are; any other gets a copy that it may change.
    """
    if entry.is_foreign:
        scores = scores.clone()
    start = time.perf_counter()
    try:
        result = LogitsProcessorList([entry.processor])(input_ids, scores, **kwargs)
    except Exception as error:  # whatever a processor raises is told with its name, and the loop survives
        raise GenerationError(
            f"The logits processor {entry.name!r} raised {type(error).__name__}: {error} {ADVICE}"
        ) from error
    seconds = time.perf_counter() - start
    if entry.is_foreign:
        _check(entry, result, noted[-1].scores)
    noted.append(Scores(entry, result, seconds))
    return result  # type: ignore[no-any-return]


ADVICE = "The steps so far are kept: take it out, or repair it, and go on."


def _check(entry: Entry, result: Any, before: Tensor) -> None:
    name = f"The logits processor {entry.name!r}"
    if not isinstance(result, Tensor):
        raise GenerationError(f"{name} returned {type(result).__name__}; it must return the scores. {ADVICE}")
    if result.shape != before.shape:
        shapes = f"{list(result.shape)}, for scores of the shape {list(before.shape)}"
        raise GenerationError(f"{name} returned a tensor of the shape {shapes}. {ADVICE}")
    if not result.is_floating_point() or result.device != before.device:
        expected = f"{before.dtype} on {before.device} was expected"
        raise GenerationError(f"{name} returned {result.dtype} on {result.device}; {expected}. {ADVICE}")
    wrong = result.isnan() & ~before.isnan()
    if wrong.any():
        row, token = wrong.nonzero()[0].tolist()
        count = int(wrong.sum())
        raise GenerationError(
            f"{name} made {count:,} scores NaN, the first that of token {token} in row {row}. {ADVICE}"
        )
    empty = (result == -torch.inf).all(dim=-1)
    if empty.any():
        raise GenerationError(f"{name} left row {int(empty.nonzero()[0])} no token at all. {ADVICE}")


class Criteria(StoppingCriteriaList):  # type: ignore[misc]
    """Asks the stopping criteria one by one and keeps the answers of the last call, bool [rows] each.

    `ended` marks rows that had stopped before this loop began; they stay stopped. `called` is told the sequences,
    i64 [rows, tokens], after each call.
    """

    def __init__(self, criteria: Sequence[StoppingCriteria], called: Callable[[Tensor], None]) -> None:
        super().__init__(criteria)
        self.answers: list[tuple[str, Tensor]] = []
        self.ended: Tensor | None = None
        self._called = called

    def __call__(self, input_ids: Tensor, scores: Any, **kwargs: Any) -> Tensor:
        rows = input_ids.shape[0]
        done = torch.full((rows,), False, device=input_ids.device, dtype=torch.bool)
        self.answers = []
        for criterion in self:
            answer = criterion(input_ids, scores, **kwargs)
            done = done | answer
            self.answers.append((criterion_name(criterion), torch.as_tensor(answer).expand(rows)))
        if self.ended is not None:
            done = done | self.ended
        self._called(input_ids)
        return done


def criterion_name(criterion: StoppingCriteria) -> str:
    """`eos_token`, `max_length`, `stop_string`, `max_time`; for others the class in small letters."""
    kind = type(criterion).__name__
    return snake(kind.removesuffix("Criteria").removesuffix("Stopping") or kind)
