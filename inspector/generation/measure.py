"""What a stage of scores amounts to in a few numbers.

This runs for every processor of every step, over the whole vocabulary: it passes over the scores as seldom as it can,
and where few tokens are left it looks at those alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inspector.generation.pipeline import Scores
from inspector.generation.processors import parameters_of
from inspector.trace.stages import Stage, Stages, Standing, Top

RAW = "raw"
"""The name of what comes in: the model's own logits."""

LEAST = torch.finfo(torch.float32).min
"""A token with this score, or a lower one, is removed."""

FEW = 1024
"""So many tokens or fewer that are left are sorted, and everything is read from those."""


BLOCK = 128
"""Scores that are looked at together in the search for the largest: see `largest`."""

Plain = Any
"""Scores or a mask as an array: comparing and counting is many times as fast so on the CPU."""


@dataclass(slots=True)
class Measured:
    """A stage in numbers, each a list over the rows; `top` is ids, scores, log-probabilities, most probable first."""

    changed: list[int]
    removed: list[int]
    kept: list[int]
    entropy: list[float]
    top: tuple[list[list[int]], list[list[float]], list[list[float]]]
    chosen: list[tuple[float, float, int]]


def stages(noted: Sequence[Scores], chosen: Sequence[int | None], top: int, texts: Mapping[int, str]) -> list[Stages]:
    """The pipeline of every row as records.

    `noted` are the scores before, between and after the processors, f32 [rows, vocabulary] each; `chosen` the token
    that each row took, None for one that took none.
    """
    at = torch.tensor([token or 0 for token in chosen], device=noted[0].scores.device)[:, None]
    pipeline = [item.scores.detach().float() for item in noted]
    measured = list(_measured(pipeline, at, top)) if at.device.type == "cpu" else _fetched(pipeline, at, top)
    return [
        Stages(
            _stage(item, found, row, texts, has_chosen=token is not None)
            for item, found in zip(noted, measured, strict=True)
        )
        for row, token in enumerate(chosen)
    ]


def standing(scores: Tensor, token: int) -> Standing:
    """Where a token stands among the scores of one row, [vocabulary]."""
    scores = scores.float()
    score, log_probability = scores[token], torch.log_softmax(scores, -1)[token]
    return Standing(float(score), float(log_probability), int((scores > score).sum()) + 1)


