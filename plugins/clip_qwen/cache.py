"""Key-value cache in 8 bits, in software, as the original keeps it when `use_cache_quantization` is on.

Each call quantises its own new tokens: one scale and one zero for each row and head, over all of those tokens and the
head's dimensions, repeated for every token. What is attended to are the values read back, in that call too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache, DynamicLayer

LEVELS = 255


class QwenQuantizedLayer(DynamicLayer):  # type: ignore[misc]
    """One layer's keys and values: u8 [batch, heads, tokens, head_dim], scale and zero [batch, heads, tokens, 1].

    `exact` keeps a constant input, for which the original's formula has no scale and gives NaN.
    """

    PARTS = ("keys", "key_scale", "key_zero", "values", "value_scale", "value_zero")

    def __init__(self, exact: bool = True) -> None:
        super().__init__()
        self.exact = exact
        self.key_scale: Any = None
        self.key_zero: Any = None
        self.value_scale: Any = None
        self.value_zero: Any = None

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        self.dtype, self.device = key_states.dtype, key_states.device
        self.is_initialized = True

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """Quantise and keep the new states [batch, heads, new tokens, head_dim]; returns all of them, read back."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        new = (*quantise(key_states, self.exact), *quantise(value_states, self.exact))
        for name, part in zip(self.PARTS, new, strict=True):
            old = getattr(self, name)
            setattr(self, name, part if old is None else torch.cat([old, part], dim=-2))
        return (
            dequantise(self.keys, self.key_scale, self.key_zero).to(key_states.dtype),
            dequantise(self.values, self.value_scale, self.value_zero).to(value_states.dtype),
        )

    def get_seq_length(self) -> int:
        return 0 if self.keys is None else int(self.keys.shape[-2])

    def reorder_cache(self, beam_idx: Tensor) -> None:
        self._each(lambda part: part.index_select(0, beam_idx.to(part.device)))

    def batch_select_indices(self, indices: Tensor) -> None:
        self._each(lambda part: part[indices, ...])

    def batch_repeat_interleave(self, repeats: int) -> None:
        self._each(lambda part: part.repeat_interleave(repeats, dim=0))

    def crop(self, tokens_to_remove: int) -> None:
        """Drop the last tokens; their number is negative, in transformers' way of saying it."""
        if tokens_to_remove:
            self._each(lambda part: part[..., : -abs(tokens_to_remove), :])

    def reset(self) -> None:
        for name in self.PARTS:
            setattr(self, name, None)
        self.is_initialized = False

    def offload(self) -> None:
        self._each(lambda part: part.to("cpu", non_blocking=True))

    def prefetch(self) -> None:
        self._each(lambda part: part.to(self.device, non_blocking=True))

    def _each(self, change: Callable[[Tensor], Tensor]) -> None:
        for name in self.PARTS:
            part = getattr(self, name)
            if part is not None:
                setattr(self, name, change(part))


def quantise_layers(cache: DynamicCache, layers: int, exact: bool) -> None:
    """Make an empty cache keep its keys and values in 8 bits. One that holds something already stays as it is."""
    if cache.get_seq_length() == 0 and not any(isinstance(layer, QwenQuantizedLayer) for layer in cache.layers):
        cache.layers[:] = [QwenQuantizedLayer(exact) for _ in range(layers)]


def quantise(states: Tensor, exact: bool = True) -> tuple[Tensor, Tensor, Tensor]:
    """`states` [batch, heads, tokens, head_dim] as u8, with scale and zero f32 [batch, heads, tokens, 1].

    Fractions are cut off, not rounded, so what is read back lies half a step too low on average.
    """
    values = states.float()
    low = values.amin(dim=(-2, -1), keepdim=True)
    scale = (values.amax(dim=(-2, -1), keepdim=True) - low) / LEVELS
    if exact:
        scale = torch.where(scale == 0, 1.0, scale)
    zero = 0 - low / scale
    quantised = (values / scale + zero).clamp(0, LEVELS).to(torch.uint8)
    shape = (*values.shape[:-1], 1)
    return quantised, scale.expand(shape).contiguous(), zero.expand(shape).contiguous()


def dequantise(quantised: Tensor, scale: Tensor, zero: Tensor) -> Tensor:
    """What was quantised, read back: f32."""
    return scale * (quantised.float() - zero)
