"""The patches of pictures among the queries and keys of a vision tower's blocks.

A tower with windows goes through the merged patches window by window; pictures number their patches in the order of
`pixel_values`. Here the one is turned into the other: what a reader sees is always the picture's own number.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import isqrt, prod

from inspector.analysis.checks import counted
from inspector.analysis.kernels import Kernel
from inspector.analysis.layers import VisionRun, run_of
from inspector.analysis.regions import Region
from inspector.analysis.tower import Tower
from inspector.analysis.windows import patch_at

CLASS = "class token"


@dataclass(frozen=True)
class Patches:
    """The patches of one run of a vision tower in one row of its batch.

    `places` gives the place among the queries and keys of each patch of the run, in the order of `pixel_values`;
    `starts` are the first patches of its pictures. `others` are the places of what is no patch: a class token.
    """

    places: Sequence[int]
    starts: Sequence[int]
    regions: list[Region]
    others: Sequence[int] = ()

    @property
    def reordered(self) -> bool:
        """Whether the blocks have the patches in another order: that of windows."""
        return not isinstance(self.places, range)

    @property
    def summary(self) -> str:
        """`64 patches and a class token`."""
        return counted(len(self.places), "patch", "patches") + (f" and a {CLASS}" if self.others else "")

    def number(self, place: int) -> int | None:
        """The patch at a place of the blocks, counted in its picture; None for what is no patch."""
        patch = self._of_place.get(place)
        return None if patch is None else patch - self.starts[bisect_right(self.starts, patch) - 1]

    def extent(self, region: int) -> tuple[int, int]:
        """The first patch in the run of the picture (or video) of a region, and how many it has."""
        first = self._of_place[self.regions[region].keys[0]] if self.regions else 0
        ends = [*self.starts[1:], len(self.places)]
        number = bisect_right(self.starts, first) - 1
        return self.starts[number], ends[number] - self.starts[number]

    def at(self, place: int) -> tuple[Region, int, int] | None:
        """The picture at a place of the blocks, with row and column of the patch in it."""
        found = self._on_picture.get(place)
        return None if found is None else (self.regions[found[0]], *found[1:])

    def region(self, place: int) -> int:
        """The index of the picture at a place of the blocks among the regions; 0 for what is no patch."""
        return self._on_picture.get(place, (0, 0, 0))[0]

    def name(self, place: int) -> str:
        """`image 1, row 3, column 4`; `class token`; empty where it is not known."""
        found = self.at(place)
        if found is None:
            return CLASS if place in self.others else ""
        region, row, column = found
        return f"{region.name}, row {row}, column {column}"

    @cached_property
    def order(self) -> Sequence[int]:
        """The place of each patch, and then of what is no patch."""
        return [*self.places, *self.others]

    def middle(self, region: int) -> int:
        """The patch in the middle of a picture or frame, by its index among the regions."""
        if not self.regions:
            return len(self.places) // 2
        own = self.regions[region]
        return self._of_place[own.keys[own.rows // 2 * own.columns + own.columns // 2]]

    @cached_property
    def _of_place(self) -> dict[int, int]:
        return {place: patch for patch, place in enumerate(self.places)}

    @cached_property
    def _on_picture(self) -> dict[int, tuple[int, int, int]]:
        """For each place of the blocks the index of its region, and row and column in it."""
        return {
            place: (at, *divmod(number, region.columns))
            for at, region in enumerate(self.regions)
            for number, place in enumerate(region.keys)
        }


def patches(kernel: Kernel, row: int) -> Patches:
    """The patches of the run of a vision tower that a kernel was called in."""
    run = run_of(kernel)
    if run is None or run.tower is None:
        return _of_squares(kernel, row, run)
    if run.tower.patches != kernel.keys:
        return Patches(range(kernel.queries), (0,), [])
    places = patch_places(run.tower)
    starts = [0, *accumulate(prod(size) for size in run.tower.sizes[:-1])]
    return Patches(places, starts, _regions(run, run.tower, places, starts))


def patch_places(tower: Tower) -> Sequence[int]:
    """For each patch in the order of `pixel_values`, its place among the queries and keys of the tower's blocks."""
    if not tower.has_windows:
        return range(tower.patches)
    area = tower.layout.merge**2
    places = [0] * tower.patches
    for place, token in enumerate(tower.order()):
        for inside in range(area):
            places[token * area + inside] = place * area + inside
    return places


def _regions(run: VisionRun, tower: Tower, places: Sequence[int], starts: Sequence[int]) -> list[Region]:
    """The pictures of a run with grids, a frame of a video each, patch by patch."""
    found = []
    for (kind, number), first, size in zip(run.pictures, starts, tower.sizes, strict=True):
        frames, rows, columns = size
        for frame in range(frames):
            keys = tuple(
                places[first + patch_at(size, tower.layout.merge, frame, at, across)]
                for at in range(rows)
                for across in range(columns)
            )
            named = (frame, tower.layout.temporal) if kind == "video" else ()
            found.append(Region(kind, number, rows, columns, keys, *named))
    return found


def _of_squares(kernel: Kernel, row: int, run: VisionRun | None) -> Patches:
    """A tower of pictures of one size, one a row of its batch: patches row by row, perhaps behind a class token."""
    for before in (0, 1):
        side = isqrt(kernel.keys - before)
        if side * side == kernel.keys - before and side > 1:
            places = range(before, kernel.keys)
            number = row + (0 if run is None else run.first)
            return Patches(places, (0,), [Region("image", number, side, side, tuple(places))], range(before))
    return Patches(range(kernel.queries), (0,), [])
