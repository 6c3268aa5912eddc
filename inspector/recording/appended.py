"""Tells what is new in a tensor that grows from step to step, so that a cache is kept once and not once a step.

The keys that a kernel gets while decoding are those of the step before and one row more, with the oldest gone where a
window slides; a static cache has the new row inside. Which rows are old is not assumed but seen: a fingerprint of every
row, a few bytes each, is compared with the step before. A cache that was reordered, cropped or requantised shows as new
rows.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

MOST = 0.5
"""Where more than this share of the rows is new, the tensor is to be kept whole."""

INTEGERS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


class Growth(NamedTuple):
    """How a tensor came from the one before: its first `dropped` rows went, and `start` up to `stop` are new."""

    before: int
    dropped: int
    start: int
    stop: int


class Appended:
    """Follows one tensor [batch, heads, rows, features] over the calls that get it."""

    def __init__(self) -> None:
        self._prints: Tensor | None = None
        self._call = -1

    def growth(self, tensor: Tensor, rows: int, call: int) -> Growth | None:
        """What is new in `tensor`, the one of `call`, which was handed `rows` new rows; None where it is to be kept
        whole: one that begins anew, and one that shares too little with the one before.
        """
        old, before = self._prints, self._call
        self._prints, self._call = new, _ = fingerprints(tensor), call
        if old is None or rows == new.shape[2] or old.shape[:2] != new.shape[:2] or old.device != new.device:
            return None
        slid = max(0, old.shape[2] + rows - new.shape[2])
        found = [_growth(old, new, before, dropped) for dropped in {0, slid} if dropped <= old.shape[2]]
        best = min(found, key=lambda growth: growth.stop - growth.start)
        return best if best.stop - best.start <= MOST * new.shape[2] else None


def fingerprints(tensor: Tensor) -> Tensor:
    """A number for every row, i64 [batch, heads, rows]: equal for equal rows, different for nearly all others."""
    try:
        return tensor.view(torch.int64).sum(-1)
    except RuntimeError:  # rows that are no multiple of 8 bytes, or not dense
        return tensor.view(INTEGERS[tensor.element_size()]).sum(-1, dtype=torch.int64)


def _growth(old: Tensor, new: Tensor, before: int, dropped: int) -> Growth:
    shared = min(old.shape[2] - dropped, new.shape[2])
    changed = (old[:, :, dropped : dropped + shared] != new[:, :, :shared]).flatten(0, 1).any(0).nonzero()
    start, last = (int(changed[0]), int(changed[-1]) + 1) if len(changed) else (shared, shared)
    return Growth(before, dropped, start, new.shape[2] if new.shape[2] > shared else last)
