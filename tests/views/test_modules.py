from __future__ import annotations

from collections.abc import Iterator

from inspector.parts import Node, Tree
from inspector.trace import Module, Trace
from inspector.views.modules import VIEW
from tests.traces import failing_trace, model_info, small_trace


def shown(trace: Trace, **options: str) -> Tree:
    (part,) = VIEW(trace, **options)
    assert isinstance(part, Tree)
    return part


def labels(nodes: tuple[Node, ...]) -> Iterator[str]:
    for node in nodes:
        yield node.label
        yield from labels(node.children)


def test_blocks_that_are_alike_are_one_line() -> None:
    tree = shown(small_trace())
    found = list(labels(tree.roots))
    assert "layers.0 … layers.2  ×3" in found
    assert found.count("self_attn") == 1
    assert "one of its blocks" in tree.note


def test_unfolded() -> None:
    tree = shown(small_trace(), unfold="yes")
    found = list(labels(tree.roots))
    assert [label for label in found if label.isdigit()] == ["0", "1", "2"]
    assert found.count("self_attn") == 3
    assert not tree.note


def test_cells_say_size_calls_role_and_class() -> None:
    root = shown(small_trace()).roots[0]
    assert (root.label, root.cells) == (
        "TinyVLForConditionalGeneration",
        (21_456, 85_824, 1, None, "TinyVLForConditionalGeneration"),
    )
    unused = root.children[-1]
    assert (unused.label, unused.cells[2]) == ("unused_head", 0)


def test_blocks_that_ran_differently_stay_apart() -> None:
    found = list(labels(shown(failing_trace()).roots))
    assert [label for label in found if label[-1].isdigit()] == ["layers.0 … layers.1  ×2", "2"]


def test_blocks_of_another_size_stay_apart() -> None:
    sizes = [10, 10, 20, 10]
    blocks = [Module(f"layers.{place}", "Layer", None, size, 4 * size) for place, size in enumerate(sizes)]
    root = [Module("", "Model", None, 50, 200), Module("layers", "ModuleList", None, 50, 200)]
    found = list(labels(shown(Trace(model_info(), modules=[*root, *blocks])).roots))
    assert found == ["Model", "layers", "layers.0 … layers.1  ×2", "2", "3"]


def test_a_module_without_its_parent_stands_at_the_top() -> None:
    tree = shown(Trace(model_info(), modules=[Module("a.b", "Layer", None, 1, 4)]))
    assert [root.cells[-1] for root in tree.roots] == ["Layer"]
