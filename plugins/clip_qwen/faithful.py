"""What the original computes where it is unsound, for `faithful` alone.

Its NTK factor is kept from one prefill to the next, its mask is causal only where there are as many queries as keys,
and its two ways of adding the mask differ at padded rows.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache
from transformers.masking_utils import create_causal_mask

from .configuration import QwenConfig
from .rotary import ntk_alpha


def prefill_alphas(config: QwenConfig, keys: int, mask: Tensor | None) -> list[int]:
    """The NTK factors of a prefill: one of the whole length or, with a mask, one a row, by its tokens."""
    if mask is not None and mask.ndim == 2 and keys > config.seq_length:
        return [ntk_alpha(length, config.seq_length) for length in mask.sum(-1).tolist()]
    return [ntk_alpha(keys, config.seq_length)]


def attention_mask(config: QwenConfig, embeds: Tensor, mask: Tensor | None, cache: Cache | None) -> Tensor | None:
    """Who sees whom, in the form of the attention implementation; additive [batch, 1, queries, keys] with a mask."""
    past = 0 if cache is None else cache.get_seq_length()
    if mask is None or mask.ndim != 2:
        prepared: Tensor | None = create_causal_mask(
            config=config,
            inputs_embeds=embeds,
            attention_mask=mask,
            past_key_values=cache,
            or_mask_function=see_everyone if past else None,
        )
        return prepared
    lowest, queries = torch.finfo(embeds.dtype).min, embeds.shape[1]
    padding = (1 - mask.to(embeds)[:, None, None, :]) * lowest
    if past:
        return padding.expand(-1, -1, queries, -1)
    later = torch.ones(queries, queries, dtype=torch.bool, device=embeds.device).triu(1)
    if config._attn_implementation == "sdpa" and not config.use_cache_quantization:
        return padding.expand(-1, -1, queries, -1).masked_fill(later, lowest)
    return padding + torch.zeros_like(later, dtype=embeds.dtype).masked_fill(later, lowest)


def see_everyone(batch: Any, head: Any, query: Any, key: Any) -> Tensor:
    """A mask in which every query sees every key."""
    seen: Tensor = key >= 0
    return seen
