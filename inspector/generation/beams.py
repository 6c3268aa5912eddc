"""What a beam search does in one step: the continuations it takes up, their parents and scores, and what ends them."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from inspector.trace.steps import Beam


@dataclass(slots=True)
class Picked:
    """Continuations of every batch item: scores [batch, k], tokens [batch, k, generated], parents [batch, k]."""

    scores: Tensor
    tokens: Tensor
    parents: Tensor


class BeamNotes:
    """Gathers what the loop tells of one step, and makes beams of it."""

    def __init__(self) -> None:
        self._length = self._prompt = 0
        self._candidates: Picked | None = None
        self._running: Picked | None = None
        self._stopped = torch.empty(0)
        self._kept = torch.empty(0)
        self._penalty = 1.0

    def picked(self, length: int, prompt_length: int, scores: Tensor, sequences: Tensor, parents: Tensor) -> None:
        self._length, self._prompt = length, prompt_length
        self._candidates = self._cut(scores, sequences, parents)

    def running(self, sequences: Tensor, scores: Tensor, parents: Tensor) -> None:
        self._running = self._cut(scores, sequences, parents)

    def finished(self, stopped: Tensor, scores: Tensor, length_penalty: float) -> None:
        self._stopped, self._kept, self._penalty = stopped.cpu(), scores.cpu(), length_penalty

    def beams(self, answers: Sequence[tuple[str, Tensor]]) -> list[Beam]:
        """Every continuation that lives on or has just ended. `answers` are the criteria's, for each candidate."""
        return [*self._live(), *self._ended([(name, answer.cpu()) for name, answer in answers])]

    def _cut(self, scores: Tensor, sequences: Tensor, parents: Tensor) -> Picked:
        end = self._length + 1
        return Picked(
            scores.cpu(), sequences[:, :, self._prompt : end].cpu(), parents[:, :, end - 1 - self._prompt].cpu()
        )

    def _live(self) -> list[Beam]:
        assert self._running is not None
        batch, count = self._running.scores.shape
        return [
            self._beam(self._running, item, place, item * count + place)
            for item in range(batch)
            for place in range(count)
        ]

    def _ended(self, answers: Sequence[tuple[str, Tensor]]) -> list[Beam]:
        assert self._candidates is not None
        width = self._candidates.scores.shape[1]
        beams = []
        for item, place in self._stopped.nonzero().tolist():
            reasons = [name for name, answer in answers if answer[item * width + place]]
            beams.append(self._beam(self._candidates, item, place, None, ", ".join(reasons)))
        return beams

    def _beam(self, picked: Picked, item: int, place: int, row: int | None, reason: str | None = None) -> Beam:
        tokens = picked.tokens[item, place].tolist()
        score = picked.scores[item, place]
        kept = True
        if row is None:
            score = score / (len(tokens) ** self._penalty)
            kept = bool((self._kept[item] == score).any())
        return Beam(
            parent=int(picked.parents[item, place]),
            id=tokens[-1],
            score=float(score),
            row=row,
            state="live" if row is not None else "finished" if kept else "dropped",
            reason=reason,
            tokens=array("i", tokens),
        )
