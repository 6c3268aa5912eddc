"""What must not wait for what, at the terminal: the first paint for torch, a key press for a model or a long trace.

How long each takes is measured by `tests/benchmarks`, on a machine that does nothing else.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.e2e.terminal import Terminal
from tests.traces import big_trace

PRESSES = 10

WITHOUT_TORCH = """
import sys
from inspector.tui.app import InspectorApp
from inspector.tui.messages import Painted
class App(InspectorApp):
    def on_painted(self, event: Painted) -> None:
        event.prevent_default()
        heavy = [name for name in ("torch", "transformers", "numpy", "PIL", "safetensors") if name in sys.modules]
        self.exit(message=f"heavy: {heavy}")
App(*sys.argv[1:]).run(headless=True)
"""


def test_the_first_paint_comes_before_torch() -> None:
    for arguments in ([], ["preset:Qwen2.5-VL-7B"]):
        command = [sys.executable, "-c", WITHOUT_TORCH, *arguments]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        assert "heavy: []" in ended.stdout + ended.stderr


def test_key_presses_are_painted_while_a_model_runs(tmp_path: Path) -> None:
    with Terminal(Path(__file__).with_name("busy.py"), home=tmp_path, size=(120, 40)) as terminal:
        terminal.wait_for("call 0 ·")
        terminal.wait_until((tmp_path / "running").exists, "the model")
        for number in range(1, PRESSES):
            press(terminal, f"call {number} ·")
        terminal.send("q")
        assert terminal.wait_for_end() == 0


def test_a_trace_of_100_000_calls_opens_and_scrolls(tmp_path: Path) -> None:
    big_trace(100_000).save(tmp_path / "big.trace")
    with Terminal("-m", "inspector", "open", "big.trace", home=tmp_path, size=(120, 40)) as terminal:
        terminal.wait_for("call 0 ·")
        for number in range(1, 10):
            press(terminal, f"call {number} ·")
        terminal.wait_for("100,000")
        terminal.send("G")
        terminal.wait_for("call 99999 ·")
        terminal.send("g")
        terminal.wait_for("call 0 ·")
        for number in range(1, PRESSES):
            press(terminal, f"call {number} ·")


def press(terminal: Terminal, then: str) -> None:
    terminal.send("j")
    terminal.wait_for(then)
