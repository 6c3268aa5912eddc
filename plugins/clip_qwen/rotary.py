"""Rotary positions of the Qwen decoder: dynamic NTK and log-n scaling, as functions of positions alone.

Beyond `seq_length` tokens the original enlarges the rotary base by a factor that follows from the whole length (alpha 3
up to twice that length, 7 up to four times …), and remembers it for decoding. Here alpha belongs to a query: the token
at position p has seen p + 1 tokens. Nothing depends on what comes later or on an earlier call, so a cached, a chunked
and a whole forward agree.

Keys are cached as alpha 1 rotates them. Queries of another alpha meet keys that are turned by the difference; when one
forward holds queries of several alphas, each alpha gets a copy of the head's dimensions of its own (`Zone`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from transformers.utils import ModelOutput

from .configuration import QwenConfig

DOUBLINGS = 24
"""How often `seq_length` can be doubled: more than any sequence needs."""


class Zone(NamedTuple):
    """The queries that share an alpha, and what turns queries and keys from alpha 1 to it.

    `members` bool [batch or 1, queries]; cos and sin f32 [batch or 1, queries or keys, rotary_dim].
    """

    members: Tensor
    query_cos: Tensor
    query_sin: Tensor
    key_cos: Tensor
    key_sin: Tensor


@dataclass
class QwenRotaryOutput(ModelOutput):  # type: ignore[misc]
    """What the layers of one forward apply.

    `cos` and `sin` f32 [batch or 1, queries, rotary_dim] rotate new queries and keys; `alpha` i64 [batch or 1, queries]
    is the NTK factor of each query; `logn` f32 [batch or 1, queries] scales queries, None where nothing exceeds
    `seq_length`; `zones` are empty where every alpha is 1. `training` says in which mode that was.
    """

    cos: Tensor | None = None
    sin: Tensor | None = None
    alpha: Tensor | None = None
    logn: Tensor | None = None
    zones: tuple[Zone, ...] | None = None
    training: bool | None = None


class QwenRotaryEmbedding(nn.Module):
    """From positions to rotations. It has no parameters and no buffers: what it needs is computed in each forward."""

    def __init__(self, config: QwenConfig) -> None:
        super().__init__()
        self.config = config

    @torch.no_grad()
    def forward(
        self, x: Tensor, position_ids: Tensor, key_position_ids: Tensor, alphas: list[int] | None = None
    ) -> QwenRotaryOutput:
        """`x` tells the device; positions are i64 [batch or 1, queries or keys].

        `alphas`, one for all rows or one each, rotate queries and keys alike: the original's way, for `faithful`.
        """
        config, dim, base = self.config, self.config.rotary_dim, float(self.config.rotary_emb_base)
        position_ids, key_position_ids = position_ids.to(x.device), key_position_ids.to(x.device)
        long = key_position_ids.shape[-1] > config.seq_length
        if alphas is None:
            alpha = torch.ones_like(position_ids)
            if long and config.use_dynamic_ntk:
                alpha = ntk_alphas(position_ids + 1, config.seq_length)
            cos, sin = _rows(position_ids, inverse_frequencies(dim, base, 1, x.device))
            zones = self._zones(position_ids, key_position_ids, alpha) if long else ()
        else:
            alpha = torch.tensor(alphas, device=position_ids.device)[:, None].expand(-1, position_ids.shape[-1])
            tables = [_rows(position_ids, inverse_frequencies(dim, base, each, x.device)) for each in alphas]
            cos, sin = (torch.cat(parts) for parts in zip(*tables, strict=True))
            zones = ()
        scaled = long and config.use_logn_attn and not (config.faithful and self.training)
        logn = logn_factors(position_ids, config.seq_length) if scaled else None
        return QwenRotaryOutput(cos, sin, alpha, logn, zones, self.training)

    def _zones(self, position_ids: Tensor, key_position_ids: Tensor, alpha: Tensor) -> tuple[Zone, ...]:
        """One zone for each alpha among the queries; none where all are 1. Waits for the device."""
        there = torch.unique(alpha).tolist()
        if there == [1]:
            return ()
        dim, base = self.config.rotary_dim, float(self.config.rotary_emb_base)
        plain = inverse_frequencies(dim, base, 1, alpha.device)
        zones = []
        for each in there:
            turn = inverse_frequencies(dim, base, each, alpha.device) - plain
            zones.append(Zone(alpha == each, *_rows(position_ids, turn), *_rows(key_position_ids, turn)))
        return tuple(zones)


def ntk_alpha(length: int, seq_length: int) -> int:
    """The NTK factor of a sequence: 1 up to `seq_length` tokens, 3 up to twice as many, 7 up to four times, …"""
    ratio: int = -(-length // seq_length)
    return int(2 ** (max(ratio - 1, 0).bit_length() + 1) - 1)


def ntk_alphas(lengths: Tensor, seq_length: int) -> Tensor:
    """`ntk_alpha` of each of `lengths`, integers of any shape."""
    limits = seq_length * 2 ** torch.arange(DOUBLINGS, device=lengths.device)
    return 2 ** (torch.bucketize(lengths, limits) + 1) - 1


def effective_base(base: float, alpha: float, dim: int) -> float:
    """The base of the rotary frequencies under an NTK factor."""
    return float(base * alpha ** (dim / (dim - 2)))


def inverse_frequencies(dim: int, base: float, alpha: int, device: torch.device) -> Tensor:
    """f32 [dim / 2]: how far a pair of dimensions turns from one position to the next, in radians."""
    exponents = torch.arange(0, dim, 2, device=device).float() / dim
    frequencies: Tensor = 1.0 / (effective_base(base, alpha, dim) ** exponents)
    return frequencies


def logn_factors(position_ids: Tensor, seq_length: int) -> Tensor:
    """f32, as `position_ids`: log of the number of tokens seen to the base `seq_length`, and 1 up to that length."""
    return torch.where(position_ids < seq_length, 1.0, (position_ids + 1).float().log() / math.log(seq_length))


def rotate(states: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate the first dimensions of `states` [batch, heads, tokens, head_dim], in f32; the rest passes through.

    `cos` and `sin` f32 [batch or 1, tokens, rotary_dim]; dimension i turns together with i + rotary_dim / 2.
    """
    rotated, passed = states[..., : cos.shape[-1]].float(), states[..., cos.shape[-1] :]
    first, second = rotated.chunk(2, dim=-1)
    turned = rotated * cos.unsqueeze(1) + torch.cat((-second, first), dim=-1) * sin.unsqueeze(1)
    return torch.cat((turned.to(states.dtype), passed), dim=-1) if passed.shape[-1] else turned.to(states.dtype)


def turn(query: Tensor, key: Tensor, zones: tuple[Zone, ...]) -> tuple[Tensor, Tensor]:
    """Bring queries and keys, both rotated with alpha 1, to the alpha of each query.

    [batch, heads, tokens, head_dim] each. With several zones the result has a copy of the head's dimensions for each,
    and a query is zero outside its own, so that every score is that of its own alpha.
    """
    if len(zones) == 1:
        return (
            rotate(query, zones[0].query_cos, zones[0].query_sin),
            rotate(key, zones[0].key_cos, zones[0].key_sin),
        )
    queries = [rotate(query, zone.query_cos, zone.query_sin) * zone.members[:, None, :, None] for zone in zones]
    return torch.cat(queries, dim=-1), torch.cat([rotate(key, zone.key_cos, zone.key_sin) for zone in zones], dim=-1)


def _rows(position_ids: Tensor, frequencies: Tensor) -> tuple[Tensor, Tensor]:
    """cos and sin f32 [batch or 1, tokens, 2 · frequencies]."""
    angles = position_ids[..., None].float() * frequencies
    angles = torch.cat((angles, angles), dim=-1)
    return angles.cos(), angles.sin()
