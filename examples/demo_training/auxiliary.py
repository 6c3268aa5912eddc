"""What the states of image tokens are also asked during training: what lies there, and where it is.

The losses teach the model early to bind colour, shape and place; the heads that compute them are thrown away.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from .lessons import Lesson
from .packing import IGNORED
from .scenes import CELLS, COLORS, SHAPES, Thing

MOST = 8
"""Most rows, or columns, of image tokens."""

SIZES = (len(COLORS) + 1, len(SHAPES) + 1, MOST, MOST, 3, 3)
"""Classes: colour and shape (0 for none), row and column of the token, row and column of the thing's cell."""

SAMPLES = np.array([1, 3, 5]) / 6
"""Where in a token, along each side, it is looked for a thing."""


class AuxiliaryHeads(nn.Module):
    """One linear map from a state to the classes of everything that is asked."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.classes = nn.Linear(width, sum(SIZES))

    def forward(self, states: Tensor, labels: Tensor) -> Tensor:
        """The mean loss. `states` [pictures, tokens, width], `labels` i64 [pictures, tokens, questions]."""
        parts = self.classes(states).float().split(SIZES, dim=-1)
        losses = [
            nn.functional.cross_entropy(part.flatten(0, 1), labels[..., number].flatten(), ignore_index=IGNORED)
            for number, part in enumerate(parts)
        ]
        return torch.stack(losses).mean()


def labels(lessons: list[Lesson], times: int, rows: int, columns: int) -> Tensor:
    """i64 [pictures, times × rows × columns, questions]: what is right for each token, time by time, row by row."""
    found = [
        _labels(lesson.scene.at((time + 0.5) / times), *lesson.frames[0].size, rows, columns)
        for lesson in lessons
        for time in range(times)
    ]
    return torch.from_numpy(np.stack(found)).view(len(lessons), times * rows * columns, len(SIZES))


def _labels(things: tuple[Thing, ...], width: int, height: int, rows: int, columns: int) -> np.ndarray:
    """i64 [rows, columns, questions] of one picture of that size."""
    result = np.zeros((rows, columns, len(SIZES)), dtype=np.int64)
    result[..., 2], result[..., 3] = np.arange(rows)[:, None], np.arange(columns)[None]
    result[..., 4:] = IGNORED
    x = (np.arange(columns)[:, None] + SAMPLES).ravel() / columns * width
    y = (np.arange(rows)[:, None] + SAMPLES).ravel() / rows * height
    for thing in things:
        covered = _covered(thing, x, y, width, height).reshape(rows, 3, columns, 3).sum((1, 3)) >= 3
        row, column = divmod(CELLS.index(thing.cell), 3)
        result[covered, 0] = COLORS.index(thing.color) + 1
        result[covered, 1] = SHAPES.index(thing.shape) + 1
        result[covered, 4:] = row, column
    return result


def _covered(thing: Thing, x: np.ndarray, y: np.ndarray, width: int, height: int) -> np.ndarray:
    """Which points lie in the box around a thing: bool [len(y), len(x)]."""
    across = thing.radius * min(width, height) * thing.stretch**0.5
    down = across / thing.stretch
    inside_x, inside_y = abs(x - thing.x * width) < across, abs(y - thing.y * height) < down
    return inside_y[:, None] & inside_x[None]
