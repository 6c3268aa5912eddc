"""Model references, finding and loading, and what a family tells about a kind of model.

Names are resolved on first use: importing this package, or `sources`, loads neither torch nor transformers.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inspector.models.assembly import Assembly, Piece
    from inspector.models.examples import example
    from inspector.models.family import Family
    from inspector.models.history import recent, remember
    from inspector.models.hub import cached_models
    from inspector.models.inputs import Inputs, Message, Request
    from inspector.models.listing import Listed, list_models
    from inspector.models.loading import Loaded, Options, load_model
    from inspector.models.presets import Preset
    from inspector.models.processors import Processor
    from inspector.models.sources import Source, find
    from inspector.models.vocabulary import byte_tokenizer, cached_file

_HOMES = {
    "Assembly": "assembly",
    "Piece": "assembly",
    "Family": "family",
    "example": "examples",
    "Processor": "processors",
    "Inputs": "inputs",
    "Message": "inputs",
    "Request": "inputs",
    "Listed": "listing",
    "list_models": "listing",
    "recent": "history",
    "remember": "history",
    "cached_models": "hub",
    "Loaded": "loading",
    "Options": "loading",
    "load_model": "loading",
    "Preset": "presets",
    "Source": "sources",
    "find": "sources",
    "byte_tokenizer": "vocabulary",
    "cached_file": "vocabulary",
}

__all__ = [
    "Assembly",
    "Family",
    "Inputs",
    "Listed",
    "Loaded",
    "Message",
    "Options",
    "Piece",
    "Preset",
    "Processor",
    "Request",
    "Source",
    "byte_tokenizer",
    "cached_file",
    "cached_models",
    "example",
    "find",
    "list_models",
    "load_model",
    "recent",
    "remember",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
