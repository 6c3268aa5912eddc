"""The pictures that the package carries: scenes that no training picture shows, and a clip."""

from __future__ import annotations

from pathlib import Path
from random import Random

from .drawing import draw, draw_frames
from .scenes import Scene, Thing

PICTURES: dict[str, tuple[int, int, int, tuple[Thing, ...]]] = {
    "scene": (
        *(336, 336, 14),
        (
            Thing("red", "circle", "top left", 0.22, 0.23, 0.15),
            Thing("blue", "square", "top right", 0.78, 0.25, 0.15),
            Thing("yellow", "star", "bottom", 0.47, 0.77, 0.16),
        ),
    ),
    "two": (
        *(448, 336, 3),
        (
            Thing("green", "triangle", "top", 0.52, 0.23, 0.17),
            Thing("purple", "circle", "bottom left", 0.19, 0.78, 0.16),
        ),
    ),
    "dark": (
        *(336, 336, 9),
        (
            Thing("orange", "star", "bottom left", 0.22, 0.76, 0.16),
            Thing("orange", "square", "top right", 0.79, 0.21, 0.15),
            Thing("green", "circle", "bottom right", 0.79, 0.77, 0.15),
        ),
    ),
}
"""By name: width, height, seed of the colours, what is where."""

MOVING = Scene(
    (Thing("red", "star", "bottom left", 0.22, 0.78, 0.16),), Thing("red", "star", "top right", 0.78, 0.22, 0.16)
)
FRAMES, MILLISECONDS = 40, 100


def write(directory: Path) -> None:
    """Write `NAME.png` for each of `PICTURES`, and `moving.gif`."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, (width, height, seed, things) in PICTURES.items():
        draw(Scene(things), width, height, Random(seed)).save(directory / f"{name}.png", optimize=True)
    first, *rest = draw_frames(MOVING, 224, 224, FRAMES, Random(2))
    first.save(directory / "moving.gif", save_all=True, append_images=rest, duration=MILLISECONDS, loop=0)
