"""The first-generation Qwen decoder, as a model of transformers 5.

Modules carry the names of the published weights (`transformer.h.0.attn.c_attn` …), so that checkpoints and LoRA
adapters of the original fit as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from transformers import GenerationMixin, PreTrainedModel
from transformers import initialization as init
from transformers.cache_utils import Cache, DynamicCache
from transformers.masking_utils import create_causal_mask
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.utils.generic import can_return_tuple, merge_with_config_defaults
from transformers.utils.output_capturing import capture_outputs

from . import faithful
from .cache import quantise_layers
from .configuration import QwenConfig
from .rotary import QwenRotaryEmbedding, QwenRotaryOutput, Zone, rotate, turn


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
        self.c_proj = nn.Linear(projection, config.hidden_size, bias=not config.no_bias)

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
        self.c_proj = nn.Linear(width, config.hidden_size, bias=not config.no_bias)

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


class QwenPreTrainedModel(PreTrainedModel):  # type: ignore[misc]
    config_class = QwenConfig
    base_model_prefix = "transformer"
    supports_gradient_checkpointing = True
    _no_split_modules = ("QwenBlock",)
    _skip_keys_device_placement = ("past_key_values",)
    _supports_sdpa = True
    _supports_attention_backend = True
    _can_record_outputs = {"hidden_states": QwenBlock, "attentions": QwenAttention}  # noqa: RUF012 - transformers' own form
    _keys_to_ignore_on_load_unexpected = (r"rotary_emb\.inv_freq", r"attn\.(masked_bias|logn_tensor)")

    def _init_weights(self, module: nn.Module) -> None:
        """As the original begins a training: projections back to the residual are smaller, by the depth."""
        super()._init_weights(module)
        if isinstance(module, (QwenAttention, QwenMLP)):
            std = self.config.initializer_range / (2 * self.config.num_hidden_layers) ** 0.5
            init.normal_(module.c_proj.weight, mean=0.0, std=std)


class QwenModel(QwenPreTrainedModel):
    """Token embedding, decoder layers and final norm."""

    def __init__(self, config: QwenConfig) -> None:
        super().__init__(config)
        self.wte = nn.Embedding(config.vocab_size, config.hidden_size)
        self.drop = nn.Dropout(config.emb_dropout_prob)
        self.h = nn.ModuleList([QwenBlock(config, layer_idx) for layer_idx in range(config.num_hidden_layers)])
        self.ln_f = QwenRMSNorm(config.hidden_size, config.layer_norm_epsilon)
        self.rotary_emb = QwenRotaryEmbedding(config)
        self.gradient_checkpointing = False
        self._alphas = [1]  # faithful only: what the last prefill left behind, whosever it was
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        return self.wte

    def set_input_embeddings(self, value: nn.Embedding) -> None:
        self.wte = value

    @merge_with_config_defaults  # type: ignore[untyped-decorator]
    @capture_outputs  # type: ignore[untyped-decorator]
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Cache | None = None,
        inputs_embeds: Tensor | None = None,
        use_cache: bool | None = None,
        **kwargs: Any,
    ) -> BaseModelOutputWithPast:
        """`attention_mask` i64 [batch, cached and new tokens] is 0 for padding. `position_ids` i64 [batch or 1, tokens]
        count from the first token that is no padding where they are not given.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("Give either input_ids or inputs_embeds.")
        hidden_states = self.drop(self.wte(input_ids) if inputs_embeds is None else inputs_embeds)
        if use_cache and past_key_values is None:
            past_key_values = DynamicCache(config=self.config)
        if self.config.use_cache_quantization and past_key_values is not None:
            quantise_layers(past_key_values, self.config.num_hidden_layers, exact=not self.config.faithful)
        rotary = self._rotary(hidden_states, attention_mask, position_ids, past_key_values)
        mask = self._mask(hidden_states, attention_mask, position_ids, past_key_values)
        for block in self.h:
            hidden_states = block(
                hidden_states,
                position_embeddings=(rotary.cos, rotary.sin),
                attention_mask=mask,
                past_key_values=past_key_values,
                logn=rotary.logn,
                zones=rotary.zones or (),
                **kwargs,
            )
        return BaseModelOutputWithPast(
            last_hidden_state=self.ln_f(hidden_states), past_key_values=past_key_values if use_cache else None
        )

    def _rotary(
        self, embeds: Tensor, mask: Tensor | None, position_ids: Tensor | None, cache: Cache | None
    ) -> QwenRotaryOutput:
        """Positions of queries and keys, and what follows from them."""
        tokens = embeds.shape[1]
        past = 0 if cache is None else cache.get_seq_length()
        keys = tokens if cache is None else cache.get_mask_sizes(tokens, 0)[0]
        key_positions = torch.arange(keys, device=embeds.device)[None]
        alphas = None
        if self.config.faithful:  # positions count padding, and those that were given are not looked at
            position_ids = None
            if tokens == keys:
                self._alphas = faithful.prefill_alphas(self.config, keys, mask)
            alphas = [1] if self.training or not self.config.use_dynamic_ntk else self._alphas
        elif mask is not None and mask.ndim == 2:
            counted = (mask.long().cumsum(-1) - 1).clamp(min=0)
            key_positions = nn.functional.pad(counted, (0, keys - counted.shape[-1]))
        if position_ids is None:
            position_ids = key_positions[:, past : past + tokens]
        return self.rotary_emb(embeds, position_ids, key_positions, alphas)  # type: ignore[no-any-return]

    def _mask(
        self, embeds: Tensor, mask: Tensor | None, position_ids: Tensor | None, cache: Cache | None
    ) -> Tensor | None:
        """Who sees whom, in the form of the attention implementation."""
        if self.config.faithful:
            return faithful.attention_mask(self.config, embeds, mask, cache)
        prepared: Tensor | None = create_causal_mask(
            config=self.config,
            inputs_embeds=embeds,
            attention_mask=mask,
            past_key_values=cache,
            position_ids=position_ids,
        )
        return prepared


class QwenForCausalLM(QwenPreTrainedModel, GenerationMixin):  # type: ignore[misc]
    """The decoder with its head."""

    def __init__(self, config: QwenConfig) -> None:
        super().__init__(config)
        self.transformer = QwenModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    def get_output_embeddings(self) -> nn.Module:
        return self.lm_head

    def set_output_embeddings(self, new_embeddings: nn.Linear) -> None:
        self.lm_head = new_embeddings

    @can_return_tuple  # type: ignore[untyped-decorator]
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Cache | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int | Tensor = 0,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """The arguments of `QwenModel`; `labels` i64 [batch, tokens] add a loss, `logits_to_keep` asks for the last
        positions alone.
        """
        outputs = self.transformer(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            use_cache=use_cache,
            **kwargs,
        )
        kept = slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) else logits_to_keep
        logits = self.lm_head(outputs.last_hidden_state[:, kept])
        loss = None
        if labels is not None:
            loss = self.loss_function(logits=logits, labels=labels, vocab_size=self.config.vocab_size, **kwargs)
        return CausalLMOutputWithPast(
            loss=loss,
            logits=logits,
            past_key_values=outputs.past_key_values,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
