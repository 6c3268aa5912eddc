"""The first-generation Qwen decoder, as a model of transformers 5."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import GenerationMixin, PreTrainedModel
from transformers import initialization as init
from transformers.cache_utils import Cache, DynamicCache
from transformers.masking_utils import create_causal_mask
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast
from transformers.utils.generic import can_return_tuple, merge_with_config_defaults
from transformers.utils.output_capturing import capture_outputs

from . import faithful
from .cache import quantise_layers
from .configuration import QwenConfig
from .layers import QwenAttention, QwenBlock, QwenRMSNorm, ToResidual
from .rotary import QwenRotaryEmbedding, QwenRotaryOutput


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
        if isinstance(module, ToResidual):
            std = self.config.initializer_range / (2 * self.config.num_hidden_layers) ** 0.5
            init.normal_(module.weight, mean=0.0, std=std)


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
