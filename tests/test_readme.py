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


SCREENS = {"open": "call 0 ·", "tour": "1 of "}
"""Commands that open the screen, and what stands there once they have."""


def block(heading: str, number: int = 0) -> str:
    """The indented lines under a heading, without their indent; `number` counts the blocks there."""
    text = README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"(?:^    .*\n(?:\n(?=    ))?)+", text, flags=re.MULTILINE)
    return "\n".join(line[4:] for line in blocks[number].split("\n"))


def type_in(command: str, place: Path) -> None:
    """Run a command as if typed in `place`; one that opens the screen is looked at and left."""
    words = shlex.split(command)
    assert Path(words[0]).name == "inspector"
    if words[1] in SCREENS:
        with Terminal("-m", "inspector", *words[1:], home=place, size=(120, 36)) as terminal:
            terminal.wait_for(SCREENS[words[1]])
            terminal.send("q")
            assert terminal.wait_for_end() == 0
        return
    done = run([sys.executable, "-m", "inspector", *words[1:]], cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    assert done.stdout.strip(), command


@pytest.mark.slow
def test_the_commands_run_one_after_the_other(tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for command in [block("Run it").rpartition("&& ")[2], *block("On the command line").split("\n")]:
        if command:
            type_in(command, tmp_path)


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
