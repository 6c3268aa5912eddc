"""A loop that is somebody else's becomes one that the caller pulls: it runs in a thread of its own, which stands still
whenever it has handed something over. Nothing runs ahead of the caller, and ending it unwinds the loop.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Stop(BaseException):
    """Raised inside the loop to end it. No `Exception`, so that no `except` clause of the loop takes it for one."""


class Channel(Generic[T]):
    """What the two threads share. `hand_over` and `check` are for the thread of the loop."""

    def __init__(self) -> None:
        self.item: T | None = None
        self.error: BaseException | None = None
        self.ended = False
        self.stopping = False
        self.go = threading.Semaphore(0)
        self.ready = threading.Semaphore(0)

    def hand_over(self, item: T) -> None:
        """Give an item to whoever pulls, and stand still until the next pull."""
        self.item = item
        self.ready.release()
        self.go.acquire()
        self.check()

    def check(self) -> None:
        """End the loop here if that was asked for."""
        if self.stopping:
            raise Stop


class Pulled(Generic[T]):
    """`work(channel)` starts with the first pull and goes on with each further one.

    `work` must hold no reference to whoever holds this object: when that is gone, the thread ends by itself.
    """

    def __init__(self, work: Callable[[Channel[T]], None], name: str) -> None:
        self._channel: Channel[T] = Channel()
        self._thread = threading.Thread(target=_run, args=(work, self._channel), name=name, daemon=True)
        self._running = False
        self._finalizer = weakref.finalize(self, _stop, self._channel)
        # At the exit the thread is left as it waits: one that unwinds then is killed inside torch, and aborts it all.
        self._finalizer.atexit = False

    @property
    def ended(self) -> bool:
        """Whether the loop has returned, raised or was closed: there is nothing more to pull."""
        return self._channel.ended

    def pull(self) -> T | None:
        """The next item; None when the loop has returned. Raises what the loop raised.

        A pull that `KeyboardInterrupt` broke off is taken up by the next one.
        """
        channel = self._channel
        if channel.ended:
            return None
        if not self._running:
            self._running = True
            self._resume()
        channel.ready.acquire()
        self._running = False
        if channel.error is not None:
            error, channel.error = channel.error, None
            raise error
        item, channel.item = channel.item, None
        return item

    def close(self) -> None:
        """End the loop and wait for its thread. May be called twice, also before the first pull."""
        self._finalizer.detach()
        _stop(self._channel)
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join()
        self._channel.ended = True

    def _resume(self) -> None:
        if self._thread.ident is None:
            self._thread.start()
        else:
            self._channel.go.release()


def _run(work: Callable[[Channel[T]], None], channel: Channel[T]) -> None:
    try:
        work(channel)
    except Stop:
        pass
    except BaseException as error:
        channel.error = error
    channel.ended = True
    del work
    channel.ready.release()


def _stop(channel: Channel[T]) -> None:
    channel.stopping = True
    channel.go.release()
