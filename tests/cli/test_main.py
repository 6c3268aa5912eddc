from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from inspector.cli.narration import Narration
from tests.cli.conftest import Run, spawn
from tests.traces import big_trace

LIGHT = """
import sys
from inspector.__main__ import main
code = main(sys.argv[1:])
heavy = [name for name in ("torch", "transformers", "textual", "PIL", "numpy") if name in sys.modules]
assert not heavy, heavy
sys.exit(code)
"""


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["models"], ["plugins"], ["view"], ["trace", "--help"]])
def test_what_needs_no_model_imports_nothing_heavy(args: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LIGHT, *args], capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout


def test_a_saved_trace_is_listed_without_torch(saved: Path) -> None:
    command = [sys.executable, "-c", LIGHT, "view", "calls", str(saved)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 0, ended.stderr


def test_version_and_help(run: Run) -> None:
    assert run("--version").out.startswith("inspector ")
    assert all(name in run("--help").out for name in ("open", "trace", "view", "models", "plugins"))


def test_an_unknown_command(run: Run) -> None:
    ended = run("trase")
    assert ended.code == 2
    assert "There is no command 'trase'. Did you mean trace?" in ended.err


@pytest.mark.parametrize("args", [[], ["open", "preset:Qwen2.5-VL-7B"]])
def test_the_screen_needs_a_terminal(run: Run, args: list[str]) -> None:
    ended = run(*args)
    assert ended.code == 2
    assert "needs a terminal" in ended.err
    assert ended.out == ""


def test_the_reader_has_gone(tmp_path: Path) -> None:
    big_trace(5000).save(tmp_path / "big")
    command = [sys.executable, "-m", "inspector", "view", "calls", str(tmp_path / "big")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) == 141
        assert process.stderr.read() == b""


def test_ctrl_c(tmp_path: Path, checkpoints: Path) -> None:
    pipe = tmp_path / "messages.json"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "inspector", "trace", str(checkpoints / "qwen2"), "--messages", str(pipe)]
    # What runs in the background, as tests may, hands down that ctrl-c is ignored.
    heed = partial(signal.signal, signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=heed) as process:  # noqa: PLW1509
        with pipe.open("w"):  # returns when the program has begun to read
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
        assert process.stderr is not None
        assert process.stderr.read().strip() == b""


def test_an_unexpected_error_is_one_line_and_a_file(
    run: Run, saved: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> None:
        raise ZeroDivisionError("what was not foreseen")

    monkeypatch.setattr("inspector.cli.view.put_view", broken)
    ended = run("view", "calls", saved)
    assert ended.code == 70
    assert "unexpected ZeroDivisionError: what was not foreseen" in ended.err
    assert "Traceback" not in ended.err
    (file,) = (state / "errors").iterdir()
    assert str(file) in ended.err
    assert "Traceback" in file.read_text()
    assert "Traceback" in run("--debug", "view", "calls", saved).err


def test_stdout_of_another_encoding(saved: Path) -> None:
    ended = spawn("view", "tokens", saved, PYTHONIOENCODING="ascii")
    assert ended.returncode == 0
    assert "\\u4f60" in ended.stdout


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_painted_for_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, painted in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        narration = Narration()
        narration.stage("loading weights", 0.5)
        narration.stage("reading")
        narration.notices(["[bold] stand-in\x1b", "[bold] stand-in\x1b"])
        assert ("loading weights" in stream.getvalue() or "reading" in stream.getvalue()) == painted
        assert stream.getvalue().endswith("note: [bold] stand-in␛\n")
        assert stream.getvalue().count("note:") == 1
