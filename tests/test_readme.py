"""What README says to type works as it stands there."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from subprocess import run

import pytest
import torch

import inspector
from tests.e2e.terminal import Terminal
from tests.fakes import tiny

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(heading: str, number: int = 0) -> str:
    """The indented lines under a heading, without their indent; `number` counts the blocks there."""
    text = README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"(?:^    .*\n(?:\n(?=    ))?)+", text, flags=re.MULTILINE)
    return "\n".join(line[4:] for line in blocks[number].split("\n"))


COMMANDS = block("On the command line").split("\n")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory like a checkout, in which the commands can leave a trace."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "examples").symlink_to(ROOT / "examples")
    return folder


@pytest.mark.slow
def test_the_commands_run_one_after_the_other(place: Path) -> None:
    for command in filter(None, COMMANDS):
        words = shlex.split(command)
        assert words[0] == "inspector"
        if words[1] == "open":
            continue
        done = run([sys.executable, "-m", *words], cwd=place, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        assert done.stdout.strip(), command


@pytest.mark.slow
def test_the_commands_that_open_the_screen_do(place: Path) -> None:
    run_it = shlex.split(block("Run it").rpartition("&& ")[2])
    opening = [run_it, *(shlex.split(command) for command in COMMANDS if command.startswith("inspector open"))]
    for words in opening:
        assert Path(words[0]).name == "inspector"
        paths = [str(ROOT / word) if word.startswith("examples/") else word for word in words[1:]]
        target = [str(place / word) if word == "coffee.trace" else word for word in paths]
        with Terminal("-m", "inspector", *target, home=place, size=(120, 36)) as terminal:
            terminal.wait_for("call 0 ·")
            terminal.send("q")
            assert terminal.wait_for_end() == 0


@pytest.mark.slow
def test_the_five_lines_of_python_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    exec(block("In Python"), {})
    assert "model.language_model.layers.0.self_attn.q_proj" in capsys.readouterr().out


def test_a_model_that_one_has_is_captured() -> None:
    names = {"inspector": inspector, "model": tiny("qwen2"), "inputs": {"input_ids": torch.arange(4)[None]}}
    exec(block("In Python", 1), names)


def test_the_plugin_is_one() -> None:
    names: dict[str, object] = {}
    exec(block("Plugins"), names)
    (view,) = names["inspector_views"]()  # type: ignore[operator]
    with inspector.capture(tiny("qwen2")) as trace, torch.no_grad():
        names["model"] = tiny("qwen2")(torch.arange(4)[None])
    assert view.name == "norms"
    assert view(trace)
