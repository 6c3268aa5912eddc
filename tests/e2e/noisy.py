"""The program, while native code writes to standard error, and one that raises: run by `test_program` in a terminal."""

from __future__ import annotations

import os
from pathlib import Path

from inspector.tui.app import InspectorApp
from inspector.tui.messages import Painted


class Noisy(InspectorApp):
    def on_painted(self, event: Painted) -> None:
        event.prevent_default()
        os.write(2, b"native noise\n")
        Path("written").touch()


class Broken(InspectorApp):
    def on_painted(self, event: Painted) -> None:
        raise ZeroDivisionError("[red]by zero")


class BrokenWorker(InspectorApp):
    def on_painted(self, event: Painted) -> None:
        self.run_worker(self._divide())

    async def _divide(self) -> None:
        raise ZeroDivisionError("[red]by zero")


KINDS: dict[str, type[InspectorApp]] = {"noisy": Noisy, "broken": Broken, "broken worker": BrokenWorker}


def main(kind: str = "noisy") -> int:
    app = KINDS[kind]()
    app.run()
    return app.return_code or 0
