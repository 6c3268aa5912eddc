"""Sizes that stay comfortable. What is larger stands here by name, so that growing past them is a decision."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.hygiene.tree import ROOT, parsed, sources

FILE, FUNCTION, CLASS = 300, 50, 20
"""Most lines of a file, most lines of a function, most methods of a class."""

LARGER = {
    # The steps of a generation: beginning, changing and pulling them share one state.
    "inspector/generation/stepping.py: Stepping",
    # Widgets: half of their methods are one-line actions, properties and messages that Textual asks for by name.
    "inspector/tui/generate/tab.py: GenerateTab",
    "inspector/tui/generate/view.py: GenerationView",
    "inspector/tui/screens/forward.py: ForwardTab",
    "inspector/tui/widgets/flow.py: Flow",
    "inspector/tui/widgets/heatmap.py: HeatMap",
    "inspector/tui/widgets/tensor_panel.py: TensorPanel",
    "inspector/tui/widgets/virtual_list.py: VirtualList",
}

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def larger(file: Path) -> Iterator[str]:
    name = str(file.relative_to(ROOT))
    if len(file.read_text(encoding="utf-8").splitlines()) > FILE:
        yield name
    for node in ast.walk(parsed(file)):
        if isinstance(node, FUNCTIONS) and (node.end_lineno or 0) - node.lineno >= FUNCTION:
            yield f"{name}: {node.name}"
        if isinstance(node, ast.ClassDef) and sum(isinstance(part, FUNCTIONS) for part in node.body) > CLASS:
            yield f"{name}: {node.name}"


def test_nothing_is_larger_but_what_is_known_to_be() -> None:
    found = {item for file in sources("inspector", "plugins", "tests", "examples") for item in larger(file)}
    assert found == LARGER
