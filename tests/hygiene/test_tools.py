"""ruff and mypy have nothing to say."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.hygiene.tree import ROOT

FOLDERS = ("inspector", "plugins", "tests", "examples")


@pytest.mark.parametrize(
    "command",
    [("ruff", "check", "--no-cache", *FOLDERS), ("ruff", "format", "--no-cache", "--check", *FOLDERS), ("mypy",)],
    ids=lambda command: " ".join(command[:2]),
)
def test_the_tools_are_content(command: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
