"""Where the keys of a kernel lie in pictures: the tokens of a picture in the decoder, the patches in a vision tower.

A region lists the key of every place of a picture, row by row from the top left, so that probabilities over keys become
a map over the picture. In a vision tower with windows the order of the windows is undone on the way.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import isqrt
from typing import TYPE_CHECKING

from inspector.analysis.forwards import layout
from inspector.analysis.kernels import Kernel, in_vision
from inspector.analysis.placement import placements
from inspector.analysis.sequence import Sequenced, key_offset
from inspector.analysis.tower import Tower, towers
from inspector.analysis.windows import patch_at
from inspector.trace import Trace

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Region:
    """A picture, or a frame of a video, among the keys of a kernel.

    `number` counts pictures (or videos) of the batch from 0, `frame` those of a video. `keys` are the places of its
    tokens or patches among the keys, row by row; one that is not among them is negative.
    """

    kind: str
    number: int
    rows: int
    columns: int
    keys: tuple[int, ...]
    frame: int | None = None

    def map(self, probabilities: Tensor) -> list[list[float]]:
        """Probabilities [keys] as rows over the picture; 0 where a key is not there."""
        values = probabilities.tolist()
        line = [values[key] if key >= 0 else 0.0 for key in self.keys]
        return [line[start : start + self.columns] for start in range(0, len(line), self.columns)]

    def among(self, offset: int, count: int) -> Region:
        """The same with keys of which the first stands for token `offset`, and of which there are `count`."""
        inside = tuple(key - offset if offset <= key < offset + count else -1 for key in self.keys)
        return replace(self, keys=inside)

    def most(self, probabilities: Tensor) -> float:
        """The largest of the probabilities [keys] on the picture; 0 where none is a number."""
        return max((value for line in self.map(probabilities) for value in line if not math.isnan(value)), default=0.0)

    def share(self, probabilities: Tensor) -> float:
        """How much of the probabilities [keys] lies on the picture."""
        return float(sum(map(sum, self.map(probabilities))))


def regions(trace: Trace, kernel: Kernel, row: int, tokens: Sequenced) -> list[Region]:
    """The pictures among the keys of a kernel, in their order."""
    if in_vision(trace, kernel.path):
        return list(_patches(trace, kernel, row))
    offset = key_offset(kernel, tokens)
    return [region.among(offset, kernel.keys) for region in token_regions(trace, row, tokens)]


def token_regions(trace: Trace, row: int, tokens: Sequenced) -> list[Region]:
    """The pictures among the tokens of a row; their `keys` are the indices of tokens."""
    begins = zip(tokens.forwards, _begins(tokens), strict=True)
    found = [region for forward, begin in begins for region in _tokens(trace, forward.step, row, begin)]
    return found or list(_squares(trace, tokens))


def _begins(tokens: Sequenced) -> list[int]:
    begins, total = [], 0
    for forward in tokens.forwards:
        begins.append(total)
        total += forward.tokens
    return begins


def _tokens(trace: Trace, step: int, row: int, begin: int) -> Iterator[Region]:
    """The pictures with grids whose tokens a forward brought, by index in the row."""
    own = next((rows for rows in placements(trace) if rows and rows[0].forward.step == step), [])
    if row >= len(own):
        return
    placement = own[row]
    for span in placement.spans:
        grid = span.grid
        if grid is None or span.count != span.expected:
            continue
        area = grid.rows * grid.columns
        frames = grid.frames if span.frame is None else 1
        for frame in range(frames):
            first = span.start - placement.begin + frame * area
            keys = tuple(begin + token for token in placement.tokens[first : first + area])
            number = None if span.kind == "image" else frame if span.frame is None else span.frame
            yield Region(span.kind, grid.number, grid.rows, grid.columns, keys, number)


def _squares(trace: Trace, tokens: Sequenced) -> Iterator[Region]:
    """Pictures without a grid: as many placeholders as the family says, or as follow each other, as a square."""
    each, number = layout(trace).tokens, 0
    for kind, run in groupby(tokens.places, key=lambda place: place.kind):
        indices = [place.index for place in run]
        if kind != "image":
            continue
        size = each if each and len(indices) % each == 0 else len(indices)
        side = isqrt(size)
        for start in range(0, len(indices), size):
            if side * side == size:
                yield Region("image", number, side, side, tuple(indices[start : start + size]))
            number += 1


def _patches(trace: Trace, kernel: Kernel, row: int) -> Iterator[Region]:
    """The pictures in a block of a vision tower, patch by patch."""
    own = tower_around(kernel)
    if own is None:
        yield from _square_patches(kernel, row)
        return
    if own.patches != kernel.keys:
        return
    key_of = patch_keys(own)
    first = 0
    for number, size in enumerate(own.sizes):
        frames, rows, columns = size
        for frame in range(frames):
            keys = tuple(
                key_of[first + patch_at(size, own.layout.merge, frame, at, across)]
                for at in range(rows)
                for across in range(columns)
            )
            yield Region(
                "image" if frames == 1 else "video", number, rows, columns, keys, frame if frames > 1 else None
            )
        first += frames * rows * columns


def patch_place(trace: Trace, kernel: Kernel) -> Sequence[int]:
    """For each patch in the order of the picture, its place among a vision block's queries."""
    own = tower_around(kernel)
    return range(kernel.queries) if own is None or own.patches != kernel.queries else patch_keys(own)


def patch_keys(tower: Tower) -> Sequence[int]:
    """For each patch in the order of `pixel_values`, its place among the queries and keys of the tower's blocks."""
    if not tower.has_windows:
        return range(tower.patches)
    area = tower.layout.merge**2
    places = [0] * tower.patches
    for place, token in enumerate(tower.order()):
        for inside in range(area):
            places[token * area + inside] = place * area + inside
    return places


def tower_around(kernel: Kernel) -> Tower | None:
    """The run of a vision tower with grids in which a kernel was called; None for any other kernel."""
    trace = kernel.trace
    return next((tower for tower in towers(trace, layout(trace)) if _runs_in(tower, kernel)), None)


def _runs_in(tower: Tower, kernel: Kernel) -> bool:
    parent = kernel.call.parent
    while parent is not None and parent > tower.call.index:
        parent = kernel.trace.calls[parent].parent
    return parent == tower.call.index


def _square_patches(kernel: Kernel, row: int) -> Iterator[Region]:
    """A tower of pictures of one size, one a row of its batch: patches row by row, perhaps behind a class token."""
    for before in (0, 1):
        side = isqrt(kernel.keys - before)
        if side * side == kernel.keys - before and side > 1:
            yield Region("image", row, side, side, tuple(range(before, kernel.keys)))
            return
