"""Logits processors that plugins offer by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import LogitsProcessor


@dataclass(frozen=True, slots=True)
class NamedLogitsProcessor:
    """A logits processor that a generation can take in by its name. `make(**parameters)` makes one, of transformers'
    `LogitsProcessor` class; `help` says in a sentence what it does and which parameters it takes.
    """

    name: str
    help: str
    make: Callable[..., LogitsProcessor]
