"""What a job tells the screen that watches it. Threads speak to screens through these messages and in no other way."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job has come. `fraction` is None while nobody knows; `calls` counts the module calls of a forward."""

    stage: str = "starting"
    fraction: float | None = None
    calls: int = 0


class Painted(Message):
    """The first screen is on the terminal: what takes time may begin."""


@dataclass
class Advanced(Message):
    """A job has come further."""

    progress: Progress


@dataclass
class Ended(Message):
    """A job is over, however it ended. Its result, or its error, comes from `Job.result`."""
