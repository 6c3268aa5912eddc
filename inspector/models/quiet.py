"""transformers while it loads: its progress bars become our progress, its warnings notices, and nothing is printed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from typing import Any

Progress = Callable[[str, float | None], None]
"""Told the name of a stage, and how much of it is done, from 0 to 1, where that is known."""

_one_at_a_time = threading.Lock()
"""What is set here, and torch's default dtype while transformers builds a model, belongs to the whole process."""


@contextmanager
def listening(progress: Progress) -> Iterator[list[str]]:
    """While it is open, this thread alone loads a model. Yields a list that fills with transformers' warnings."""
    from transformers.utils import logging as library

    heard = _Heard()
    logger = library.get_logger("transformers")
    with _one_at_a_time:
        had_bars, had_hook = library.is_progress_bar_enabled(), library.set_tqdm_hook(_counting(progress))
        level, handlers = logger.level, list(logger.handlers)
        library.disable_progress_bar()
        logger.handlers[:] = [heard]
        logger.setLevel(logging.WARNING)
        try:
            yield heard.messages
        finally:
            logger.handlers[:] = handlers
            logger.setLevel(level)
            library.set_tqdm_hook(had_hook)
            if had_bars:
                library.enable_progress_bar()


class _Heard(logging.Handler):
    """Keeps each message once. The load report is left out: `loading` words it from the same facts."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        message = " ".join(record.getMessage().split())
        if "LOAD REPORT" not in message and message not in self.messages:
            self.messages.append(message)


def _counting(progress: Progress) -> Callable[..., Any]:
    """A stand-in for the making of progress bars: one over the weights tells how far it is, others are silent."""

    def make(factory: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        silent = factory(*args, **options)
        if args and isinstance(args[0], Sized) and options.get("desc") == "Loading weights":
            return _counted(args[0], progress)
        return silent

    return make


def _counted(weights: Any, progress: Progress) -> Iterator[Any]:
    for done, weight in enumerate(weights):
        progress("loading weights", done / len(weights))
        yield weight
