"""From what a loop left behind to the records of its steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessor

from inspector.generation.loop import CACHES, Settled
from inspector.generation.measure import stages
from inspector.generation.pipeline import Scores
from inspector.generation.processors import Entry
from inspector.generation.store import LogitsStore
from inspector.generation.texts import TokenTexts
from inspector.trace.stages import Stages
from inspector.trace.steps import Beam, Choice, Criterion, Draft, Step, StepRow, Timings

Positions = Callable[[Tensor], list[list[tuple[int, ...]]]]
"""A family's `positions`."""

LENGTHS = frozenset({"max_length", "max_time"})
"""Criteria that end a run and not a text: a row that they stopped can go on when they are set further."""


class LogSoftmax(LogitsProcessor):  # type: ignore[misc]
    """What a beam search does with the logits before the first processor sees them."""

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        return torch.log_softmax(scores, dim=-1)


LOG_SOFTMAX = Entry("log_softmax", LogSoftmax())


class StepMaker:
    """Makes records of steps. `store` keeps the raw logits, None where nobody wants them."""

    def __init__(self, texts: TokenTexts, positions: Positions, store: LogitsStore | None, top: int) -> None:
        self.texts = texts
        self._positions = positions
        self._store = store
        self.top = top

    def steps(self, settled: Settled, previous: Step | None) -> list[Step]:
        """The steps that one round of the loop made: several where an assistant's tokens were taken."""
        start = time.perf_counter()
        made = []
        cache = cache_size(settled.kwargs)
        for place in range(settled.new):
            previous = self._step(settled, place, previous, cache, start)
            made.append(previous)
            start = time.perf_counter()
        return made

    def _step(
        self, settled: Settled, place: int, previous: Step | None, cache: tuple[int, int] | None, start: float
    ) -> Step:
        length = settled.sequences.shape[1] - (0 if settled.beams else settled.new - place)
        noted = settled.noted.get(length) or [Scores(None, settled.logits[:, place].float())]
        raw = settled.logits[:, place]
        key = self._kept(raw)
        for item in noted:
            if item.entry is not None and item.entry.is_stateful:
                item.key = self._kept(item.scores)
        if settled.beams is None:
            rows = self._rows(settled, place, noted, previous, length)
        else:
            noted = [Scores(None, raw.float()), Scores(LOG_SOFTMAX, noted[0].scores), *noted[1:]]
            rows = self._beam_rows(settled, noted)
        recording = time.perf_counter() - start
        seconds = settled.seconds if place == 0 else {"total": 0.0, "forward": 0.0, "processors": 0.0}
        return Step(
            index=0 if previous is None else previous.index + 1,
            input_length=length,
            rows=tuple(rows),
            timings=Timings(**seconds, recording=recording),
            forward=settled.forward,
            cache=cache,
            draft=self._draft(settled) if place == 0 else None,
            logits=key,
        )

    def _kept(self, tensor: Tensor) -> str | None:
        return None if self._store is None else self._store.append(tensor)

    def _rows(
        self, settled: Settled, place: int, noted: list[Scores], previous: Step | None, length: int
    ) -> list[StepRow]:
        chosen = settled.sequences[:, length].tolist()
        is_last = place == settled.new - 1
        places = self._places(settled, settled.new - place)
        answers = [(name, answer.tolist()) for name, answer in settled.answers] if is_last else []
        rows = []
        for row, pipeline in enumerate(stages(noted, chosen, self.top, self.texts)):
            stopping = tuple(Criterion(name, bool(done[row])) for name, done in answers)
            ended = previous is not None and has_ended(previous.rows[row])
            forced = place == 0 and row in settled.forced and not ended
            choice = self._choice(pipeline, chosen[row], forced=forced)
            rows.append(StepRow(pipeline, choice, stopping, places[row] if places else None, ended))
        return rows

    def _beam_rows(self, settled: Settled, noted: list[Scores]) -> list[StepRow]:
        assert settled.beams is not None
        beams = settled.beams.beams(settled.answers)
        places = self._places(settled, 1)
        count = noted[0].scores.shape[0]
        mine = [tuple(beam for beam in beams if beam.parent == row) for row in range(count)]
        chosen = [max(taken, key=_first).id if taken else None for taken in mine]
        rows = []
        for row, pipeline in enumerate(stages(noted, chosen, self.top, self.texts)):
            token = chosen[row]
            choice = None if token is None else self._choice(pipeline, token, forced=row in settled.forced)
            ended = {name for beam in mine[row] for name in (beam.reason or "").split(", ")}
            stopping = tuple(Criterion(name, name in ended) for name, _ in settled.answers)
            rows.append(StepRow(pipeline, choice, stopping, places[row] if places else None, beams=mine[row]))
        return rows

    def _choice(self, pipeline: Stages, token: int, *, forced: bool) -> Choice:
        final, first = pipeline[-1].chosen, pipeline[0].chosen
        assert final is not None
        assert first is not None
        return Choice(
            id=token,
            text=self.texts[token],
            rank=final.rank,
            log_probability=final.log_probability,
            model_log_probability=first.log_probability,
            greedy=token if final.rank == 1 else pipeline[-1].top[0].id,
            forced=forced,
        )

    def _places(self, settled: Settled, back: int) -> list[tuple[int, ...]]:
        """The position of the token that stands `back` from the end, by row; none for a model that is given none."""
        ids = settled.kwargs.get("position_ids")
        if not isinstance(ids, Tensor) or ids.shape[-1] < back:
            return []
        end = ids.shape[-1] - back + 1
        places = [row[0] for row in self._positions(ids[..., end - 1 : end])]
        rows = settled.sequences.shape[0]
        return places * rows if len(places) == 1 else places

    def _draft(self, settled: Settled) -> Draft | None:
        if settled.draft is None:
            return None
        taken = settled.sequences[0, -settled.new :].tolist()
        matches = (drafted == token for drafted, token in zip(settled.draft, taken, strict=False))
        accepted = next((place for place, same in enumerate(matches) if not same), min(len(settled.draft), len(taken)))
        return Draft(settled.draft, accepted)


def has_ended(row: StepRow) -> bool:
    """Whether a row takes no further token: its text has come to an end."""
    return row.ended or any(criterion.done and criterion.name not in LENGTHS for criterion in row.stopping)


def cache_of(kwargs: dict[str, Any]) -> Any:
    """The key-value cache among a model's arguments; None where there is none."""
    return next((kwargs[name] for name in CACHES if kwargs.get(name) is not None), None)


def cache_size(kwargs: dict[str, Any]) -> tuple[int, int] | None:
    """Length in tokens and bytes of the cache."""
    cache = cache_of(kwargs)
    if cache is None or not hasattr(cache, "get_seq_length"):
        return None
    held = [item for layer in getattr(cache, "layers", ()) for item in vars(layer).values()]
    return int(cache.get_seq_length()), sum(item.nbytes for item in held if isinstance(item, Tensor))


def generated(steps: Sequence[Step], rows: int) -> list[list[int]]:
    """The generated tokens of each row, as far as the rows choose their own (not in beam search)."""
    return [[step.rows[row].chosen.id for step in steps if step.rows[row].chosen is not None] for row in range(rows)]  # type: ignore[union-attr]


def _first(beam: Beam) -> tuple[bool, float]:
    return beam.row is not None and not beam.only_fills, beam.score
