"""What holds for every widget: bindings that can be found and remapped, and no torch before a value is read."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.widget import Widget

from inspector.tui import widgets

MODULES = [name for _, name, _ in pkgutil.walk_packages(widgets.__path__, f"{widgets.__name__}.")]

LOOK = """
import asyncio, sys
from tests.traces import big_trace, small_trace
from tests.tui.widgets.screens import shown
from inspector.tui.widgets.calls_list import CallsList
from inspector.tui.widgets.module_tree import ModuleTree
from inspector.tui.widgets.tensor_panel import TensorPanel
from inspector.tui.widgets.tokens_pane import TokensPane

async def look():
    for kind in (CallsList, ModuleTree, TensorPanel, TokensPane):
        async with shown(kind()) as pilot:
            widget = pilot.app.query_one(kind)
            widget.trace = small_trace(values=False)
            await pilot.pause(0.1)
            if kind is TensorPanel:
                widget.select(5)
            await pilot.press("j", "l", "enter", "G")
            await pilot.pause(0.2)

asyncio.run(look())
assert "torch" not in sys.modules, "torch was imported"
"""


def classes() -> Iterator[type[Widget]]:
    for name in MODULES:
        module = importlib.import_module(name)
        for found in vars(module).values():
            if isinstance(found, type) and issubclass(found, Widget) and found.__module__ == module.__name__:
                yield found


@pytest.mark.parametrize("kind", list(classes()), ids=lambda kind: kind.__name__)
def test_bindings_can_be_found_and_remapped(kind: type[Widget]) -> None:
    bindings = vars(kind).get("BINDINGS", [])
    for binding in bindings:
        assert isinstance(binding, Binding)
        assert binding.id
        assert "." in binding.id
        assert binding.tooltip
        assert binding.description
    ids = [binding.id for binding in bindings]
    keys = [key for binding in bindings for key in binding.key.split(",")]
    assert len(set(ids)) == len(ids)
    assert len(set(keys)) == len(keys)


def test_nothing_is_read_by_torch_before_a_value_is() -> None:
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", LOOK], capture_output=True, text=True, check=False, timeout=120, cwd=root
    )
    assert done.returncode == 0, done.stderr[-2000:]
