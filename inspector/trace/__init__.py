"""What a run left behind: records, kept values, and both on disk. Knows nothing of hooks, models or screens."""

from inspector.trace.records import (
    FORMAT,
    Call,
    Failure,
    Media,
    ModelInfo,
    Module,
    Stats,
    TensorInfo,
    Token,
    TokenKind,
    Value,
)
from inspector.trace.store import is_trace, open_trace, save_trace
from inspector.trace.trace import Trace
from inspector.trace.values import FileValues, MemoryValues, Values

__all__ = [
    "FORMAT",
    "Call",
    "Failure",
    "FileValues",
    "Media",
    "MemoryValues",
    "ModelInfo",
    "Module",
    "Stats",
    "TensorInfo",
    "Token",
    "TokenKind",
    "Trace",
    "Value",
    "Values",
    "is_trace",
    "open_trace",
    "save_trace",
]
