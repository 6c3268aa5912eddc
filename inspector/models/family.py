"""What a kind of model is, told to the rest of the program. The base class is the generic family: every method has a
default that works for any causal language model or image-text model of transformers; a plugin says only what differs.

What needs torch is imported where it is called: plugins are asked for their presets before the first model is loaded.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from inspector.errors import ModelError
from inspector.models.inputs import Inputs, Request
from inspector.models.processors import (
    Processor,
    load_image_processor,
    load_model_processor,
    load_tokenizer,
    load_video_processor,
)
from inspector.models.vocabulary import STAND_IN, byte_tokenizer, special_tokens
from inspector.trace import TokenKind

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

    from inspector.analysis.layout import Layout
    from inspector.models.assembly import Assembly
    from inspector.models.loading import Options
    from inspector.models.sources import Source


class Family:
    """The generic family."""

    name = "generic"

    def matches(self, config: PreTrainedConfig) -> bool:
        """Whether this family describes models of `config`. The generic one is taken where no other answers True."""
        return False

    def register(self) -> None:
        """Make the family's own classes known to transformers' Auto classes. Called before a configuration is read, for
        every model, so that it should be cheap.
        """

    def assemble(self, source: Source, config: PreTrainedConfig, options: Options) -> Assembly | None:
        """The model to build in place of the checkpoint as it lies, for a family that puts models together from several
        places; None where it has nothing to do with this one. Asked of every family, before `matches`, which then sees
        the configuration of the whole. Raises `ModelError` where the parts do not fit.
        """
        return None

    def model_class(self, config: PreTrainedConfig) -> type[Any]:
        """The transformers class (an Auto class will do) that builds and loads models of `config`.

        Raises `ModelError` when transformers has no class that turns text, or text and images, into text.
        """
        from transformers import AutoModelForCausalLM, AutoModelForImageTextToText
        from transformers.models.auto.modeling_auto import (
            MODEL_FOR_CAUSAL_LM_MAPPING,
            MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING,
        )

        remote = getattr(config, "auto_map", None) or {}
        choices: list[tuple[type[Any], Any]] = [
            (AutoModelForImageTextToText, MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING),
            (AutoModelForCausalLM, MODEL_FOR_CAUSAL_LM_MAPPING),
        ]
        for auto, mapping in choices:
            if type(config) in mapping or auto.__name__ in remote:
                return auto
        raise ModelError(
            f"A model of the type {config.model_type!r} is neither a causal language model nor an image-text model of "
            "transformers; Inspector shows those two. A plugin can add another kind (see inspector/hookspecs.py)."
        )

    def processor(self, source: Source, config: PreTrainedConfig) -> Processor:
        """Tokenizer and image processor of a checkpoint or preset; what it lacks is None, with a notice."""
        notices: list[str] = []
        tokenizer = self.tokenizer(source, config, notices)
        images = load_image_processor(source, notices)
        videos = None if images is None else self.video_processor(source, config, notices)
        combined = load_model_processor(source, config, tokenizer, images, notices, videos)
        return Processor(tokenizer, images, notices, combined, videos)

    def video_processor(self, source: Source, config: PreTrainedConfig, notices: list[str]) -> Any:
        """What makes patches of videos: by default transformers' own, which needs torchvision; None without it."""
        return load_video_processor(source, notices)

    def tokenizer(self, source: Source, config: PreTrainedConfig, notices: list[str]) -> PreTrainedTokenizerBase | None:
        """The tokenizer alone: the checkpoint's own, or for a preset a stand-in that `notices` then tells of."""
        if source.preset is None:
            return load_tokenizer(source, notices)
        notices.append(STAND_IN)
        return byte_tokenizer(special_tokens(config))

    def inputs(self, request: Request, processor: Processor, config: PreTrainedConfig) -> Inputs:
        """The keyword arguments of the forward, on the CPU. Raises `InputError` on what cannot be encoded."""
        from inspector.models.encoding import encode

        words, video_words = self.placeholders(processor, config), self.video_placeholders(processor, config)
        return encode(request, processor, words, self._accepted(config), video_words)

    def placeholders(self, processor: Processor, config: PreTrainedConfig) -> list[str]:
        """The words that stand for a picture in a prompt, the usual one first; none where it takes no pictures."""
        from inspector.models.kinds import image_token

        if processor.tokenizer is None or processor.model_processor is None:
            return []
        named = [getattr(processor.model_processor, name, None) for name in ("image_token", "boi_token")]
        words = [*named, image_token(config, processor.tokenizer)]
        return list(dict.fromkeys(str(word) for word in words if word))

    def video_placeholders(self, processor: Processor, config: PreTrainedConfig) -> list[str]:
        """The words that stand for a video in a prompt, the usual one first; none where it takes no videos."""
        word = getattr(processor.model_processor, "video_token", None)
        return [str(word)] if word and processor.video_processor is not None else []

    def role(self, path: str, module: nn.Module) -> str | None:
        """What a module is in the architecture: one of `inspector.models.roles.ROLES`, or a word of the family's own;
        None where it is nothing in particular. `path` is its name in `named_modules()`.
        """
        from inspector.models.roles import role_of

        return role_of(path, module)

    def token_kinds(
        self,
        ids: Tensor,
        mask: Tensor | None,
        config: PreTrainedConfig,
        tokenizer: PreTrainedTokenizerBase | None = None,
    ) -> list[list[TokenKind]]:
        """The kind of each token. `ids` i64 [batch, tokens], `mask` the 2-D padding mask of the same shape or None."""
        from inspector.models.kinds import token_kinds

        return token_kinds(ids, mask, config, tokenizer)

    def positions(self, position_ids: Tensor) -> list[list[tuple[int, ...]]]:
        """Per row and token, the position as a tuple, from the `position_ids` that the decoder really received:
        i64 [batch, tokens], or [axes, batch, tokens] under M-RoPE.
        """
        axes = position_ids.unsqueeze(0) if position_ids.ndim == 2 else position_ids
        return [[tuple(place) for place in row] for row in axes.permute(1, 2, 0).tolist()]

    def layout(self, config: PreTrainedConfig) -> Layout:
        """How pictures become patches, tokens and positions; by default as the configuration says in usual words."""
        from inspector.analysis.layout import layout_of

        return layout_of(config.to_dict())

    def _accepted(self, config: PreTrainedConfig) -> frozenset[str]:
        """The parameters of the forward; empty for a class that is not transformers' own."""
        from transformers.models.auto.modeling_auto import (
            MODEL_FOR_CAUSAL_LM_MAPPING,
            MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING,
        )

        for mapping in (MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING, MODEL_FOR_CAUSAL_LM_MAPPING):
            if type(config) in mapping:
                return frozenset(inspect.signature(mapping[type(config)].forward).parameters)
        return frozenset()
