"""Works out looks: what a query attends to, its pictures, and the entropy of every head.

Everything here may take its time and runs in a thread, one question at a time. What is on the screen comes first
(`look`), the rest in small pieces (`rest`), so that another question need not wait for it.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from inspector.analysis.attention import Attended, Attention, entropy, top
from inspector.analysis.kernels import Kernel, NotKept, nothing
from inspector.analysis.layers import VisionRun
from inspector.analysis.patches import Patches, patches
from inspector.analysis.regions import Region
from inspector.analysis.sequence import Place
from inspector.errors import InputError, TraceError
from inspector.parts import Part
from inspector.trace import Trace
from inspector.tui.widgets.attention.spot import Spot, chosen, clamped
from inspector.tui.widgets.attention.survey import Conversation, Survey

if TYPE_CHECKING:
    from torch import Tensor

CALLS = 2
"""Calls whose masks and keys are at hand, the latter in f32: of 32,768 tokens and 8 heads of 128 they take 128 MiB."""

QUERIES = 6
"""Queries whose entropies are at hand."""

SHAPES = "This trace has shapes and no values, so that nothing can be said of where its tokens look."

LISTED = 200
"""Keys in the list of the most attended."""


@dataclass(eq=False)
class Sight:
    """A look that was worked out. `spot` is the one that was meant, with every number in it.

    `conversation` is None in a vision tower, of which `run` is looked at, one of the `runs` of the step; `patches` are
    those of its pictures. `query` is the query's place in the call, `offset` the index of the token that the first key
    stands for.
    `probabilities` f32 [keys] is None where it cannot be told, and `problem` says why. `of_heads` f32 [heads, keys] and
    `entropies` [layers][heads] come later; not a number stands for what is not known (yet).
    """

    spot: Spot
    kernels: Sequence[Kernel]
    query: int
    offset: int = 0
    conversation: Conversation | None = None
    runs: Sequence[VisionRun] = ()
    patches: Patches | None = None
    regions: list[Region] = field(default_factory=list)
    probabilities: Tensor | None = None
    problem: str = ""
    of_heads: Tensor | None = None
    entropies: list[list[float]] = field(default_factory=list)

    @property
    def kernel(self) -> Kernel:
        return self.kernels[self.spot.layer]

    @property
    def heads(self) -> range:
        return chosen(self.spot.heads, self.kernel.heads, self.kernel.group)

    @cached_property
    def below(self) -> Any:
        """f64 [keys + 1]: how much goes to the keys before each."""
        import numpy as np

        assert self.probabilities is not None
        return np.concatenate([[0.0], np.cumsum(self.probabilities.nan_to_num(0).double().numpy(force=True))])

    @cached_property
    def brightest(self) -> float:
        """The largest probability on any of the pictures: they share one scale of colours."""
        if self.probabilities is None:
            return 0.0
        return max((region.most(self.probabilities) for region in self.regions), default=0.0)

    @cached_property
    def top(self) -> list[Attended]:
        return [] if self.probabilities is None else top(self.probabilities, LISTED)

    def shares(self, starts: Any, stops: Any) -> list[float]:
        """How much goes to the tokens from each of `starts` up to each of `stops`, vectors of indices."""
        import numpy as np

        first, last = (np.clip(np.asarray(side) - self.offset, 0, self.kernel.keys) for side in (starts, stops))
        found: list[float] = (self.below[last] - self.below[first]).tolist()
        return found

    def token(self, key: int) -> Place | None:
        """The token that a key stands for; None in a vision tower, and for an empty place of a cache."""
        return None if self.conversation is None else self.conversation.tokens.at(key + self.offset)


class Looker:
    """Answers questions on one trace, one at a time. Raises `InputError` where there is nothing to look at at all."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self._attention: OrderedDict[tuple[int, int], Attention] = OrderedDict()
        self._pictures: dict[tuple[str, int, int | None], Any] = {}
        self._patches: dict[tuple[int, int, int], Patches] = {}
        self._entropies: OrderedDict[object, list[list[float]]] = OrderedDict()

    @cached_property
    def survey(self) -> Survey:
        return Survey(self.trace)

    def look(self, spot: Spot) -> Sight:
        """What is on the screen: one row of probabilities, and the pictures that it falls on."""
        if not self.survey.steps:
            raise InputError(nothing(self.trace, 0))
        if self.trace.model.shape_only:
            raise InputError(SHAPES)
        vision = bool(self.survey.vision_steps) and (spot.vision or not self.survey.decoder_steps)
        sight = self._in_vision(spot) if vision else self._in_decoder(replace(spot, vision=False))
        sight.entropies = self._known(sight)
        try:
            sight.probabilities = self._row(sight)
        except TraceError as error:
            sight.problem = error.what if isinstance(error, NotKept) else str(error)
        return sight

    def rest(self, sight: Sight) -> Iterator[None]:
        """Fill in what every head of the layer does, then the entropies of every layer, a piece at a time."""
        if sight.probabilities is not None:
            import torch

            attention = self._at(sight.kernel, sight.spot.row)
            parts = []
            for group in range(attention.groups):
                parts.append(attention.of_group(sight.query, group))
                yield
            sight.of_heads = torch.cat(parts)
            sight.entropies[sight.spot.layer] = entropy(sight.of_heads).tolist()
            yield
        for number, kernel in enumerate(sight.kernels):
            if not sight.entropies[number]:
                yield from self._entropy(sight, number, kernel)

    def has_picture(self, region: Region) -> bool:
        """Whether `picture` answers without reading anything."""
        return (region.kind, region.number, region.frame) in self._pictures

    def picture(self, region: Region) -> Any:
        """The picture under a region, u8 [height, width, 3]; None where it is not at hand."""
        key = region.kind, region.number, region.frame
        if key not in self._pictures:
            import numpy as np

            from inspector.views.backdrop import backdrop

            found = backdrop(self.trace, region)
            self._pictures[key] = None if found is None else np.asarray(found.convert("RGB"))
        return self._pictures[key]

    def instead(self) -> Sequence[Part]:
        """What can be said where nothing can be looked at: the attention calls in shapes."""
        from inspector.views.attention import VIEW

        return VIEW(self.trace) if self.survey.steps else []

    def attention(self, sight: Sight) -> Attention:
        """What the whole matrix of a head is drawn from; its own, since it is read beside other questions."""
        return Attention(sight.kernel, self._row_of(sight.kernel, sight.spot.row))

    def _in_decoder(self, spot: Spot) -> Sight:
        survey = self.survey
        step = min(survey.decoder_steps, key=lambda step: abs(step - spot.step))
        rows = survey.decoder(step)[0].batch
        row = max(0, min(spot.row, rows - 1))
        conversation = survey.conversation(step, row)
        asked = conversation.of_step(step)
        if spot.token is not None:
            token = max(0, min(spot.token, len(conversation.tokens.places) - 1))
            other = conversation.of_token(token)
            asked = other if other is not None and other.step in survey.decoder_steps else asked
        kernels = survey.decoder(asked.step if asked is not None else step)
        first = 0 if asked is None else asked.start
        query = kernels[0].queries - 1 if spot.token is None else max(0, min(token - first, kernels[0].queries - 1))
        found = clamped(
            replace(spot, step=kernels[0].call.step, row=row, token=first + query),
            len(kernels),
            *_shape(kernels, spot.layer),
        )
        sight = Sight(found, kernels, query, conversation=conversation)
        sight.offset = max(0, first + sight.kernel.queries - sight.kernel.keys)
        sight.regions = [region.among(sight.offset, sight.kernel.keys) for region in conversation.regions]
        return sight

    def _in_vision(self, spot: Spot) -> Sight:
        step = self.survey.vision_step(spot.step)
        runs = self.survey.runs(step)
        number = max(0, min(spot.run, len(runs) - 1))
        kernels = runs[number].kernels
        found = clamped(replace(spot, vision=True, run=number), len(kernels), *_shape(kernels, spot.layer))
        row = max(0, min(spot.row, kernels[found.layer].batch - 1))
        own = self._patches_of(kernels[found.layer], step, number, row)
        picture = max(0, min(spot.picture, len(own.regions) - 1))
        patch = own.middle(picture) if spot.patch is None else max(0, min(spot.patch, len(own.order) - 1))
        found = replace(found, step=step, row=row, patch=patch, picture=own.region(own.order[patch]))
        return Sight(found, kernels, own.order[patch], runs=runs, patches=own, regions=own.regions)

    def _patches_of(self, kernel: Kernel, step: int, run: int, row: int) -> Patches:
        """The pictures of a run of the tower, and the place of each patch: the same for each of its layers."""
        key = step, run, row
        if key not in self._patches:
            self._patches[key] = patches(kernel, row)
        return self._patches[key]

    def _row(self, sight: Sight) -> Tensor:
        attention = self._at(sight.kernel, sight.spot.row)
        kind, number = sight.spot.heads
        query = sight.query
        if kind == "head":
            return attention.probabilities(number, range(query, query + 1))[0]
        if kind == "group":
            return attention.of_group(query, number).mean(0)
        return attention.of_query(query).mean(0)

    def _entropy(self, sight: Sight, number: int, kernel: Kernel) -> Iterator[None]:
        import torch

        attention = Attention(kernel, self._row_of(kernel, sight.spot.row))
        try:
            if kernel.queries != sight.kernel.queries:
                raise TraceError("Another number of queries.")
            parts = []
            for group in range(attention.groups):
                parts.append(entropy(attention.of_group(sight.query, group)))
                yield
            sight.entropies[number] = torch.cat(parts).tolist()
        except TraceError:
            sight.entropies[number] = [math.nan] * kernel.heads

    def _known(self, sight: Sight) -> list[list[float]]:
        """The entropies of this query; those of the last few queries are at hand."""
        spot = sight.spot
        key = spot.vision, spot.step, spot.run, spot.row, sight.query
        found = self._entropies.pop(key, [[] for _ in sight.kernels])
        self._entropies[key] = found
        while len(self._entropies) > QUERIES:
            self._entropies.popitem(last=False)
        return found

    def _at(self, kernel: Kernel, row: int) -> Attention:
        key = kernel.call.index, self._row_of(kernel, row)
        found = self._attention.pop(key, None) or Attention(kernel, key[1], kernel.key_heads)
        self._attention[key] = found
        while len(self._attention) > CALLS:
            self._attention.popitem(last=False)
        return found

    @staticmethod
    def _row_of(kernel: Kernel, row: int) -> int:
        return row % kernel.batch


def _shape(kernels: Sequence[Kernel], layer: int) -> tuple[int, int]:
    """How many heads a layer has, and how many of them share their keys."""
    kernel = kernels[max(0, min(layer, len(kernels) - 1))]
    return kernel.heads, kernel.group
