"""Every example runs: the scripts as they stand, the plugin installed as a third party would install it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import inspector
from inspector import InputError, Plugins
from tests.fakes import save_tiny
from tests.hygiene.tree import ROOT
from tests.traces import small_trace, steps_trace

EXAMPLES = ROOT / "examples"
PLUGIN = EXAMPLES / "inspector-norms"

SAYS = {
    "first_nan": "the first is model.layers.1.mlp.up_proj",
    "first_trace": "model.language_model.layers.0.self_attn.k_proj -> bf16[1,321,512]",
    "step_by_step": "they part at step 2",
    "image_positions": "the picture is 14 rows of 21 tokens, all at the time 15",
}


LONGER = {"train_demo"}
"""Tested elsewhere (`tests/demo`)."""


def test_every_script_is_named() -> None:
    assert {file.stem for file in EXAMPLES.glob("*.py")} == {*SAYS, *LONGER}


@pytest.mark.parametrize("name", SAYS)
def test_a_script_runs(name: str) -> None:
    command = [sys.executable, EXAMPLES / f"{name}.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert SAYS[name] in done.stdout


@pytest.fixture
def norms(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(PLUGIN)
    return import_module("inspector_norms")


def test_the_plugins_view_measures_the_residual_stream(norms: ModuleType, tmp_path: Path) -> None:
    view = Plugins(norms).views["norms"]
    session = inspector.load(save_tiny("qwen2", tmp_path))
    kept, measured = session.trace("Hi", values=view.values), session.trace("Hi", stats=True)
    assert {kept.calls[int(key.split("/")[0])].role for key in kept.values if kept.values[key].is_floating_point()} == {
        "decoder_layer"
    }
    curve, table = view(kept)
    expected = [kept.value(kept.call(f"model.layers.{layer}")).pow(2).mean().sqrt().item() for layer in (0, 1)]
    assert curve.series["rms"] == pytest.approx(expected)  # type: ignore[union-attr]
    assert [row[0] for row in table.rows] == ["model.layers.0", "model.layers.1"]  # type: ignore[union-attr]
    assert view(measured)[0].series["rms"] == pytest.approx(expected)  # type: ignore[union-attr]


def test_the_plugins_view_says_what_it_lacks(norms: ModuleType) -> None:
    view = Plugins(norms).views["norms"]
    with pytest.raises(InputError, match="no decoder layer ran in this step"):
        view(steps_trace(2), step="5")
    with pytest.raises(InputError, match=r"its values were not kept\. Trace a model with weights"):
        view(small_trace(values=False))
    with pytest.raises(InputError, match="--step is the number of a forward"):
        view(small_trace(), step="last")


SCREEN = """
import asyncio, sys
from inspector import Trace
from tests.tui.apps import Quiet, opened, settled

async def main():
    app = Quiet()
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, Trace.open(sys.argv[1]))
        await pilot.press("9")
        await settled(pilot)
        (pane,) = app.screen.query("NormsPane")
        assert pane.is_on_screen
        print(*(line.render().plain for line in pane.query("Static")), sep="\\n")

asyncio.run(main())
"""


@pytest.mark.slow
def test_the_plugin_installs_and_works_on_the_command_line_and_on_the_screen(tmp_path: Path) -> None:
    source = shutil.copytree(PLUGIN, tmp_path / "source")
    checkpoint, trace, site = save_tiny("qwen2", tmp_path / "checkpoint"), tmp_path / "trace", tmp_path / "site"
    environment = {**os.environ, "PYTHONPATH": str(site), "INSPECTOR_CONFIG_DIR": str(tmp_path / "config")}

    def run(*command: object) -> str:
        words = [sys.executable, *map(str, command)]
        done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("-m", "pip", "install", "-q", "--no-deps", "--no-index", "--no-build-isolation", "--target", site, source)
    (plugin, *_) = json.loads(run("-m", "inspector", "plugins", "--format", "json"))["plugins"]
    assert (plugin["name"], plugin["distribution"]) == ("norms", "inspector-norms")
    assert set(plugin["hooks"]) == {"inspector_screens", "inspector_views"}

    asked = run("-m", "inspector", "view", "norms", checkpoint, "--prompt", "Hi", "--format", "json")
    assert [part["kind"] for part in json.loads(asked)["parts"]] == ["curve", "table"]
    run("-m", "inspector", "trace", checkpoint, "--prompt", "Hi", "--stats", "-o", trace)
    table = run("-m", "inspector", "view", "norms", trace, "--step", "0", "--format", "csv", "--part", "Norms")
    assert [line.split(",")[0] for line in table.splitlines()] == ["layer", "model.layers.0", "model.layers.1"]
    lines = run("-c", SCREEN, trace).splitlines()
    assert [line.split()[0] for line in lines] == ["model.layers.0", "model.layers.1"]
    assert all("█" in line for line in lines)
