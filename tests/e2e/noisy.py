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


def main(*, broken: bool = False) -> int:
    app = Broken() if broken else Noisy()
    app.run()
    return app.return_code or 0
