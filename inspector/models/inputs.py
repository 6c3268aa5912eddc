"""What a user asks with, and what a family makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspector.trace import Media

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

Message = Mapping[str, Any]
"""A message as transformers' chat templates take it: `{"role": …, "content": text or a list of parts}`."""


@dataclass(frozen=True, slots=True)
class Request:
    """A question, as it was given: several `prompts` or several conversations in `messages` are a batch.

    `images` are files or pictures. For one prompt all of them belong to it; for a batch they are dealt out one a row,
    or in the order of the placeholders where the prompts write them. `raw` leaves the chat template out.
    """

    prompts: tuple[str, ...] = ()
    images: tuple[str | Path | Image, ...] = ()
    messages: tuple[Sequence[Message], ...] = ()
    system: str | None = None
    raw: bool = False


@dataclass(slots=True)
class Inputs:
    """What the forward is called with, on the CPU: `tensors` are its keyword arguments.

    `texts` holds, a row each, the text that was tokenised, placeholders expanded. `facts` go into the trace (see
    `Trace.facts`).
    """

    tensors: dict[str, Tensor]
    texts: list[str] = field(default_factory=list)
    media: list[Media] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
