"""A model from its configuration alone: without values, on the meta device, or with random weights on a real one."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from inspector.models.sources import Source

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

SEED = 0
"""Random weights are the same every time."""


def without_values(auto: type[Any], config: PreTrainedConfig, dtype: str, **options: Any) -> PreTrainedModel:
    """The model on the meta device, in `dtype`; buffers of integers hold their values, on the CPU."""
    import torch

    from inspector.models.shape_only import shape_only

    with shape_only(), torch.device("meta"):
        return _build(auto, config, dtype, options)


def with_random_weights(
    auto: type[Any], config: PreTrainedConfig, dtype: str, device: str, **options: Any
) -> PreTrainedModel:
    """The model with the weights that its class begins a training with, made where they are to lie, in `dtype`."""
    import torch

    place = torch.device(device)
    with torch.random.fork_rng(devices=[place] if place.type == "cuda" else []), place:
        (torch.default_generator if place.type == "cpu" else torch).manual_seed(SEED)
        return _build(auto, config, dtype, options)


def set_generation_config(model: PreTrainedModel, source: Source) -> None:
    """Give a model that was built the generation settings that were published with it."""
    from transformers import GenerationConfig

    published = source.json("generation_config.json")
    if published is not None and model.can_generate():
        model.generation_config = GenerationConfig.from_dict(published)


def _build(auto: type[Any], config: PreTrainedConfig, dtype: str, options: dict[str, Any]) -> PreTrainedModel:
    """`config` is copied, because building writes dtype and attention into it. `auto` may be a model's own class."""
    import torch

    config = copy.deepcopy(config)
    if not hasattr(auto, "from_config"):
        options = {name: value for name, value in options.items() if name != "trust_remote_code"}
    build = getattr(auto, "from_config", None) or auto._from_config
    model: PreTrainedModel = build(config, dtype=getattr(torch, dtype), **options)
    return model.eval()
