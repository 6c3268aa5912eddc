"""Where the keys of a kernel lie in pictures; here, the tokens of pictures in the decoder.

A region lists the key of every place of a picture, row by row from the top left, so that probabilities over keys become
a map over the picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from math import isqrt
from typing import TYPE_CHECKING

from inspector.analysis.forwards import layout
from inspector.analysis.kernels import Kernel
from inspector.analysis.layout import Layout, frames_named
from inspector.analysis.placement import placements
from inspector.analysis.sequence import Sequenced, key_offset
from inspector.trace import Media, Trace

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Region:
    """A picture, or a frame of a video, among the keys of a kernel.

    `number` counts pictures (or videos) of the batch from 0, `frame` the frames of patches of a video, each of which
    stands for `temporal` frames of it. `keys` are the places of its
    tokens or patches among the keys, row by row; one that is not among them is negative.
    """

    kind: str
    number: int
    rows: int
    columns: int
    keys: tuple[int, ...]
    frame: int | None = None
    temporal: int = 1

    @property
    def picture(self) -> str:
        """`image 1`, `video 1`."""
        return f"{self.kind} {self.number + 1}"

    @property
    def name(self) -> str:
        """`image 1`, `video 1 frame 3`, `video 1 frames 5–6`."""
        return self.picture if self.frame is None else f"{self.picture} {frames_named(self.frame, self.temporal)}"

    @property
    def short(self) -> str:
        """The same in fewer letters: `video 1 f3`, `video 1 f5–6`."""
        return f"{self.picture} f{self.name.split()[-1]}" if self.frame is not None else self.picture

    def map(self, probabilities: Tensor) -> list[list[float]]:
        """Probabilities [keys] as rows over the picture; 0 where a key is not there."""
        found: list[list[float]] = self._line(probabilities).view(self.rows, self.columns).tolist()
        return found

    def among(self, offset: int, count: int) -> Region:
        """The same with keys of which the first stands for token `offset`, and of which there are `count`."""
        inside = tuple(key - offset if offset <= key < offset + count else -1 for key in self.keys)
        return replace(self, keys=inside)

    def most(self, probabilities: Tensor) -> float:
        """The largest of the probabilities [keys] on the picture; 0 where none is a number."""
        return float(self._line(probabilities).nan_to_num(0).max())

    def share(self, probabilities: Tensor) -> float:
        """How much of the probabilities [keys] lies on the picture."""
        return float(self._line(probabilities).double().sum())

    def _line(self, probabilities: Tensor) -> Tensor:
        """The probability at each place of the picture."""
        import torch

        places = torch.tensor(self.keys)
        return probabilities[places.clamp(min=0)].masked_fill(places < 0, 0.0)


def regions(trace: Trace, kernel: Kernel, row: int, tokens: Sequenced) -> list[Region]:
    """The pictures among the keys of a kernel of the decoder, in their order."""
    offset = key_offset(kernel, tokens)
    return [region.among(offset, kernel.keys) for region in token_regions(trace, row, tokens)]


def token_regions(trace: Trace, row: int, tokens: Sequenced) -> list[Region]:
    """The pictures among the tokens of a row; their `keys` are the indices of tokens."""
    begins = zip(tokens.forwards, _begins(tokens), strict=True)
    found = [region for forward, begin in begins for region in _tokens(trace, forward.step, row, begin)]
    return found or list(_squares(trace, row, tokens))


def _begins(tokens: Sequenced) -> list[int]:
    begins, total = [], tokens.before
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
            temporal = layout(trace).temporal if number is not None else 1
            yield Region(span.kind, grid.number, grid.rows, grid.columns, keys, number, temporal)


def _squares(trace: Trace, row: int, tokens: Sequenced) -> Iterator[Region]:
    """Pictures whose grids are not told: as many placeholders as the family says, or as follow each other, perhaps
    behind one for the class token.
    """
    how = layout(trace)
    given = [item for item in trace.media if item.kind == "image"]
    number = sum(item.row < row for item in given)
    head = int(how.class_token and how.select == "full")
    for kind, run in groupby(tokens.places, key=lambda place: place.kind):
        indices = [place.index for place in run]
        if kind != "image":
            continue
        size = how.tokens if how.tokens and len(indices) % how.tokens == 0 else len(indices)
        for start in range(0, len(indices), size):
            sides = _sides(how, size - head, given[number] if number < len(given) else None)
            if sides is not None:
                yield Region("image", number, *sides, tuple(indices[start + head : start + size]))
            number += 1


def _sides(how: Layout, tokens: int, picture: Media | None) -> tuple[int, int] | None:
    """Rows and columns of a picture of so many tokens: a square, or of a model that gives each picture a grid of its
    own (whose forward is not in the trace), those that are nearest to the picture's proportions. None for neither.
    """
    if how.merge == 1:
        side = isqrt(tokens)
        return (side, side) if side * side == tokens else None
    if picture is None:
        return None
    sides = [(rows, tokens // rows) for rows in range(1, tokens + 1) if tokens % rows == 0]
    return min(sides, key=lambda pair: abs(math.log(pair[1] * picture.height / (pair[0] * picture.width))))
