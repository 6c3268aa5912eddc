"""What a stage of scores amounts to in a few numbers, computed where the scores live and fetched in one piece."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from inspector.generation.pipeline import Scores
from inspector.generation.processors import parameters_of
from inspector.trace.stages import Stage, Stages, Standing, Top

RAW = "raw"
"""The name of what comes in: the model's own logits."""

FIELDS = 7
"""Numbers of a row before its top table: changed, removed, kept, entropy; score, log-probability and rank of the token
that was chosen.
"""


def stages(noted: Sequence[Scores], chosen: Sequence[int | None], top: int, texts: Mapping[int, str]) -> list[Stages]:
    """The pipeline of every row as records.

    `noted` are the scores before, between and after the processors, f32 [rows, vocabulary] each; `chosen` the token
    that each row took, None for one that took none.
    """
    at = torch.tensor([token or 0 for token in chosen], device=noted[0].scores.device)
    numbers: list[Tensor] = []
    before: Tensor | None = None
    for item in noted:
        same = before is not None and before.device.type == "cpu" and torch.equal(item.scores, before)
        numbers.append(_unchanged(numbers[-1]) if same else _numbers(item.scores, before, at, top))
        before = item.scores
    fetched = torch.stack(numbers).tolist()  # [stages][rows][numbers]
    return [
        Stages(
            _stage(item, fetched[place][row], texts, has_chosen=token is not None) for place, item in enumerate(noted)
        )
        for row, token in enumerate(chosen)
    ]


def standing(scores: Tensor, token: int) -> Standing:
    """Where a token stands among the scores of one row, [vocabulary]."""
    row = scores[None].float()
    _, log_probabilities = _log_probabilities(row)
    score, log_probability = row[0, token], log_probabilities[0, token]
    return Standing(float(score), float(log_probability), int((row > score).sum()) + 1)


def _numbers(scores: Tensor, before: Tensor | None, chosen: Tensor, top: int) -> Tensor:
    """f64 [rows, FIELDS + 2 * top + top]: see `FIELDS`, then ids, scores and log-probabilities of the top tokens."""
    scores = scores.float()
    left = scores > torch.finfo(torch.float32).min
    count = left.sum(-1)
    if before is None:
        changed = removed = torch.zeros_like(count)
    else:
        was_left = before > torch.finfo(torch.float32).min
        changed, removed = (scores != before).sum(-1), (was_left & ~left).sum(-1)
    probabilities, logs = _log_probabilities(scores)
    entropy = -(probabilities * logs.clamp(min=torch.finfo(torch.float32).min)).sum(-1)
    best, ids = torch.topk(scores, min(top, scores.shape[-1]))
    taken = _taken(scores, logs, chosen)
    columns = [changed, removed, count, entropy, *taken]
    table = [ids, best, logs.gather(-1, ids)]
    return torch.cat([torch.stack([column.double() for column in columns], -1), *(part.double() for part in table)], -1)


def _log_probabilities(scores: Tensor) -> tuple[Tensor, Tensor]:
    logs = torch.log_softmax(scores, -1)
    return logs.exp(), logs


def _taken(scores: Tensor, logs: Tensor, chosen: Tensor) -> list[Tensor]:
    """Score, log-probability and rank of the chosen tokens, [rows] each."""
    at = chosen[:, None]
    score = scores.gather(-1, at)
    return [score[:, 0], logs.gather(-1, at)[:, 0], (scores > score).sum(-1) + 1]


def _unchanged(numbers: Tensor) -> Tensor:
    numbers = numbers.clone()
    numbers[:, :2] = 0
    return numbers


def _stage(item: Scores, numbers: Sequence[float], texts: Mapping[int, str], *, has_chosen: bool) -> Stage:
    changed, removed, kept, entropy, score, log_probability, rank = numbers[:FIELDS]
    size = (len(numbers) - FIELDS) // 3
    ids, best, logs = (numbers[FIELDS + place * size : FIELDS + (place + 1) * size] for place in range(3))
    shown = min(size, max(int(kept), 1))
    return Stage(
        name=RAW if item.entry is None else item.entry.name,
        parameters={} if item.entry is None else parameters_of(item.entry.processor),
        changed=int(changed),
        removed=int(removed),
        kept=int(kept),
        entropy=entropy,
        top=Top([int(token) for token in ids[:shown]], best[:shown], _exponentials(logs[:shown]), texts),
        chosen=Standing(score, log_probability, int(rank)) if has_chosen else None,
        seconds=item.seconds,
        scores=item.key,
    )


def _exponentials(logs: Sequence[float]) -> list[float]:
    return torch.tensor(logs, dtype=torch.float64).exp().tolist()
