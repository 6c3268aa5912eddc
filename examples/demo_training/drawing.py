"""Scenes as pictures: shapes with soft edges, colours that vary, light and dark backgrounds."""

from __future__ import annotations

import math
from random import Random

from PIL import Image, ImageDraw

from .scenes import Scene, Thing

Color = tuple[int, int, int]

INKS: dict[str, tuple[Color, ...]] = {
    "red": ((255, 0, 0), (214, 39, 40), (190, 30, 45), (235, 64, 52)),
    "orange": ((255, 165, 0), (255, 127, 14), (240, 140, 40), (250, 120, 20)),
    "yellow": ((255, 255, 0), (250, 215, 50), (240, 225, 60), (255, 235, 20)),
    "green": ((0, 128, 0), (44, 160, 44), (0, 255, 0), (60, 180, 75)),
    "blue": ((0, 0, 255), (31, 119, 180), (50, 90, 220), (40, 110, 240)),
    "purple": ((128, 0, 128), (148, 80, 200), (125, 40, 170), (150, 50, 180)),
}
"""Shades of each colour; a picture takes a mixture of two."""

GROUNDS: tuple[Color, ...] = (
    *((255, 255, 255), (255, 255, 255), (245, 245, 240), (225, 225, 225), (250, 240, 220), (225, 235, 245)),
    *((0, 0, 0), (30, 30, 36), (60, 60, 60), (20, 24, 45)),
)
"""Backgrounds."""

FINER = 3
"""Pictures are drawn so many times larger, then reduced, which makes edges soft."""

OUTLINES = {
    "square": [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)],
    "triangle": [(0.0, -1.1), (1.1, 0.9), (-1.1, 0.9)],
    "circle": [(math.cos(step * math.pi / 20), math.sin(step * math.pi / 20)) for step in range(40)],
    "star": [
        (math.sin(point * math.pi / 5) * reach, -math.cos(point * math.pi / 5) * reach)
        for point in range(10)
        for reach in ((1.25, 0.52)[point % 2],)
    ],
}
"""The corners of shapes of radius 1; a square's side is drawn a little shorter than a circle's diameter."""

SCALES = {"square": 0.9, "triangle": 1.0, "circle": 1.0, "star": 1.0}


def draw(scene: Scene, width: int, height: int, random: Random) -> Image.Image:
    """A picture of a scene, `random` choosing background and shades."""
    return draw_frames(scene, width, height, 1, random)[0]


def draw_frames(scene: Scene, width: int, height: int, frames: int, random: Random) -> list[Image.Image]:
    """A clip of so many frames, from the beginning of the scene to its end."""
    ground = _near(random, random.choice(GROUNDS), 6)
    inks = [_ink(random, thing.color) for thing in scene.things]
    moments = [frame / max(frames - 1, 1) for frame in range(frames)]
    return [_frame(scene.at(moment), inks, ground, width, height) for moment in moments]


def _frame(things: tuple[Thing, ...], inks: list[Color], ground: Color, width: int, height: int) -> Image.Image:
    image = Image.new("RGB", (width * FINER, height * FINER), ground)
    pen = ImageDraw.Draw(image)
    for thing, ink in zip(things, inks, strict=True):
        pen.polygon(corners(thing, *image.size), fill=ink)
    return image.reduce(FINER)


def corners(thing: Thing, width: int, height: int) -> list[tuple[float, float]]:
    """The outline of a thing in a picture of that size, in pixels."""
    across = thing.radius * min(width, height) * SCALES[thing.shape] * math.sqrt(thing.stretch)
    down = across / thing.stretch
    cos, sin = math.cos(thing.turn), math.sin(thing.turn)
    return [
        (thing.x * width + across * x * cos - down * y * sin, thing.y * height + across * x * sin + down * y * cos)
        for x, y in OUTLINES[thing.shape]
    ]


def _ink(random: Random, color: str) -> Color:
    one, other = random.choices(INKS[color], k=2)
    share = random.random()
    mixed = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return _near(random, tuple(mixed), 6)  # type: ignore[arg-type]


def _near(random: Random, color: Color, spread: int) -> Color:
    moved = (min(max(part + random.randint(-spread, spread), 0), 255) for part in color)
    return tuple(moved)  # type: ignore[return-value]
