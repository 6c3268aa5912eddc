"""The notes of a call, as the hooks write them and as they are read afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class Row(NamedTuple):
    """The notes of one call. `number` indexes the recorder's modules; `error` is set when the module raised; `ports` is
    what probes wrote.
    """

    number: int
    parent: int | None
    step: int
    args: Sequence[Any]
    kwargs: dict[str, Any]
    start: Any
    output: Any = None
    end: Any = None
    error: str | None = None
    memory: int | None = None
    ports: dict[str, Any] | None = None


START, OUTPUT, END, ERROR, MEMORY = map(Row._fields.index, ("start", "output", "end", "error", "memory"))
"""Where a hook writes in a row that is still open, which is a list: a named tuple would cost as much as the rest."""
