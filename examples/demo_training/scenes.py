"""Scenes of one to three coloured shapes on a plain background, and short clips in which one of them moves.

Everything follows from a `random.Random`. A scene is held out, that is never trained on, when a digest of what is where
says so: a held-out set of colours, shapes and cells occurs in no training picture.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, replace
from random import Random

COLORS = ("red", "orange", "yellow", "green", "blue", "purple")
SHAPES = ("circle", "square", "triangle", "star")
CELLS = ("top left", "top", "top right", "left", "center", "right", "bottom left", "bottom", "bottom right")
"""The nine cells of a picture, row by row."""

HELD_OUT = 10
"""One in so many scenes is held out."""

COUNTS = {1: 0.25, 2: 0.35, 3: 0.40}
"""How often a scene has so many shapes."""


@dataclass(frozen=True, slots=True)
class Thing:
    """A shape in a cell. `x`, `y` and `radius` say where it is drawn: fractions of the width, the height and the
    smaller side; `stretch` is its width over its height, `turn` an angle in radians.
    """

    color: str
    shape: str
    cell: str
    x: float = 0.5
    y: float = 0.5
    radius: float = 0.15
    stretch: float = 1.0
    turn: float = 0.0

    @property
    def kind(self) -> tuple[str, str]:
        return self.color, self.shape


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture, or a clip: then the first thing moves to the cell of `target`, which is the same thing at the end."""

    things: tuple[Thing, ...]
    target: Thing | None = None

    @property
    def held_out(self) -> bool:
        what = sorted((*thing.kind, thing.cell) for thing in self.things)
        moved = (self.target.cell, self.things[0].cell) if self.target else ()
        return zlib.crc32(repr((what, moved)).encode()) % HELD_OUT == 0

    def at(self, moment: float) -> tuple[Thing, ...]:
        """What is where at a moment from 0 to 1: it rests for a fifth, moves evenly, and rests for a fifth."""
        if self.target is None:
            return self.things
        start, end = self.things[0], self.target
        done = min(max((moment - 0.2) / 0.6, 0.0), 1.0)
        moving = replace(start, x=start.x + (end.x - start.x) * done, y=start.y + (end.y - start.y) * done)
        return (moving, *self.things[1:])


def sample(random: Random, held_out: bool = False, count: int | None = None) -> Scene:
    """A scene; of `count` things, or of as many as `COUNTS` says."""
    while True:
        number = count or random.choices(list(COUNTS), list(COUNTS.values()))[0]
        scene = Scene(_placed(random, _distinct(random, number), random.sample(CELLS, number)))
        if scene.held_out == held_out and not _touching(scene.things):
            return scene


def sample_clip(random: Random, held_out: bool = False) -> Scene:
    """A scene in which the first thing moves to another cell; in a third of them another thing rests."""
    while True:
        number = random.choice((1, 1, 2))
        start, end, *resting = random.sample(CELLS, number + 1)
        things = _placed(random, _distinct(random, number), [start, *resting], largest=0.17)
        x, y = _place(random, end, things[0].radius)
        scene = Scene(things, replace(things[0], cell=end, x=x, y=y))
        if scene.held_out == held_out and not any(_touching(scene.at(step / 8)) for step in range(9)):
            return scene


def _distinct(random: Random, number: int) -> list[tuple[str, str]]:
    """Kinds of things, no two the same in colour and shape."""
    kinds = [(color, shape) for color in COLORS for shape in SHAPES]
    return random.sample(kinds, number)


def _placed(random: Random, kinds: list[tuple[str, str]], cells: list[str], largest: float = 0.0) -> tuple[Thing, ...]:
    largest = largest or {1: 0.23, 2: 0.20}.get(len(kinds), 0.17)
    return tuple(_thing(random, *kind, cell, largest) for kind, cell in zip(kinds, cells, strict=True))


def _thing(random: Random, color: str, shape: str, cell: str, largest: float) -> Thing:
    radius, stretch = random.uniform(0.10, largest), math.exp(random.uniform(-0.22, 0.22))
    x, y = _place(random, cell, radius)
    return Thing(color, shape, cell, x, y, radius, stretch, random.uniform(-0.14, 0.14))


def _place(random: Random, cell: str, radius: float) -> tuple[float, float]:
    """A centre in the middle of the cell, so far from the edges of the picture that the shape is whole."""
    row, column = divmod(CELLS.index(cell), 3)
    x, y = ((part + 0.5 + random.uniform(-0.26, 0.26)) / 3 for part in (column, row))
    edge = 1.2 * radius
    return min(max(x, edge), 1 - edge), min(max(y, edge), 1 - edge)


def _touching(things: tuple[Thing, ...]) -> bool:
    """Whether two things come too close, on a square picture."""
    return any(
        math.hypot(a.x - b.x, a.y - b.y) < (a.radius + b.radius) * 1.1
        for place, a in enumerate(things)
        for b in things[:place]
    )
