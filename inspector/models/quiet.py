"""transformers while it loads: its progress bars become our progress, its warnings notices, and nothing is printed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sized
from contextlib import ExitStack, contextmanager
from typing import Any

Progress = Callable[[str, float | None], None]
"""Told the name of a stage, and how much of it is done, from 0 to 1, where that is known."""

TOLD_OTHERWISE = ("LOAD REPORT", "Some parameters are on the meta device")
"""Warnings about what `making` words itself, from the same facts."""

_one_at_a_time = threading.Lock()
"""What is set here, and torch's default dtype while transformers builds a model, belongs to the whole process."""


@contextmanager
def listening(progress: Progress) -> Iterator[list[str]]:
    """While it is open, this thread alone loads a model. Yields a list that fills with the libraries' warnings."""
    heard = _Heard()
    with _one_at_a_time, ExitStack() as stack:
        stack.enter_context(_counting_bars(progress))
        for library in ("transformers", "accelerate"):
            stack.enter_context(_heard_by(heard, logging.getLogger(library)))
        yield heard.messages


@contextmanager
def _counting_bars(progress: Progress) -> Iterator[None]:
    from transformers.utils import logging as library

    had_bars, had_hook = library.is_progress_bar_enabled(), library.set_tqdm_hook(_counting(progress))
    library.disable_progress_bar()
    try:
        yield
    finally:
        library.set_tqdm_hook(had_hook)
        if had_bars:
            library.enable_progress_bar()


@contextmanager
def _heard_by(handler: logging.Handler, logger: logging.Logger) -> Iterator[None]:
    before = (logger.handlers, logger.level, logger.propagate)
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.handlers, level, logger.propagate = before
        logger.setLevel(level)


class _Heard(logging.Handler):
    """Keeps each warning once."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        message = " ".join(record.getMessage().split())
        if message not in self.messages and not any(words in message for words in TOLD_OTHERWISE):
            self.messages.append(message)


def _counting(progress: Progress) -> Callable[..., Any]:
    """A stand-in for the making of progress bars: one over things that can be counted tells how far it is."""

    def make(factory: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if args and isinstance(args[0], Sized):
            return _counted(args[0], str(options.get("desc", "loading")).rstrip(".").lower(), progress)
        return factory(*args, **options)

    return make


def _counted(items: Any, stage: str, progress: Progress) -> Iterator[Any]:
    for done, item in enumerate(items):
        progress(stage, done / len(items))
        yield item
