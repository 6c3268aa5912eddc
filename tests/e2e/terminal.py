"""A terminal that a test looks at: the real program in a pseudo-terminal, its output fed to an emulator."""

from __future__ import annotations

import os
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import pexpect
import pyte

PATIENCE = 90.0
"""Seconds after which what was waited for will not come any more."""

RESTORED = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?2004l")
"""Leaves the alternate screen, shows the cursor, ends mouse reports and bracketed paste."""


OPEN = ("-m", "inspector", "open")


def question(tiny: Path) -> tuple[str | Path, ...]:
    """The program on a tiny model, which is asked about a picture."""
    return (*OPEN, tiny, "--image", tiny / "picture.png", "--prompt", "What is it?")


class Terminal:
    """`arguments` are those of `python`; files of the program's own go below `home`."""

    def __init__(
        self, *arguments: str | Path, home: Path, size: tuple[int, int] = (80, 24), **environment: str
    ) -> None:
        width, height = size
        self.screen = pyte.Screen(width, height)
        self.raw = b""
        self._stream = pyte.ByteStream(self.screen)
        given = {
            **os.environ,
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "INSPECTOR_CONFIG_DIR": str(home / "config"),
            "INSPECTOR_STATE_DIR": str(home / "state"),
            **environment,
        }
        for name in {"NO_COLOR", "COLUMNS", "LINES"} - environment.keys():  # the tester's own, which would decide
            given.pop(name, None)
        command = [str(argument) for argument in arguments]
        self.started = time.perf_counter()
        self.process = pexpect.spawn(sys.executable, command, env=given, dimensions=(height, width), cwd=str(home))
        self.process.delaybeforesend = None
        self.modes = termios.tcgetattr(self.process.child_fd)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            print(self.text)
        self.process.close(force=True)

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    def send(self, keys: str) -> None:
        self.process.send(keys)

    def wait_for(self, *texts: str, gone: bool = False) -> None:
        """Wait until every text is on the screen, or none of them with `gone`."""
        self.wait_until(lambda: all((text in self.text) != gone for text in texts), f"{texts} {'gone' if gone else ''}")

    def wait_until(self, there: Callable[[], bool], what: str = "it") -> None:
        until = time.perf_counter() + PATIENCE
        while not there():
            assert time.perf_counter() < until, f"{what} was waited for in vain:\n{self.text}"
            assert self.read(), f"The program ended while {what} was waited for:\n{self.text}"

    def read(self) -> bool:
        """Take in what has been written, within a moment. False when the program has closed the terminal."""
        try:
            data = self.process.read_nonblocking(65536, timeout=0.02)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += data
        self._stream.feed(data)
        return True

    def save(self, name: str) -> None:
        """Save the trace of the tiny model under a name in place of the one that is suggested."""
        self.send("S")
        self.wait_for("Save the trace", "tiny-vl.trace")
        self.send("\x15")
        self.wait_for("tiny-vl.trace", gone=True)
        self.send(f"{name}\r")
        self.wait_for("Saved")

    def wait_for_end(self) -> int:
        """The exit code of the program, minus the signal that killed it."""
        until = time.perf_counter() + PATIENCE
        while self.read():
            assert time.perf_counter() < until, f"The program does not end:\n{self.text}"
        self.process.close()
        status: Any = self.process.exitstatus
        return -self.process.signalstatus if status is None else int(status)

    def is_whole(self) -> bool:
        """Whether the terminal was given back as it was found. To be asked before the program is waited for."""
        return all(sequence in self.raw for sequence in RESTORED)
