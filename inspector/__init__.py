"""Inspector: see what happens inside the forward pass of a vision-language model.

The public names, resolved on first use: importing this package loads neither torch nor Textual.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inspector.analysis.layout import Layout
    from inspector.errors import (
        Cancelled,
        ForwardError,
        GenerationError,
        InputError,
        InspectorError,
        ModelError,
        PluginError,
        TraceError,
        UnknownReference,
    )
    from inspector.generation.generation import Generation
    from inspector.generation.offers import NamedLogitsProcessor
    from inspector.hookspecs import hookimpl
    from inspector.models import (
        Assembly,
        Family,
        Inputs,
        Options,
        Piece,
        Preset,
        Processor,
        Request,
        Source,
        byte_tokenizer,
        cached_file,
    )
    from inspector.models.video_processor import VideoProcessor
    from inspector.parts import Column, Curve, Heatmap, Node, Part, Picture, Tab, Table, Text, Tree, View
    from inspector.plugins import Plugins
    from inspector.recording import Pen, Probe
    from inspector.session import Session, capture, load
    from inspector.trace import Call, Module, Stats, TensorInfo, Token, Trace

_HOMES = {
    "inspector.analysis.layout": ("Layout",),
    "inspector.errors": (
        "Cancelled",
        "ForwardError",
        "GenerationError",
        "InputError",
        "InspectorError",
        "ModelError",
        "PluginError",
        "TraceError",
        "UnknownReference",
    ),
    "inspector.generation.generation": ("Generation",),
    "inspector.generation.offers": ("NamedLogitsProcessor",),
    "inspector.hookspecs": ("hookimpl",),
    "inspector.models": (
        "Assembly",
        "Family",
        "Inputs",
        "Options",
        "Piece",
        "Preset",
        "Processor",
        "Request",
        "Source",
        "byte_tokenizer",
        "cached_file",
    ),
    "inspector.parts": (
        "Column",
        "Curve",
        "Heatmap",
        "Node",
        "Part",
        "Picture",
        "Tab",
        "Table",
        "Text",
        "Tree",
        "View",
    ),
    "inspector.models.video_processor": ("VideoProcessor",),
    "inspector.plugins": ("Plugins",),
    "inspector.recording": ("Pen", "Probe"),
    "inspector.session": ("Session", "capture", "load"),
    "inspector.trace": ("Call", "Module", "Stats", "TensorInfo", "Token", "Trace"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Assembly",
    "Call",
    "Cancelled",
    "Column",
    "Curve",
    "Family",
    "ForwardError",
    "Generation",
    "GenerationError",
    "Heatmap",
    "InputError",
    "Inputs",
    "InspectorError",
    "Layout",
    "ModelError",
    "Module",
    "NamedLogitsProcessor",
    "Node",
    "Options",
    "Part",
    "Pen",
    "Picture",
    "Piece",
    "PluginError",
    "Plugins",
    "Preset",
    "Probe",
    "Processor",
    "Request",
    "Session",
    "Source",
    "Stats",
    "Tab",
    "Table",
    "TensorInfo",
    "Text",
    "Token",
    "Trace",
    "TraceError",
    "Tree",
    "UnknownReference",
    "VideoProcessor",
    "View",
    "byte_tokenizer",
    "cached_file",
    "capture",
    "hookimpl",
    "load",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'inspector' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
