"""Published configurations, by name: a model to look at without a download."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Preset:
    """A published model without its weights, as the files beside them say it.

    `config`, `generation` and `image_processor` are the contents of `config.json`, `generation_config.json` and
    `preprocessor_config.json`. `tokenizer` names the vocabulary that the family loads. `source` says where it was
    published.
    """

    name: str
    config: Mapping[str, Any]
    generation: Mapping[str, Any] = field(default_factory=dict)
    image_processor: Mapping[str, Any] | None = None
    tokenizer: str = "qwen"
    source: str = ""
