"""What a kind of model is, told to the rest of the program. The base class is the generic family: every method has a
default that works for any causal language model or image-text model of transformers; a plugin says only what differs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from inspector.errors import ModelError
from inspector.models.inputs import Inputs, Request
from inspector.trace import TokenKind

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

    from inspector.models.sources import Source


@dataclass(slots=True)
class Processor:
    """Tokenizer and image processor, loaded separately, so that torchvision stays optional.

    Either is None where the checkpoint has none. `notices` are sentences that the user must see.
    """

    tokenizer: PreTrainedTokenizerBase | None
    image_processor: Any = None
    notices: list[str] = field(default_factory=list)


class Family:
    """The generic family."""

    name = "generic"

    def matches(self, config: PreTrainedConfig) -> bool:
        """Whether this family describes models of `config`. The generic one is taken where no other answers True."""
        return False

    def model_class(self, config: PreTrainedConfig) -> type[Any]:
        """The transformers class (an Auto class will do) that builds and loads models of `config`.

        Raises `ModelError` when transformers has no class that turns text, or text and images, into text.
        """
        from transformers import AutoModelForCausalLM, AutoModelForImageTextToText
        from transformers.models.auto.modeling_auto import (
            MODEL_FOR_CAUSAL_LM_MAPPING,
            MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING,
        )

        kind = type(config)
        if kind in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
            return AutoModelForImageTextToText
        if kind in MODEL_FOR_CAUSAL_LM_MAPPING:
            return AutoModelForCausalLM
        remote = getattr(config, "auto_map", None) or {}
        for auto in (AutoModelForImageTextToText, AutoModelForCausalLM):
            if auto.__name__ in remote:
                return auto
        raise ModelError(
            f"A model of the type {config.model_type!r} is neither a causal language model nor an image-text model of "
            "transformers; Inspector shows those two. A plugin can add another kind (see inspector/hookspecs.py)."
        )

    def processor(self, source: Source, config: PreTrainedConfig) -> Processor:
        """Tokenizer and image processor of a checkpoint or preset."""
        raise NotImplementedError

    def inputs(self, request: Request, processor: Processor, config: PreTrainedConfig) -> Inputs:
        """The keyword arguments of the forward, on the CPU. Raises `InputError` on what cannot be encoded."""
        raise NotImplementedError

    def role(self, path: str, module: nn.Module) -> str | None:
        """What a module is in the architecture: `patch_embed`, `vision_block`, `merger`, `projector`, `token_embedding`,
        `decoder_layer`, `attention`, `mlp`, `norm`, `rotary`, `lm_head`, …; None where it is nothing in particular.
        """
        raise NotImplementedError

    def token_kinds(self, ids: Tensor, mask: Tensor | None, config: PreTrainedConfig) -> list[list[TokenKind]]:
        """The kind of each token. `ids` i64 [batch, tokens], `mask` the 2-D padding mask of the same shape or None."""
        raise NotImplementedError

    def positions(self, position_ids: Tensor) -> list[list[tuple[int, ...]]]:
        """Per row and token, the position as a tuple, from the `position_ids` that the decoder really received:
        i64 [batch, tokens], or [axes, batch, tokens] under M-RoPE.
        """
        raise NotImplementedError
