"""The wheel: it holds everything, and works where the source tree is not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.hygiene.tree import ROOT, files

PACKAGES = {"inspector": "inspector", "plugins": "inspector_plugins"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, because building leaves files behind."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip("wheel", "--no-build-isolation", "--wheel-dir", target, source)
    (built,) = target.glob("*.whl")
    return built


def pip(*arguments: object) -> None:
    command = [sys.executable, "-m", "pip", arguments[0], "-q", "--no-deps", "--no-index", *arguments[1:]]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_holds_every_file_of_both_packages(wheel: Path) -> None:
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    expected = set()
    for file in files():
        folder, *rest = file.relative_to(ROOT).parts
        if folder in PACKAGES and rest:
            expected.add("/".join((PACKAGES[folder], *rest)))
    assert held == expected


def test_it_works_where_it_is_installed(wheel: Path, tmp_path: Path) -> None:
    pip("install", "--target", tmp_path / "site", wheel)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}

    def run(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    places = run("-c", "import inspector, inspector_plugins as p; print(inspector.__file__, p.__file__)").split()
    assert [Path(place).parents[1] for place in places] == [tmp_path / "site"] * 2
    plugins = json.loads(run("-m", "inspector", "plugins", "--format", "json"))
    assert {"qwen2", "qwen2_5_vl"} <= {plugin["name"] for plugin in plugins["plugins"]}
    traced = run("-m", "inspector", "trace", "preset:Qwen2.5-0.5B", "--prompt", "Hi", "--format", "json")
    assert json.loads(traced)["model"]["family"] == "qwen2"
