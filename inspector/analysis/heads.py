"""Projections and norms taken apart by head, whatever order of axes a model has them in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def by_head(value: Tensor, count: int, dims: int) -> Tensor | None:
    """[batch, heads, tokens, dims] of a projection [batch, tokens, heads × dims]; None for any other shape."""
    if value.ndim == 3 and value.shape[-1] == count * dims:
        return value.reshape(*value.shape[:2], count, dims).transpose(1, 2)
    return None


def like(value: Tensor | None, projected: Tensor) -> Tensor | None:
    """What a norm got or put out, [batch, heads, tokens, dims] as the projection that it is of; None where it does not
    fit.

    With as many heads as tokens the shape does not tell which axis is which; the directions of the vectors do.
    """
    if value is None:
        return None
    if value.ndim == 3:
        return by_head(value, projected.shape[1], projected.shape[-1])
    ways = [way for way in (value, value.transpose(1, 2)) if value.ndim == 4 and way.shape == projected.shape]
    return max(ways, key=lambda way: _alike(way, projected), default=None)


def _alike(one: Tensor, other: Tensor) -> float:
    """The mean cosine of the angles between vectors."""
    import torch

    return float(torch.cosine_similarity(one.float(), other.float(), dim=-1).mean())


def fused(whole: Tensor, count: int, values: Tensor) -> tuple[Tensor, Tensor] | None:
    """Queries and keys [batch, heads, tokens, dims] out of one projection of queries, keys and values together.

    `count` is how many heads of queries there are, `values` [batch, heads, tokens, dims] what the kernel got: those are
    not turned, so that the right split is the one that gives them. None where none does.
    """
    import torch

    shared, dims = values.shape[1], values.shape[-1]
    if whole.ndim != 3 or whole.shape[-1] != (count + 2 * shared) * dims:
        return None
    for parts in _splits(whole, count, shared, dims):
        query, key, value = (part.transpose(1, 2) for part in parts)
        if value.shape == values.shape and torch.allclose(value.float(), values.float(), rtol=1e-3, atol=1e-5):
            return query, key
    return None


def _splits(whole: Tensor, count: int, shared: int, dims: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """The ways in which models lay them out: one after the other, or with the queries of each head of keys, that head
    and its values together. Each is [batch, tokens, heads, dims].
    """
    in_heads = whole.reshape(*whole.shape[:2], count + 2 * shared, dims)
    yield in_heads[:, :, :count], in_heads[:, :, count : count + shared], in_heads[:, :, count + shared :]
    groups = whole.reshape(*whole.shape[:2], shared, count // shared + 2, dims)
    yield groups[..., :-2, :].flatten(2, 3), groups[..., -2, :], groups[..., -1, :]
