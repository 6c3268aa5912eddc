"""Who imports whom, in the sources and in fresh processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import inspector
from tests.hygiene.tree import ROOT, imports, sources

HEAVY = ("torch", "transformers", "textual", "numpy", "PIL")


def fresh(code: str) -> set[str]:
    """Which heavy packages a fresh process has imported after running some code."""
    watch = f"import sys, json; print(json.dumps([name for name in {HEAVY} if name in sys.modules]), file=sys.stderr)"
    command = [sys.executable, "-c", f"{code}\n{watch}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_a_module_imports_only_what_stands_below_it() -> None:
    """The contract stands in pyproject.toml."""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_the_screen_imports_textual() -> None:
    users = {
        file for file in sources("inspector", "plugins") for name, _ in imports(file) if name.startswith("textual")
    }
    screen = ROOT / "inspector" / "tui"
    assert [str(file.relative_to(ROOT)) for file in users if screen not in file.parents] == []


def test_only_the_recording_attaches_hooks() -> None:
    users = {file for file in sources("inspector", "plugins") if "register_forward_" in file.read_text("utf-8")}
    assert {str(file.parent.relative_to(ROOT)) for file in users} == {"inspector/recording"}


@pytest.mark.parametrize("file", sources("plugins", "examples"), ids=lambda file: str(file.relative_to(ROOT)))
def test_plugins_and_examples_import_public_names_alone(file: Path) -> None:
    for module, names in imports(file):
        if module.partition(".")[0] == "inspector":
            assert module == "inspector", f"{file.name} imports {module}, which is not public"
            assert set(names) <= set(inspector.__all__)


def test_every_public_name_can_be_had() -> None:
    assert sorted(inspector.__all__) == list(inspector.__all__)
    for name in inspector.__all__:
        assert getattr(inspector, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        inspector.absent  # noqa: B018


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("import inspector", set()),
        ("import inspector.trace, inspector.parts, inspector.hookspecs, inspector.plugins, inspector.errors", set()),
        ("from inspector.__main__ import main; assert main(['--help']) == 0", set()),
        ("from inspector.__main__ import main; assert main(['models']) == 0", set()),
        ("from inspector.__main__ import main; assert main(['plugins']) == 0", set()),
        ("from inspector.__main__ import main; assert main(['view', '--list']) == 0", set()),
        ("import inspector.tui.app", {"textual"}),
    ],
)
def test_a_fresh_process_imports_nothing_heavy(code: str, allowed: set[str]) -> None:
    assert fresh(code) <= allowed