def largest(scores: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The largest scores of each row and their places, [rows, count], largest first.

    They lie in the `count` blocks whose own largest are the largest: finding those takes a fifth of the time.
    """
    rows, size = scores.shape
    blocks = size // BLOCK
    if count * BLOCK > size // 8:
        best, ids = torch.topk(scores, min(count, size))
        return best, ids
    whole = scores[:, : blocks * BLOCK].view(rows, blocks, BLOCK)
    chosen = torch.topk(whole.amax(-1), count)[1]
    within = (chosen[:, :, None] * BLOCK + torch.arange(BLOCK)).view(rows, -1)
    rest = torch.arange(blocks * BLOCK, size).expand(rows, -1)
    places = torch.cat([within, rest], dim=-1)
    best, order = torch.topk(scores.gather(-1, places), count)
    return best, places.gather(-1, order)


def _measured(pipeline: Sequence[Tensor], at: Tensor, top: int) -> Iterator[Measured]:
    """On the CPU, stage by stage: what did not change is not measured again, what has few tokens left is sorted."""
    before: Plain = None
    left_before: Plain = None
    last: Measured | None = None
    for scores in pipeline:
        plain = scores.numpy()
        left = plain > LEAST
        changed = removed = [0] * scores.shape[0]
        if last is not None:
            changed = _counts(plain != before)
            removed = _counts(left_before & ~left) if any(changed) else changed
        if last is not None and not any(changed):
            last = replace(last, changed=changed, removed=removed)
        else:
            last = _numbers(scores, _counts(left), at, top)
            last.changed, last.removed = changed, removed
        yield last
        before, left_before = plain, left


def _numbers(scores: Tensor, kept: list[int], at: Tensor, top: int) -> Measured:
    """The numbers of a stage for itself, apart from the one before."""
    best, ids = largest(scores, max(top, *kept) if max(kept) <= FEW else top)
    everything = best if max(kept) <= FEW and not best[:, 0].isnan().any() else scores
    log_sum, entropy = _spread(everything, best)
    score, first = scores.gather(-1, at), best[:, :1]
    ranks = _counts(everything.numpy() > score.numpy())
    standings = zip(score[:, 0].tolist(), (score - first - log_sum)[:, 0].tolist(), ranks, strict=True)
    return Measured(
        changed=[],
        removed=[],
        kept=kept,
        entropy=entropy.tolist(),
        top=(ids[:, :top].tolist(), best[:, :top].tolist(), (best - first - log_sum)[:, :top].tolist()),
        chosen=[(score, log_probability, above + 1) for score, log_probability, above in standings],
    )


def _spread(scores: Tensor, best: Tensor) -> tuple[Tensor, Tensor]:
    """The logarithm of the sum of exponentials of what is left when the largest is taken off [rows, 1], and the entropy
    [rows]. `best` begins with the largest; a low temperature makes it so large that nothing may be added to it.
    """
    probabilities = torch.softmax(scores, -1)
    log_sum = 0.0 - torch.log(probabilities.amax(-1, keepdim=True))  # and never -0.0
    mean = torch.linalg.vecdot(probabilities, (scores - best[:, :1]).clamp(min=LEAST))
    return log_sum, (log_sum[:, 0] - mean).clamp(min=0)


def _fetched(pipeline: Sequence[Tensor], at: Tensor, top: int) -> list[Measured]:
    """On an accelerator: everything is computed there, and comes over in one piece."""
    top = min(top, pipeline[0].shape[-1])
    numbers: list[Tensor] = []
    before = pipeline[0]
    for scores in pipeline:
        left, was_left = scores > LEAST, before > LEAST
        best, ids = torch.topk(scores, top)
        log_sum, entropy = _spread(scores, best)
        score, first = scores.gather(-1, at), best[:, :1]
        columns = [(scores != before).sum(-1), (was_left & ~left).sum(-1), left.sum(-1), (scores > score).sum(-1)]
        logs = score - first - log_sum, best - first - log_sum
        parts = [torch.stack(columns, -1), entropy[:, None], score, logs[0], ids, best, logs[1]]
        numbers.append(torch.cat([part.double() for part in parts], -1))
        before = scores
    return [_unpacked(rows, top) for rows in torch.stack(numbers).tolist()]


def _unpacked(rows: Sequence[Sequence[float]], top: int) -> Measured:
    """What `_fetched` packed for a stage."""
    changed, removed, kept, above = ([int(row[place]) for row in rows] for place in range(4))
    ids, best, logs = ([list(row[7 + place * top : 7 + (place + 1) * top]) for row in rows] for place in range(3))
    return Measured(
        changed,
        removed,
        kept,
        entropy=[row[4] for row in rows],
        top=([[int(token) for token in row] for row in ids], best, logs),
        chosen=[(row[5], row[6], count + 1) for row, count in zip(rows, above, strict=True)],
    )


def _counts(mask: Plain) -> list[int]:
    """How many are true in each row."""
    return [int(np.count_nonzero(row)) for row in mask]


def _stage(item: Scores, found: Measured, row: int, texts: Mapping[int, str], *, has_chosen: bool) -> Stage:
    shown = max(found.kept[row], 1)
    ids, best, logs = found.top
    return Stage(
        name=RAW if item.entry is None else item.entry.name,
        parameters={} if item.entry is None else parameters_of(item.entry.processor),
        changed=found.changed[row],
        removed=found.removed[row],
        kept=found.kept[row],
        entropy=found.entropy[row],
        top=Top(ids[row][:shown], best[row][:shown], [math.exp(log) for log in logs[row][:shown]], texts),
        chosen=Standing(*found.chosen[row]) if has_chosen else None,
        seconds=item.seconds,
        scores=item.key,
    )
