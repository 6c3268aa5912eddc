from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run, spawn

GOOD = '''
import click
from inspector import Column, Table, View, hookimpl

def count(trace, of="calls", twice=""):
    """Count something of a trace."""
    number = len(getattr(trace, of)) * (2 if twice else 1)
    return [Table("Count", (Column("number", "right"),), [(number,)])]

@hookimpl
def inspector_views():
    options = {"of": "What to count", "twice": "Count twice"}
    return [View("count", "Count things", count, options, frozenset({"twice"}))]

@hookimpl
def inspector_commands():
    return [click.Command("greet", callback=lambda: click.echo("hello"), help="Say hello")]
'''
CLASH = """
from inspector import View, hookimpl

@hookimpl
def inspector_views():
    return [View("clash", "Clash", lambda trace: [], {"prompt": "Mine"})]
"""
RAISING = """
from inspector import View, hookimpl

def show(trace):
    return [][1]

@hookimpl
def inspector_views():
    return [View("broken", "Raise", show)]

@hookimpl
def inspector_commands():
    raise RuntimeError("no commands today")
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A directory for PYTHONPATH in which third-party plugins are installed."""
    for name, code in {
        "good": GOOD,
        "clash": CLASH,
        "raising": RAISING,
        "missing": "import nowhere_to_be_found",
    }.items():
        (tmp_path / f"{name}_plugin.py").write_text(code)
        info = tmp_path / f"{name}_plugin-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-plugin\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[inspector]\n{name} = {name}_plugin\n")
    return tmp_path


def path(site: Path, *others: str) -> dict[str, str]:
    return {"PYTHONPATH": str(site), "INSPECTOR_DISABLE_PLUGINS": ",".join(others)}


def test_what_ships_is_listed_without_problems(run: Run) -> None:
    ended = run("plugins")
    assert ended.code == 0
    assert "qwen2_5_vl" in ended.out
    data = json.loads(run("plugins", "--format", "json").out)
    assert data["problems"] == []
    assert {"name", "distribution", "version", "hooks"} == set(data["plugins"][0])


def test_problems_are_listed_and_end_with_1(site: Path) -> None:
    ended = spawn("plugins", **path(site))
    assert ended.returncode == 1
    assert "nowhere_to_be_found" in ended.stdout
    assert "no commands today" in ended.stdout
    assert ["good", "good-plugin", "1.2", "inspector_commands,"] in [
        line.split()[:4] for line in ended.stdout.splitlines()
    ]
    assert "Traceback" not in ended.stdout + ended.stderr
    assert ended.stderr == ""
    assert "raising_plugin.py" in spawn("plugins", "--traceback", **path(site)).stdout


def test_a_view_of_a_plugin_has_its_own_options(site: Path, saved: Path) -> None:
    only = path(site, "missing", "raising", "clash")
    assert spawn("view", "count", saved, "--format", "csv", **only).stdout == "number\n20\n"
    ended = spawn("view", "count", saved, "--of", "modules", "--twice", "--format", "csv", **only)
    assert ended.stdout == "number\n44\n"
    assert "Count things. --of --twice" in spawn("view", **only).stdout


def test_a_command_of_a_plugin(site: Path) -> None:
    only = path(site, "missing", "raising", "clash")
    assert spawn("greet", **only).stdout == "hello\n"
    assert "greet" in spawn("--help", **only).stdout


def test_what_is_broken_does_not_break_the_rest(site: Path, saved: Path) -> None:
    ended = spawn("view", "count", saved, "--format", "csv", **path(site))
    assert (ended.returncode, ended.stdout) == (0, "number\n20\n")
    assert "nowhere_to_be_found" in ended.stderr
    assert spawn("greet", **path(site)).stdout == "hello\n"
    assert spawn("models", **path(site)).returncode == 0


def test_a_view_that_raises_is_named(site: Path, saved: Path) -> None:
    ended = spawn("view", "broken", saved, **path(site, "missing", "clash"))
    assert ended.returncode == 2
    assert "The view 'broken' of a plugin raised IndexError" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_option_that_every_view_has(site: Path, saved: Path) -> None:
    ended = spawn("view", "clash", saved, **path(site, "missing", "raising"))
    assert ended.returncode == 2
    assert "has an option --prompt, which every view has" in ended.stderr
