"""How the tests load tiny models: by the generic family, without tokenizer and pictures."""

from __future__ import annotations

from typing import Any

import torch

from inspector.models import Family, Loaded, Options, Preset, Processor, find, load_model
from tests.fakes import tiny_config

IDS = torch.tensor([[1, 2, 3, 4, 5]])


class Bare(Family):
    """The generic family without tokenizer and pictures, which loading does not need."""

    def matches(self, config: Any) -> bool:
        return True

    def processor(self, source: Any, config: Any) -> Processor:
        return Processor(None, notices=["A stand-in."])


def load(reference: object, presets: dict[str, Preset] | None = None, progress: Any = None, **options: Any) -> Loaded:
    return load_model(find(str(reference), presets or {}), Options(**options), [Bare()], progress)


def preset(name: str, **settings: Any) -> dict[str, Preset]:
    return {"tiny": Preset("tiny", {**tiny_config(name).to_dict(), **settings}, {"top_k": 7, "do_sample": True})}


def same_weights(model: Any, other: Any) -> bool:
    pairs = zip(model.state_dict().items(), other.state_dict().items(), strict=True)
    return all(name == twin and torch.equal(tensor, value) for (name, tensor), (twin, value) in pairs)
