"""The program in a pseudo-terminal, with a stopwatch."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import pexpect

from tests.e2e.terminal import PATIENCE, Terminal
from tests.hygiene.tree import ROOT


class Stopwatch(Terminal):
    """Times what a user waits for. `arguments` are those of `python`; settings and history lie below `home`."""

    def __init__(self, *arguments: str, home: Path) -> None:
        super().__init__(*arguments, home=home, size=(120, 40), PYTHONPATH=str(ROOT), HF_HUB_OFFLINE="1")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill(signal.SIGKILL)  # a model that runs would not hear of anything milder for a while
        self.process.wait()
        super().__exit__(kind, error, trace)

    @property
    def pid(self) -> int:
        return int(self.process.pid)

    def until(self, text: str) -> float:
        """Wait until `text` stands on the screen. Returns the seconds since the program was started."""
        self.wait_for(text)
        return time.perf_counter() - self.started

    def press(self, keys: str) -> float:
        """Press a key. Returns the seconds until the program writes something to the screen."""
        seen, start = len(self.raw), time.perf_counter()
        self.send(keys)
        while len(self.raw) == seen:
            if time.perf_counter() - start > PATIENCE or not self.read():
                raise TimeoutError(f"nothing was painted after {keys!r}:\n{self.text}")
        return time.perf_counter() - start

    def answer(self, keys: str, words: str) -> float:
        """Press a key. Returns the seconds until `words` are written; the emulator reads them afterwards."""
        written, start = b"", time.perf_counter()
        self.send(keys)
        while words.encode() not in written:
            if time.perf_counter() - start > PATIENCE:
                raise TimeoutError(f"{words!r} was not painted after {keys!r}:\n{self.text}")
            with suppress(pexpect.TIMEOUT):
                written += self.process.read_nonblocking(65536, timeout=0.01)
        seconds = time.perf_counter() - start
        self.raw += written
        self._stream.feed(written)
        return seconds

    def settle(self, seconds: float = 0.05) -> None:
        """Read on until the program has been silent for so long."""
        seen, last = len(self.raw), time.perf_counter()
        while time.perf_counter() - last < seconds and self.read():
            if len(self.raw) != seen:
                seen, last = len(self.raw), time.perf_counter()
