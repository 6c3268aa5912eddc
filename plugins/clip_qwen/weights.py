"""Where the published weights go: names of Qwen's and CLIP's checkpoints, and their names in the whole model."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

NOT_WEIGHTS = re.compile(r"(^|\.)(inv_freq|masked_bias|logn_tensor|position_ids)$")
"""Constants that older checkpoints carry along."""

VISION = ("embeddings.", "pre_layrnorm.", "encoder.", "post_layernorm.")
"""What the vision tower is made of. In CLIP's checkpoints it stands behind `vision_model.`, beside the text tower."""

Rename = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Places:
    """How a whole model calls its three parts.

    `decoder` renames a weight of the decoder's own checkpoint. LoRA matrices go into the module at `lora`, under their
    names without `strip` in front.
    """

    vision: str
    projector: str
    decoder: Rename
    lora: str = ""
    strip: str = ""


def vision_weight(name: str, prefix: str) -> str | None:
    """A weight of a CLIP checkpoint, of both towers or of one; None for what is no part of the vision tower."""
    own = name.removeprefix("vision_tower.").removeprefix("vision_model.")
    return f"{prefix}{own}" if own.startswith(VISION) and not NOT_WEIGHTS.search(name) else None


def qwen_weight(name: str) -> str | None:
    """A weight of a published Qwen checkpoint of the first generation."""
    return None if NOT_WEIGHTS.search(name) else f"language_model.{name}"


def llava_weight(name: str) -> str | None:
    """A weight of a Qwen2 or Qwen2.5 checkpoint in transformers' Llava."""
    if NOT_WEIGHTS.search(name):
        return None
    return f"model.language_model.{name.removeprefix('model.')}" if name.startswith("model.") else name


CLIP_QWEN = Places("vision_tower.", "multi_modal_projector.", qwen_weight, "language_model")
LLAVA = Places("model.vision_tower.", "model.multi_modal_projector.", llava_weight, "model.language_model", "model.")
ALONE = Places("", "", str)
"""A decoder without a vision tower."""
