"""The program, while native code writes to standard error: run in a pseudo-terminal by `test_program`."""

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


def main() -> None:
    Noisy().run()
