"""A program in a pseudo-terminal, seen and typed at from outside."""

from __future__ import annotations

import os
import select
import tempfile
import time
from collections.abc import Sequence
from types import TracebackType

import pexpect
import pyte

PATIENCE = 60.0
"""Seconds to wait for what does not come."""


class Terminal:
    """Runs `command` on a screen of its own, with settings and history of its own. Ends it on leaving."""

    def __init__(self, command: Sequence[str], *, columns: int = 120, rows: int = 40) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._size = (rows, columns)
        self._command = list(command)
        self._folder = tempfile.TemporaryDirectory()

    def __enter__(self) -> Terminal:
        own = dict.fromkeys(("INSPECTOR_CONFIG_DIR", "INSPECTOR_STATE_DIR"), self._folder.name)
        environment = {**os.environ, **own, "TERM": "xterm-256color", "COLORTERM": "truecolor", "HF_HUB_OFFLINE": "1"}
        environment.pop("NO_COLOR", None)
        self.started = time.perf_counter()
        self._process = pexpect.spawn(
            self._command[0], self._command[1:], dimensions=self._size, env=environment, timeout=PATIENCE
        )
        self._process.delaybeforesend = None  # pexpect would wait before every key
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.close(force=True)
        self._folder.cleanup()

    @property
    def pid(self) -> int:
        return int(self._process.pid)

    def until(self, text: str) -> float:
        """Wait until `text` stands on the screen. Returns the seconds since the program was started."""
        end = time.perf_counter() + PATIENCE
        while time.perf_counter() < end:
            if any(text in line for line in self.screen.display):
                return time.perf_counter() - self.started
            self._read(1.0)
        raise TimeoutError(f"{text!r} did not appear; there is\n" + "\n".join(self.screen.display))

    def press(self, key: str) -> float:
        """Press a key. Returns the seconds until the program writes something to the screen."""
        start = time.perf_counter()
        self._process.send(key)
        if not self._read(PATIENCE):
            raise TimeoutError(f"nothing was painted after {key!r}")
        return time.perf_counter() - start

    def settle(self, seconds: float = 0.05) -> None:
        """Read on until the program has been silent for so long."""
        while self._read(seconds):
            pass

    def _read(self, seconds: float) -> bool:
        """Take in what the program writes within so many seconds; False when it writes nothing."""
        descriptor = self._process.child_fd
        if not select.select([descriptor], [], [], seconds)[0]:
            return False
        self._stream.feed(os.read(descriptor, 65536))
        return True
