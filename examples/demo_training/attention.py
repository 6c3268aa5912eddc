"""Attention for training on a CPU: plain matrix products, whose backward is much faster there than sdpa's.

It is registered with transformers under a name with "flash" in it, so that the vision tower hands over all of its
windows at once instead of one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import torch
from torch import Tensor

NAME = "flash_by_matrix_products"

Losses = Callable[..., tuple[Tensor, Tensor]]


@contextmanager
def used_by(*configs: Any) -> Iterator[None]:
    """Models with these configurations use it inside."""
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, attend)
    before = [config._attn_implementation for config in configs]
    for config in configs:
        config._attn_implementation = NAME
    try:
        yield
    finally:
        for config, name in zip(configs, before, strict=True):
            config._attn_implementation = name


def fast(losses: Losses) -> Losses:
    """A trainee's method in which its model, text and vision, uses it."""

    @wraps(losses)
    def run(trainee: Any, *given: Any) -> tuple[Tensor, Tensor]:
        config = trainee.model.config
        with used_by(config.text_config, config.vision_config):
            return losses(trainee, *given)

    return run


def attend(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, scaling: float, **kwargs: Any
) -> tuple[Tensor, None]:
    """[batch, tokens, heads, width] from query [batch, heads, tokens, width], key and value, whose heads may be fewer.

    `attention_mask` is added to the scores. `cu_seq_lens_q` cuts the tokens of a single row into windows.
    """
    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    bounds = kwargs.get("cu_seq_lens_q")
    if bounds is None:
        return _attend(query * scaling, key, value, attention_mask).transpose(1, 2), None
    found = torch.empty_like(query)
    lengths = bounds.diff()
    for length in lengths.unique().tolist():
        starts = bounds[:-1][lengths == length]
        places = (starts[:, None] + torch.arange(length, device=starts.device)).flatten()
        parts = [_windows(states, places, length) for states in (query * scaling, key, value)]
        found[0, :, places] = _attend(*parts, None).transpose(0, 1).flatten(1, 2).to(found.dtype)
    return found.transpose(1, 2), None


def _windows(states: Tensor, places: Tensor, length: int) -> Tensor:
    """[windows, heads, length, width] of the tokens at `places`; `states` [1, heads, tokens, width]."""
    chosen = states[0] if len(places) == states.shape[2] else states[0][:, places]
    return chosen.unflatten(1, (-1, length)).transpose(0, 1)


def _attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    scores = query @ key.transpose(2, 3)
    scores = scores if mask is None else scores + mask
    return scores.softmax(-1).to(value.dtype) @ value
