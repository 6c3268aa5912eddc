"""Tab 5 of the real program in a pseudo-terminal: step, run, look back, force, what-if, go in and out, save, quit."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from inspector.trace import Trace
from tests.e2e.terminal import Terminal, question

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


def test_step_run_back_force_what_if_forward_save_quit(tiny: Path, tmp_path: Path) -> None:
    with Terminal(*question(tiny), home=tmp_path, size=(140, 40)) as terminal:
        terminal.wait_for("1 Forward", "call 0 ·")
        terminal.send("5")
        terminal.wait_for("Nothing is generated yet", "make a step")
        terminal.send("n")
        terminal.wait_for("step 0 of 1", "Processors", "Chances", "Branches")
        terminal.send("c")
        terminal.wait_for("step 19 of 20", "ended: max_length")
        terminal.send("bb")
        terminal.wait_for("step 17 of 20")
        terminal.send("t")
        terminal.wait_for("Force a token")
        terminal.send("QR\r")
        terminal.wait_for("is not one token for this model but 2")
        terminal.send("\x7f\r")
        terminal.wait_for("branch 1 · step 17 of 18", "forced")
        terminal.send("w")
        terminal.wait_for("What if …", "temperature")
        terminal.send("0.5\r")
        terminal.wait_for("what if temperature = 0.5", "what-if")
        terminal.send("\x1b")
        terminal.wait_for("what if temperature", gone=True)
        terminal.send("F")
        terminal.wait_for("The forward of step 17", "lm_head")
        terminal.send("5")
        terminal.wait_for("branch 1 · step 17 of 18")
        terminal.save("one.trace")
        terminal.send("q")
        assert terminal.wait_for_end() == 0
        assert terminal.is_whole()
    record = Trace.open(tmp_path / "one.trace").generation
    assert record is not None
    assert [len(record.steps(name)) for name in ("main", "branch 1")] == [20, 18]


@pytest.mark.parametrize("leave", ["q", "kill"])
def test_leaving_while_it_runs_leaves_the_terminal_whole(tiny: Path, tmp_path: Path, leave: str) -> None:
    endless = shutil.copytree(tiny, tmp_path / "endless")
    (endless / "generation_config.json").write_text(json.dumps({"max_new_tokens": 10**6, "eos_token_id": None}))
    with Terminal(*question(endless), home=tmp_path, size=(140, 40)) as terminal:
        terminal.wait_for("call 0 ·")
        terminal.send("5")
        terminal.wait_for("Nothing is generated yet")
        terminal.send("c")
        terminal.wait_for("running", "p pause", "Branches")
        terminal.send("q") if leave == "q" else os.kill(terminal.process.pid, signal.SIGTERM)
        assert terminal.wait_for_end() == (0 if leave == "q" else 143)
        assert terminal.is_whole()
