"""The real program in a pseudo-terminal: open, walk, filter, look at a tensor, save, quit; and every way to end it."""

from __future__ import annotations

import os
import signal
import sys
import termios
from pathlib import Path

import pytest

from inspector.trace import Trace
from tests.e2e.terminal import Terminal, question
from tests.traces import small_trace

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


def test_open_walk_filter_tensor_save_quit(tiny: Path, tmp_path: Path) -> None:
    with Terminal(*question(tiny), home=tmp_path, size=(120, 40)) as terminal:
        terminal.wait_for("1 Forward", "call 0 ·", "Qwen2_5_VLFor")
        terminal.send("jjj")
        terminal.wait_for("call 3 ·")
        terminal.send("/self_attn")
        terminal.wait_for("/ self_attn", "─ 10 of 65 ─", "Clear filter")
        terminal.send("\r")
        terminal.wait_for("Fold")
        terminal.send("G")
        terminal.wait_for("layers.1 › self_attn › o_proj", "input.input")
        terminal.send("\r")
        terminal.wait_for("Comes from", "mean", "std")
        terminal.send("2")
        terminal.wait_for("<|image_pad|>", "image", "a Place", "rope delta")
        terminal.send("a")
        terminal.wait_for("merged tokens")
        terminal.send("3")
        terminal.wait_for("layers 0–1", "causal", "may see key 0")
        terminal.send("8")
        terminal.wait_for("memory", "modules")
        terminal.send("1")
        terminal.wait_for("Calls")
        terminal.save("one.trace")
        terminal.send("q")
        assert terminal.wait_for_end() == 0
        assert terminal.is_whole()
    trace = Trace.open(tmp_path / "one.trace")
    assert trace.calls[0].class_name == "Qwen2_5_VLForConditionalGeneration"
    assert len(trace.values) > 20


def test_the_launcher_opens_what_is_typed(tmp_path: Path) -> None:
    small_trace().save(tmp_path / "small.trace")
    with Terminal("-m", "inspector", home=tmp_path) as terminal:
        terminal.wait_for("Inspector", "small.trace")
        terminal.send("small\r")
        terminal.wait_for("demo:tiny-vl", "call 0 ·")
        terminal.send("o")
        terminal.wait_for("Type to filter", "Recent")
        terminal.send("\x1b")
        assert terminal.wait_for_end() == 0
        assert terminal.is_whole()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_leaves_the_terminal_whole(tmp_path: Path, number: signal.Signals, code: int) -> None:
    with Terminal("-m", "inspector", home=tmp_path) as terminal:
        terminal.wait_for("Type to filter")
        assert termios.tcgetattr(terminal.process.child_fd) != terminal.modes
        os.kill(terminal.process.pid, number)
        terminal.wait_until(terminal.is_whole, "the terminal as it was")
        assert termios.tcgetattr(terminal.process.child_fd) == terminal.modes
        assert terminal.wait_for_end() == code


def test_kill_term_while_a_model_loads_leaves_the_terminal_whole(tiny: Path, tmp_path: Path) -> None:
    with Terminal(*question(tiny), home=tmp_path) as terminal:
        terminal.wait_for("importing torch")
        os.kill(terminal.process.pid, signal.SIGTERM)
        assert terminal.wait_for_end() == 143
        assert terminal.is_whole()


def test_kill_term_while_a_model_runs_leaves_the_terminal_whole(tmp_path: Path) -> None:
    with Terminal(Path(__file__).with_name("busy.py"), home=tmp_path) as terminal:
        terminal.wait_for("call 0 ·")
        terminal.wait_until((tmp_path / "running").exists, "the model")
        os.kill(terminal.process.pid, signal.SIGTERM)
        assert terminal.wait_for_end() == 143
        assert terminal.is_whole()


def test_what_native_code_writes_is_kept_off_the_screen_and_told_afterwards(tmp_path: Path) -> None:
    program = "import os; from tests.e2e import noisy; noisy.main()"
    with Terminal("-c", program, home=tmp_path, PYTHONPATH=str(Path(__file__).parents[2])) as terminal:
        terminal.wait_for("Type to filter")
        terminal.wait_until((tmp_path / "written").exists, "the noise")
        terminal.read()
        assert "native noise" not in terminal.text
        terminal.send("\x11")
        assert terminal.wait_for_end() == 0
        assert terminal.raw.rindex(b"native noise") > terminal.raw.rindex(b"\x1b[?1049l")


@pytest.mark.parametrize("kind", ["broken", "broken worker"])
def test_an_error_of_our_own_is_raised_under_a_whole_terminal(kind: str, tmp_path: Path) -> None:
    """Also that of a worker, with the lines that it comes from."""
    program = f"from tests.e2e import noisy; noisy.main({kind!r})"
    with Terminal("-c", program, home=tmp_path, PYTHONPATH=str(Path(__file__).parents[2])) as terminal:
        assert terminal.wait_for_end() == 1
        assert terminal.is_whole()
        told = terminal.raw[terminal.raw.rindex(b"\x1b[?1049l") :].decode()
    assert told.rstrip().endswith("ZeroDivisionError: [red]by zero")
    assert 'raise ZeroDivisionError("[red]by zero")' in told
    assert "locals" not in told


def test_no_color_is_honoured(tmp_path: Path) -> None:
    with Terminal("-m", "inspector", home=tmp_path, NO_COLOR="1") as terminal:
        terminal.wait_for("Type to filter", "Presets")
        colours = {
            (character.fg, character.bg) for line in terminal.screen.buffer.values() for character in line.values()
        }
        greys = {fg for fg, _ in colours} | {bg for _, bg in colours}
        assert all(colour == "default" or colour[0:2] == colour[2:4] == colour[4:6] for colour in greys)
        terminal.send("\x11")
        terminal.wait_for_end()
