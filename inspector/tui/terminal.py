"""What the process does for its terminal: leave it whole when a signal ends it, and keep the keyboard quick."""

from __future__ import annotations

import asyncio
import atexit
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

PATIENCE = 1.0
"""Seconds that cancelled jobs have to end, once the program has left the screen."""


@contextmanager
def quick_keyboard() -> Iterator[None]:
    """Hand over between threads often, for as long as the program runs."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


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
