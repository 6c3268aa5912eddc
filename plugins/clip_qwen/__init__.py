"""CLIP + Qwen: the captioning model that splices picture features into the first-generation Qwen decoder.

family.py, assembling.py, adapter.py, weights.py, tokens.py, processor.py, presets.py
    what Inspector is told: how such a model is put together from its directories, and what its inputs are
model.py, merge.py, decoder.py, rotary.py, cache.py, configuration.py
    the model itself, written for transformers 5
faithful.py
    what the original computes where it is unsound
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from inspector import hookimpl

if TYPE_CHECKING:
    from inspector import Family, Preset, View


def register() -> None:
    """Make `qwen` and `clip_qwen` known to transformers' Auto classes, for who uses the model without Inspector."""
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText, AutoProcessor

    from .configuration import ClipQwenConfig, QwenConfig
    from .decoder import QwenForCausalLM
    from .model import ClipQwenForConditionalGeneration
    from .processor import ClipQwenProcessor

    AutoConfig.register(QwenConfig.model_type, QwenConfig, exist_ok=True)
    AutoConfig.register(ClipQwenConfig.model_type, ClipQwenConfig, exist_ok=True)
    AutoModelForCausalLM.register(QwenConfig, QwenForCausalLM, exist_ok=True)
    AutoModelForImageTextToText.register(ClipQwenConfig, ClipQwenForConditionalGeneration, exist_ok=True)
    AutoProcessor.register(ClipQwenConfig, ClipQwenProcessor, exist_ok=True)


@hookimpl
def inspector_families() -> Sequence[Family]:
    from .family import ClipQwen

    return [ClipQwen()]


@hookimpl
def inspector_presets() -> Sequence[Preset]:
    from .presets import SIZES, preset

    return [preset(size) for size in SIZES]


@hookimpl
def inspector_views() -> Sequence[View]:
    from .views import all_views

    return all_views()
