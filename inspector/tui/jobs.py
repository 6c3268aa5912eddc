"""Long work in threads: loading a model, running a forward, reading a trace.

Textual's thread workers are not used: a program that quits waits for them, and loading a large model cannot always be
interrupted. A job's thread is a daemon, its result is awaited, and a cancelled job ends for the screen at once.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Generic, TypeVar

from textual._context import NoActiveAppError
from textual.message import Message
from textual.message_pump import MessagePump

from inspector.errors import Cancelled
from inspector.tui.messages import Advanced, Ended, Progress

T = TypeVar("T")

PAUSE = 0.05
"""Seconds between two reports to the screen: a forward makes thousands of calls, an eye sees twenty pictures."""


class Job(Generic[T]):
    """Work that runs in a thread of its own, told to one screen at a time.

    `work` is called with the job; it reports through `report` and `count`, and hands `cancelled` to
    what can be stopped by it.
    """

    def __init__(self, name: str, work: Callable[[Job[T]], T]) -> None:
        self.name = name
        self.progress = Progress()
        self.cancelled = threading.Event()
        self._work = work
        self._outcome: Future[T] = Future()
        self._settling = threading.Lock()
        self._screen: MessagePump | None = None
        self._told = 0.0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> Job[T]:
        self._thread.start()
        return self

    @property
    def alive(self) -> bool:
        """Whether the thread still runs, which a cancelled one may for a while."""
        return self._thread.is_alive()

    @property
    def done(self) -> bool:
        return self._outcome.done()

    @property
    def failed(self) -> bool:
        """Whether the job is over and has an error in place of a result."""
        return self.done and self._outcome.exception() is not None

    def watch(self, screen: MessagePump | None) -> None:
        """Send `Advanced` and `Ended` to `screen` from now on, and where the job stands at once."""
        self._screen = screen
        self._tell(Advanced(self.progress))
        if self.done:
            self._tell(Ended())

    def cancel(self) -> None:
        """End the job as `Cancelled`. Its thread stops when it next reports, or when what it runs sees `cancelled`."""
        self.cancelled.set()
        self._settle(lambda: self._outcome.set_exception(Cancelled("Stopped.")))

    async def result(self) -> T:
        """What `work` returned. Raises what it raised, `Cancelled` when the job was cancelled."""
        outcome = asyncio.wrap_future(self._outcome)
        outcome.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may await it any more
        return await asyncio.shield(outcome)

    def report(self, stage: str, fraction: float | None = None) -> None:
        """Say where the work stands. Called in the job's thread; raises `Cancelled` there to stop it."""
        if self.cancelled.is_set():
            raise Cancelled("Stopped.")
        self._advance(Progress(stage, fraction, self.progress.calls), at_once=stage != self.progress.stage)

    def count(self, calls: int) -> None:
        """Say how many module calls a forward has made. Called in the job's thread, from a hook: never raises."""
        self._advance(Progress(self.progress.stage, self.progress.fraction, calls), at_once=False)

    def _advance(self, progress: Progress, *, at_once: bool) -> None:
        self.progress = progress
        now = time.monotonic()
        if at_once or now - self._told >= PAUSE:
            self._told = now
            self._tell(Advanced(progress))

    def _run(self) -> None:
        try:
            result = self._work(self)
        except BaseException as error:  # whatever ended the thread belongs to whoever awaits the result
            failure = error
            self._settle(lambda: self._outcome.set_exception(failure))
        else:
            self._settle(lambda: self._outcome.set_result(result))

    def _settle(self, settle: Callable[[], None]) -> None:
        with self._settling:
            if self._outcome.done():
                return
            settle()
        self._tell(Ended())

    def _tell(self, message: Message) -> None:
        screen = self._screen
        if screen is not None and screen.is_running:
            with suppress(NoActiveAppError, RuntimeError):  # the screen, or the whole program, closed meanwhile
                screen.post_message(message)
