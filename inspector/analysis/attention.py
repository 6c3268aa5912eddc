"""Attention probabilities on demand, from the query, key, mask and scaling that a kernel was given.

The kernel that the user chose ran and told nothing but its output; here its probabilities are worked out again, for one
head and the queries that somebody looks at, in f32. Rows are computed in pieces that go straight into the result, and
only over the keys that the mask lets through, so that one head takes hardly more memory than its result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from inspector.analysis.kernels import Kernel
from inspector.analysis.masks import Applied, applied
from inspector.errors import TraceError
from inspector.trace import TensorInfo

if TYPE_CHECKING:
    from torch import Tensor

BOOLS = ("bool", "uint8")

PIECE = 2**21
"""Probabilities that are worked on at a time."""

FEW = 16
"""Queries below which their products with many keys are worked out keys first: it takes two thirds of the time."""


def added(kernel: Kernel) -> bool:
    """Whether a kernel adds its mask to the scores; eager attention does so whatever the mask's dtype."""
    mask = kernel.mask
    return isinstance(mask, TensorInfo) and (kernel.name == "eager" or mask.dtype not in BOOLS)


class Attention:
    """The attention of one call in one row of the batch. What several looks share is read once.

    The keys of the last `at_hand` of the heads that were asked for are kept in f32.
    """

    def __init__(self, kernel: Kernel, row: int = 0, at_hand: int = 1) -> None:
        self.kernel = kernel
        self.row = row
        self.at_hand = at_hand
        self._keys: dict[int, Tensor] = {}

    @property
    def groups(self) -> int:
        """How many groups of heads there are that share their keys."""
        return -(-self.kernel.heads // self.kernel.group)

    @cached_property
    def mask(self) -> Applied:
        """The mask of head 0; masks that differ between heads are read as tensors."""
        return applied(self.kernel, self.row)

    def probabilities(self, head: int, queries: range | None = None) -> Tensor:
        """f32 [queries, keys] of one head; every query where none are asked for.

        A query that sees no key has what its kernel gives it: zeros from sdpa, an even share of every key where an
        additive mask is finite, nan where it is infinite in eager attention. Raises `TraceError` where query or key was
        not kept, or the mask is not known.
        """
        import torch

        rows = range(self.kernel.queries) if queries is None else queries
        result = torch.empty(len(rows), self.kernel.keys)
        for piece, part in self._pieces(rows):
            self._fill(result[part.start : part.stop], range(head, head + 1), piece)
        return result

    def of_query(self, query: int) -> Tensor:
        """f32 [heads, keys]: how every head of one query looks at the keys."""
        import torch

        result = torch.empty(self.kernel.heads, self.kernel.keys)
        for group in range(self.groups):
            heads = self._sharing(group)
            self._fill(result[heads.start : heads.stop], heads, range(query, query + 1))
        return result

    def of_group(self, query: int, group: int) -> Tensor:
        """f32 [heads, keys] of one query: the heads that share a head of keys."""
        import torch

        heads = self._sharing(group)
        result = torch.empty(len(heads), self.kernel.keys)
        self._fill(result, heads, range(query, query + 1))
        return result

    def received(self, head: int, queries: range | None = None) -> Tensor:
        """f32 [keys]: how much each key gets of one head, as a mean over the queries that see it."""
        import torch

        total, seen = torch.zeros(self.kernel.keys), torch.zeros(self.kernel.keys)
        for part in self._parts(head, queries):
            total += part.nansum(0)
            seen += (part > 0).sum(0)
        return total / seen.clamp(min=1)

    def entropies(self, head: int, queries: range | None = None) -> Tensor:
        """f32 [queries], in nats: 0 where a query looks at one key alone, log n where it looks at n keys alike."""
        import torch

        return torch.cat([entropy(part) for part in self._parts(head, queries)])

    def _sharing(self, group: int) -> range:
        """The heads that share a head of keys."""
        first = group * self.kernel.group
        return range(first, min(first + self.kernel.group, self.kernel.heads))

    def _parts(self, head: int, queries: range | None) -> Iterator[Tensor]:
        """The probabilities of some queries, a piece at a time."""
        rows = range(self.kernel.queries) if queries is None else queries
        return (self.probabilities(head, piece) for piece, _ in self._pieces(rows))

    def _pieces(self, rows: range) -> Iterator[tuple[range, range]]:
        """Queries that are worked on together, and their places in the result."""
        step = max(1, PIECE // max(1, self.kernel.keys))
        for start in range(0, len(rows), step):
            part = range(start, min(start + step, len(rows)))
            yield rows[part.start : part.stop], part

    def _fill(self, result: Tensor, heads: range, rows: range) -> None:
        """The probabilities of some queries in heads that share their keys, worked out inside `result`, which is
        [heads × queries, keys].
        """
        import torch

        kernel = self.kernel
        reach = self._reach(rows)
        key = self._key(heads.start // kernel.group)[reach.start : reach.stop]
        at = slice(rows.start, rows.stop, rows.step)
        query = torch.cat([kernel.state("query", self.row, head)[at].float() for head in heads])
        if len(reach) < kernel.keys:
            result.zero_()
        scores = result[:, reach.start : reach.stop]
        query.mul_(kernel.scaling)
        if len(query) < FEW:
            scores.copy_((key @ query.T).T)
        else:
            torch.mm(query, key.T, out=scores)
        softcap = kernel.number("softcap")
        if softcap is not None:
            scores.div_(softcap).tanh_().mul_(softcap)
        self._mask(scores.view(len(heads), len(rows), -1), heads, rows, reach)
        self._normalize(scores, heads, rows)
        self._blind(scores)

    def _key(self, head: int) -> Tensor:
        """f32 [keys, features] of one of the keys' own heads."""
        if head not in self._keys:
            while len(self._keys) >= self.at_hand:
                self._keys.pop(next(iter(self._keys)))
            self._keys[head] = self.kernel.state("key", self.row, head).float()
        return self._keys[head]

    def _reach(self, rows: range) -> range:
        """The keys that any of some queries sees; all, where a mask does more than hide or lets one see none."""
        spans = self.mask.spans
        if spans is None:
            if isinstance(self.kernel.mask, TensorInfo) and self.kernel.mask.value is not None:
                return range(self.kernel.keys)
            raise TraceError(f"The mask of {self.kernel.path} is not known. {self.mask.reason}")
        at = slice(rows.start, rows.stop, rows.step)
        low, high = spans.low[:, at], spans.high[:, at]
        some = low < high
        if added(self.kernel) or not some.any(0).all():
            return range(self.kernel.keys)
        return range(int(low[some].min()), int(high[some].max()))

    def _mask(self, scores: Tensor, heads: range, rows: range, reach: range) -> None:
        """Apply bias and mask to [heads, queries, keys]: the tensor itself where it is added and was kept, else what is
        known of it.
        """
        kernel, mask, bias = self.kernel, self.kernel.tensor("mask"), self.kernel.needed("position_bias")
        at, over = slice(rows.start, rows.stop, rows.step), slice(reach.start, reach.stop)
        for added_on in (bias, mask if added(kernel) else None):
            if added_on is not None:
                for plane, head in zip(scores, heads, strict=True):
                    own = added_on[self.row % added_on.shape[0], head % added_on.shape[1]]
                    plane.add_(own.expand(kernel.queries, -1)[at, over].float())
        if mask is not None and added(kernel):
            return
        if mask is not None and mask.ndim == 4 and mask.shape[1] > 1:
            for plane, head in zip(scores, heads, strict=True):
                _hide(plane, applied(kernel, self.row, head), rows, reach)
        else:
            _hide(scores, self.mask, rows, reach)

    def _normalize(self, scores: Tensor, heads: range, rows: range) -> None:
        """Scores to probabilities, in their place. A sink takes its share and is no key."""
        import torch

        sinks = self.kernel.sinks()
        most = scores.amax(-1, keepdim=True)
        if sinks is not None:
            own = sinks[self.row % len(sinks), heads.start : heads.stop].expand(-1, self.kernel.queries)
            sink = own[:, rows.start : rows.stop : rows.step].float().reshape(-1, 1)
            most = torch.maximum(most, sink)
        scores.sub_(most).exp_()
        total = scores.sum(-1, keepdim=True)
        if sinks is not None:
            total += torch.exp(sink - most)
        scores.div_(total)

    def _blind(self, probabilities: Tensor) -> None:
        """What a query gets that sees no key, in place of the nan that comes of it."""
        kernel = self.kernel
        blind = probabilities[:, 0].isnan()
        if not blind.any():
            return
        if added(kernel) and kernel.tensor("mask") is None:  # transformers' own: finite, so all keys are hidden alike
            probabilities[blind] = 1 / probabilities.shape[1]
        elif kernel.name != "eager":
            probabilities[blind] = 0.0


def _hide(scores: Tensor, mask: Applied, rows: range, reach: range) -> None:
    """Give no chance to the keys that some queries do not see, in scores [..., queries, keys]."""
    import torch

    assert mask.spans is not None
    seen = mask.spans.part(rows, reach)
    if not seen.all():  # a query in the midst of a row sees all that is worked on
        scores.masked_fill_(torch.from_numpy(~seen), -torch.inf)


def entropy(probabilities: Tensor) -> Tensor:
    """The entropy of each row, in nats; what has no probability counts for nothing."""
    import torch

    found: Tensor = torch.special.entr(probabilities).sum(-1)
    return found


@dataclass(frozen=True, slots=True)
class Attended:
    """A key that a query looks at, by its place among the keys."""

    key: int
    probability: float


def top(probabilities: Tensor, count: int) -> list[Attended]:
    """The keys with the largest probabilities [keys], largest first; those with none are left out."""
    values, keys = probabilities.nan_to_num(0).topk(min(count, probabilities.shape[0]))
    pairs = zip(keys.tolist(), values.tolist(), strict=True)
    return [Attended(key, value) for key, value in pairs if value > 0]


def last_entropies(kernels: Sequence[Kernel], row: int, query: int = -1) -> list[list[float]]:
    """Of each call, the entropy of each head's look from one query: rows are calls, columns heads."""
    found = []
    for kernel in kernels:
        place = query % kernel.queries
        found.append(entropy(Attention(kernel, row).of_query(place)).tolist())
    return found
