"""What the vision tower of CLIP + Qwen begins with, so that it needs minutes to learn shapes and not days.

Patch embeddings are cosines, position embeddings sines and cosines of row and column, and attention begins with tokens
that are alike. Only the patch embeddings stay as they are.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

COLORS = ((1.0, 1.0, 1.0), (1.0, -1.0, 0.0), (1.0, 1.0, -2.0))
"""Directions in which colours differ: lightness, red from green, yellow from blue."""

PATCH_SCALE, POSITION_SCALE = 0.15, 0.4
"""Of both embeddings; a token is normalised after they are added."""


@torch.no_grad()
def begin(tower: Any) -> None:
    """Set the first weights of a `CLIPVisionModel`; its patch embeddings are not trained."""
    embeddings = tower.embeddings
    patches: nn.Parameter = embeddings.patch_embedding.weight
    patches.copy_(cosines(*patches.shape[:1], patches.shape[-1]))
    patches.requires_grad_(False)
    side = tower.config.image_size // tower.config.patch_size
    embeddings.position_embedding.weight[1:] = POSITION_SCALE * places(side, patches.shape[0])
    for layer in tower.encoder.layers:
        _attend_to_what_is_alike(layer.self_attn)


def cosines(number: int, side: int) -> Tensor:
    """The first two-dimensional cosines of a patch, in each direction of colour: [number, 3, side, side]. Finer ones,
    of which pictures hold less, are made stronger.
    """
    steps = torch.arange(side)
    waves = torch.stack([torch.cos(math.pi * (steps + 0.5) * wave / side) for wave in range(side)])
    waves = waves * torch.where(steps == 0, 1.0, 2.0)[:, None].div(side).sqrt()
    coarse_first = sorted(((y, x) for y in range(side) for x in range(side)), key=lambda wave: math.hypot(*wave))
    colors = nn.functional.normalize(torch.tensor(COLORS), dim=1)
    filters = [
        (1 + math.hypot(y, x)) * color[:, None, None] * torch.outer(waves[y], waves[x])
        for y, x in coarse_first
        for color in colors
    ][:number]
    finest = math.hypot(*coarse_first[(number - 1) // len(COLORS)])
    return PATCH_SCALE * torch.stack(filters) / (1 + finest / 1.5)


def places(side: int, width: int) -> Tensor:
    """Sines and cosines of row and column, under which neighbours are alike: [side², width]."""
    frequencies = torch.linspace(0, math.log(side), width // 4).neg().exp() * math.pi / 2
    angles = torch.arange(side)[:, None] * frequencies
    line = torch.cat([angles.sin(), angles.cos()], dim=1)  # [side, width / 2]
    rows, columns = line[:, None].expand(-1, side, -1), line[None].expand(side, -1, -1)
    return torch.cat([rows, columns], dim=-1).flatten(0, 1)


def _attend_to_what_is_alike(attention: Any) -> None:
    """Queries and keys alike, and an output that takes the mean of what was attended to away."""
    width = attention.embed_dim
    attention.q_proj.weight.copy_(torch.randn(width, width) * 1.5 / math.sqrt(width))
    attention.k_proj.weight.copy_(attention.q_proj.weight)
    turn = torch.linalg.qr(torch.randn(width, width))[0]
    attention.v_proj.weight.copy_(0.6 * turn)
    attention.out_proj.weight.copy_(-0.6 * turn.T)
