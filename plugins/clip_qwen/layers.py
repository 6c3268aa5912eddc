"""The layers of the Qwen decoder.

Modules carry the names of the published weights (`transformer.h.0.attn.c_attn` …), so that checkpoints and LoRA
adapters of the original fit as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from transformers.cache_utils import Cache
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from .configuration import QwenConfig
from .rotary import Zone, rotate, turn


def eager_attention_forward(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    **kwargs: Any,
) -> tuple[Tensor, Tensor]:
    """Attention in plain steps: the output [batch, tokens, heads, head_dim], and the weights."""
    weights = torch.matmul(query, key.transpose(2, 3)) * scaling
    if attention_mask is not None:
        weights = weights + attention_mask
    weights = nn.functional.softmax(weights, dim=-1, dtype=torch.float32).to(query.dtype)
    weights = nn.functional.dropout(weights, p=dropout, training=module.training)
    return torch.matmul(weights, value).transpose(1, 2).contiguous(), weights


class QwenRMSNorm(nn.Module):
    """Normalises in f32, casts back, then multiplies by the weight."""

    def __init__(self, hidden_size: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(hidden_size))
        self.eps = eps

    def forward(self, hidden_states: Tensor) -> Tensor:
        values = hidden_states.float()
        values = values * torch.rsqrt(values.pow(2).mean(-1, keepdim=True) + self.eps)
        return values.to(hidden_states.dtype) * self.weight


class ToResidual(nn.Linear):
    """A projection back to the residual; training begins with smaller weights there."""


class QwenAttention(nn.Module):
    """Self-attention with queries, keys and values from one projection."""

    is_causal = True
    num_key_value_groups = 1

    def __init__(self, config: QwenConfig, layer_idx: int) -> None:
        super().__init__()
        self.config = config
        self.layer_idx = layer_idx
        self.head_dim = config.head_dim
        self.scaling = self.head_dim**-0.5
        projection = config.num_attention_heads * self.head_dim
        self.c_attn = nn.Linear(config.hidden_size, 3 * projection)
        self.c_proj = ToResidual(projection, config.hidden_size, bias=not config.no_bias)

    def forward(
        self,
        hidden_states: Tensor,
        position_embeddings: tuple[Tensor, Tensor],
        attention_mask: Tensor | None = None,
        past_key_values: Cache | None = None,
        logn: Tensor | None = None,
        zones: tuple[Zone, ...] = (),
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor | None]:
        """`position_embeddings`, `logn` and `zones` are those of `QwenRotaryOutput`."""
        batch, tokens, _ = hidden_states.shape
        fused = self.c_attn(hidden_states).view(batch, tokens, 3, -1, self.head_dim)
        query, key, value = (part.transpose(1, 2) for part in fused.unbind(2))  # [batch, heads, tokens, head_dim]
        query, key = rotate(query, *position_embeddings), rotate(key, *position_embeddings)
        if logn is not None:
            query = query * logn[:, None, :, None].to(query.dtype)
        if past_key_values is not None:
            key, value = past_key_values.update(key, value, self.layer_idx)
        if zones:
            query, key = turn(query, key, zones)
        attend: Callable[..., tuple[Tensor, Tensor | None]] = ALL_ATTENTION_FUNCTIONS.get_interface(
            self.config._attn_implementation, eager_attention_forward
        )
        dropout = self.config.attn_dropout_prob if self.training else 0.0
        output, weights = attend(
            self, query, key, value, attention_mask, dropout=dropout, scaling=self.scaling, **kwargs
        )
        return self.c_proj(output.reshape(batch, tokens, -1)), weights


class QwenMLP(nn.Module):
    """The gate is `w2`; either half is `intermediate_size // 2` wide."""

    def __init__(self, config: QwenConfig) -> None:
        super().__init__()
        width = config.intermediate_size // 2
        self.w1 = nn.Linear(config.hidden_size, width, bias=not config.no_bias)
        self.w2 = nn.Linear(config.hidden_size, width, bias=not config.no_bias)
        self.c_proj = ToResidual(width, config.hidden_size, bias=not config.no_bias)

    def forward(self, hidden_states: Tensor) -> Tensor:
        output: Tensor = self.c_proj(self.w1(hidden_states) * nn.functional.silu(self.w2(hidden_states)))
        return output


class QwenBlock(GradientCheckpointingLayer):  # type: ignore[misc]
    """A decoder layer: attention and MLP, each after a norm and beside a residual."""

    def __init__(self, config: QwenConfig, layer_idx: int) -> None:
        super().__init__()
        self.ln_1 = QwenRMSNorm(config.hidden_size, config.layer_norm_epsilon)
        self.attn = QwenAttention(config, layer_idx)
        self.ln_2 = QwenRMSNorm(config.hidden_size, config.layer_norm_epsilon)
        self.mlp = QwenMLP(config)

    def forward(self, hidden_states: Tensor, **kwargs: Any) -> Tensor:
        """`kwargs` are those of the attention."""
        attended, _ = self.attn(self.ln_1(hidden_states), **kwargs)
        hidden_states = hidden_states + attended
        output: Tensor = hidden_states + self.mlp(self.ln_2(hidden_states))
        return output
