"""CLIP's vision tower, a projector and the Qwen decoder, as one model of transformers 5."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import CLIPVisionModel, GenerationMixin, PreTrainedModel
from transformers.activations import GELUActivation
from transformers.cache_utils import Cache
from transformers.utils import ModelOutput
from transformers.utils.generic import can_return_tuple

from .adapter import merged_state
from .configuration import ClipQwenConfig
from .decoder import QwenForCausalLM
from .merge import ImageMerge


@dataclass
class ClipQwenOutput(ModelOutput):  # type: ignore[misc]
    """The decoder's output, with S the merged length: logits [batch, S, vocab_size].

    `attention_mask` i64 [batch, cached tokens + S] is the mask that the next step continues, None without padding.
    """

    loss: Tensor | None = None
    logits: Tensor | None = None
    past_key_values: Cache | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None
    image_hidden_states: Tensor | None = None
    attention_mask: Tensor | None = None


class ClipQwenProjector(nn.Module):
    """From the vision tower's width to the decoder's."""

    def __init__(self, config: ClipQwenConfig) -> None:
        super().__init__()
        middle = config.projector_hidden_size
        self.linear_1 = nn.Linear(config.vision_config.hidden_size, middle)
        self.act = GELUActivation()
        self.linear_2 = nn.Linear(middle, config.text_config.hidden_size)

    def forward(self, image_features: Tensor) -> Tensor:
        """[pictures, features, width] to [pictures, features, hidden_size]."""
        output: Tensor = self.linear_2(self.act(self.linear_1(image_features)))
        return output


class ClipQwenPreTrainedModel(PreTrainedModel):  # type: ignore[misc]
    config_class = ClipQwenConfig
    base_model_prefix = ""
    input_modalities = ("image", "text")
    supports_gradient_checkpointing = True
    _no_split_modules = ("QwenBlock", "CLIPEncoderLayer")
    _skip_keys_device_placement = ("past_key_values",)
    _supports_sdpa = True
    _supports_attention_backend = True


class ClipQwenForConditionalGeneration(ClipQwenPreTrainedModel, GenerationMixin):  # type: ignore[misc]
    """The whole model. One placeholder in the ids becomes the features of one picture: the decoder's sequence is longer
    than the ids.
    """

    def __init__(self, config: ClipQwenConfig) -> None:
        super().__init__(config)
        self.vision_tower = CLIPVisionModel(config.vision_config)
        self.multi_modal_projector = ClipQwenProjector(config)
        self.merge = ImageMerge(config)
        self.language_model = QwenForCausalLM(config.text_config)
        self.post_init()

    @property
    def faithful(self) -> bool:
        """Whether the original's numbers are computed also where they are unsound. May be changed at any time."""
        return bool(self.config.text_config.faithful)

    @faithful.setter
    def faithful(self, value: bool) -> None:
        self.config.text_config.faithful = value

    def save_pretrained(self, save_directory: str | Path, **kwargs: Any) -> None:
        """All of it in one directory. A LoRA is saved as part of the weights that it changes."""
        merged = merged_state(self)
        if merged is not None:
            kwargs.setdefault("state_dict", merged)
        super().save_pretrained(save_directory, **kwargs)

    def get_input_embeddings(self) -> nn.Module:
        return self.language_model.get_input_embeddings()  # type: ignore[no-any-return]

    def set_input_embeddings(self, value: nn.Embedding) -> None:
        self.language_model.set_input_embeddings(value)

    def get_output_embeddings(self) -> nn.Module:
        return self.language_model.get_output_embeddings()

    def set_output_embeddings(self, new_embeddings: nn.Linear) -> None:
        self.language_model.set_output_embeddings(new_embeddings)

    def get_image_features(self, pixel_values: Tensor) -> Tensor:
        """`pixel_values` [pictures, 3, height, width] to [pictures, features, hidden_size].

        The last layer's states without a final norm; the class token, the first of them, is dropped.
        """
        states = self.vision_tower(pixel_values=pixel_values).last_hidden_state
        features: Tensor = self.multi_modal_projector(states[:, 1:])
        return features

    @can_return_tuple  # type: ignore[untyped-decorator]
    def forward(
        self,
        input_ids: Tensor | None = None,
        pixel_values: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Cache | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int | Tensor = 0,
        **kwargs: Any,
    ) -> ClipQwenOutput:
        """`input_ids` i64 [batch, tokens] hold a placeholder for each of the `pixel_values` [pictures, 3, side, side].
        `attention_mask` i64 [batch, cached tokens + tokens] is 0 for padding, which belongs in front; the mask of the
        merged sequence will do as well. `position_ids` and `labels` are those of the merged sequence.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("Give either input_ids or inputs_embeds.")
        if pixel_values is not None and input_ids is None:
            raise ValueError("Pictures are merged at the placeholders of input_ids; inputs_embeds have none.")
        features = None
        if inputs_embeds is None:
            inputs_embeds = self.get_input_embeddings()(input_ids)
        if pixel_values is not None:
            features = self.get_image_features(pixel_values)
            merged = self.merge(inputs_embeds, input_ids, features, attention_mask)
            inputs_embeds, attention_mask = merged.inputs_embeds, merged.attention_mask
        outputs = self.language_model(
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            labels=labels,
            use_cache=use_cache,
            logits_to_keep=logits_to_keep,
            **kwargs,
        )
        if pixel_values is not None:
            keep_whole(outputs.past_key_values)
        mask = attention_mask if pixel_values is not None else None
        return ClipQwenOutput(**outputs, image_hidden_states=features, attention_mask=mask)

    def prepare_inputs_for_generation(self, input_ids: Tensor, **kwargs: Any) -> dict[str, Any]:
        """Without the positions that `generate` counts: it does not know of the pictures, the decoder does."""
        inputs: dict[str, Any] = super().prepare_inputs_for_generation(input_ids, **kwargs)
        inputs.pop("position_ids", None)
        return inputs

    def _update_model_kwargs_for_generation(
        self, outputs: ModelOutput, model_kwargs: dict[str, Any], **kwargs: Any
    ) -> dict[str, Any]:
        """After pictures were merged, their mask is the one to go on from."""
        if outputs.get("attention_mask") is not None:
            model_kwargs["attention_mask"] = outputs["attention_mask"]
        updated: dict[str, Any] = super()._update_model_kwargs_for_generation(outputs, model_kwargs, **kwargs)
        return updated

    def _expand_inputs_for_generation(
        self,
        expand_size: int = 1,
        is_encoder_decoder: bool = False,
        input_ids: Tensor | None = None,
        **model_kwargs: Any,
    ) -> tuple[Tensor, dict[str, Any]]:
        """For beams and several sequences: the pictures of a row stay together, however many they are."""
        pictures = model_kwargs.pop("pixel_values", None)
        expanded: tuple[Tensor, dict[str, Any]] = super()._expand_inputs_for_generation(
            expand_size=expand_size, is_encoder_decoder=is_encoder_decoder, input_ids=input_ids, **model_kwargs
        )
        if pictures is not None:
            if expand_size > 1 and input_ids is not None:
                counts = (input_ids == self.config.image_token_id).sum(1).tolist()
                pictures = torch.cat([own.repeat(expand_size, 1, 1, 1) for own in pictures.split(counts)])
            expanded[1]["pixel_values"] = pictures
        return expanded


def keep_whole(cache: Cache | None) -> None:
    """Let no one crop a cache that holds more tokens than there were ids: who counts ids would crop too much."""
    for layer in () if cache is None else cache.layers:
        layer.is_croppable = False
