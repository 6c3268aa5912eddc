"""One thread that does one small thing after another.

A thread for each key press would do as well, were it not for a machine that is busy: there the screen would wait for
every one of them to be let in.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar, cast

from textual.app import App

from inspector.tui.jobs import Job

if TYPE_CHECKING:
    from inspector.tui.app import InspectorApp

T = TypeVar("T")
Task = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class Bench:
    """Its thread is a job of the program, which lets it end before torch is torn down."""

    def __init__(self) -> None:
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._job: Job[None] | None = None

    def open(self, app: App[Any]) -> None:
        """Have a thread; it stays until `close`."""
        if self._job is None:
            self._job = cast("InspectorApp", app).job("Looking at attention", self._serve)

    def close(self) -> None:
        self._tasks.put(None)

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns, done in the thread behind what was asked before. Raises what it raises."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._tasks.put((work, done))
        return await done

    def _serve(self, job: Job[None]) -> None:
        _alone()
        while (task := self._tasks.get()) is not None and not job.cancelled.is_set():
            work, done = task
            try:
                result, error = work(), None
            except Exception as raised:  # it belongs to whoever awaits it
                result, error = None, raised
            with suppress(RuntimeError):  # the program has ended meanwhile
                done.get_loop().call_soon_threadsafe(_settle, done, result, error)


def _alone() -> None:
    """Have torch work in this thread alone: for what is asked here, sharing it out costs more than it saves.

    torch keeps the number for each thread, but a thread begins with the last one that was set anywhere: another sets
    it back.
    """
    import torch

    usual = torch.get_num_threads()
    torch.set_num_threads(1)
    other = threading.Thread(target=torch.set_num_threads, args=(usual,))
    other.start()
    other.join()


def _settle(done: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if done.cancelled():
        return
    if error is not None:
        done.set_exception(error)
    else:
        done.set_result(result)
