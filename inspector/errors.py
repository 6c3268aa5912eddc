"""Everything that Inspector raises on purpose.

A message says what failed, what was expected, what there is and what to do next; it stands alone, without a traceback.
Each kind carries the exit code that the command line ends with.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inspector.trace import Trace


class InspectorError(Exception):
    """The request or a file was wrong."""

    exit_code = 2


class UnknownReference(InspectorError):
    """A model reference names nothing that can be loaded."""


class ModelError(InspectorError):
    """A model was found and cannot be loaded as asked: a missing shard, no memory, an unknown architecture."""


class InputError(InspectorError):
    """The prompt, the pictures or the messages cannot become inputs of this model."""


class TraceError(InspectorError):
    """A trace on disk cannot be read or written, or does not hold what was asked of it."""


class PluginError(InspectorError):
    """A plugin cannot be loaded, or raised where it was called."""


class GenerationError(InspectorError):
    """A generation cannot go on as asked: a processor failed, it has ended, a branch cannot be made. Its steps stay."""


class ForwardError(InspectorError):
    """The model's own forward raised. `trace` holds every call up to the failure, `__cause__` what was raised."""

    exit_code = 3

    def __init__(self, message: str, trace: Trace) -> None:
        super().__init__(message)
        self.trace = trace


class Cancelled(InspectorError):
    """The user stopped a forward before it ended."""

    exit_code = 130


def near(name: str, known: Iterable[str]) -> str:
    """A half sentence that names what stands near a mistyped `name`; empty when nothing does."""
    close = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(close)}?" if close else ""
