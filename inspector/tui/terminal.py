"""What the process does for its terminal: leave it whole when a signal ends it, and keep the keyboard quick."""

from __future__ import annotations

import asyncio
import atexit
import gc
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from inspector.tui.jobs import Job

SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name))

SWITCH_INTERVAL = 0.0005
"""Seconds after which a thread that runs Python lets another one in. A key press goes through five or six such
handovers on its way to the screen; at Python's usual 5 ms each, a model's Python would be felt.
"""

NEVER = 2**30
"""A threshold that no number of collections reaches."""

PATIENCE = 1.0
"""Seconds that cancelled jobs have to end, once the program has left the screen."""


@contextmanager
def quick_keyboard() -> Iterator[None]:
    """Hand over between threads often, and never stop all of them to look for garbage, for as long as the program runs.

    With torch and transformers loaded a full collection takes a quarter of a second, in which no thread can run.
    `tidy` makes up for it when a job ends.
    """
    usual, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.set_threshold(*thresholds[:2], NEVER)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        sys.setswitchinterval(usual)


@contextmanager
def tidy() -> Iterator[None]:
    """Around a job that makes much: free what nobody uses any more (a model that was left) before and after, and set
    aside what is left, so that the next collection need not look through it.
    """
    gc.unfreeze()
    gc.collect()
    try:
        yield
    finally:
        gc.collect()
        gc.freeze()


def on_termination(leave: Callable[[int], None]) -> None:
    """Call `leave(exit code)` in the running event loop when the process is asked to end.

    Does nothing where the loop takes no signal handlers (Windows, a loop outside the main thread).
    """
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        with suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, leave, 128 + number)


@contextmanager
def guarded_screen() -> Iterator[None]:
    """Keep what native code writes to standard error off the screen, and pass it on when the program has ended.

    Textual draws through `sys.__stderr__`; that gets a descriptor of its own, while descriptor 2 leads to a file.
    """
    usual = sys.__stderr__
    if usual is None or not usual.isatty():
        yield
        return
    usual.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as written, open(os.dup(terminal), "w", encoding=usual.encoding) as screen:
        os.dup2(written.fileno(), 2)
        sys.__stderr__ = screen  # type: ignore[misc]
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
            sys.__stderr__ = usual  # type: ignore[misc]
            written.seek(0)
            with suppress(OSError, ValueError):
                shutil.copyfileobj(written, usual.buffer)
                usual.flush()


def end_with(jobs: Sequence[Job[object]], code: int) -> None:
    """Return when every job's thread has ended; end the process with `code` where one goes on after a moment.

    A thread that is still inside torch when the interpreter is torn down would abort the process.
    """
    until = time.monotonic() + PATIENCE
    while any(job.alive for job in jobs):
        if time.monotonic() > until:
            atexit._run_exitfuncs()
            os._exit(code)
        time.sleep(0.01)
