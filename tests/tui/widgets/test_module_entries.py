from __future__ import annotations

from inspector.trace import Module
from inspector.tui.widgets.module_entries import Entry, entries, lay_out
from tests.traces import modules


def module(path: str, parameters: int = 1, name: str = "Layer") -> Module:
    return Module(path, name, None, parameters, 4 * parameters)


def find(found: list[Entry], label: str) -> Entry:
    return next(entry for entry in found if entry.label == label)


def test_the_tree_of_a_model() -> None:
    outline, found = lay_out(entries(modules(), "TinyVL"))
    assert found[0].label == "TinyVL"
    assert [entry.module for entry in found] == modules()
    assert outline.depths[:4] == [0, 1, 2, 2]


def test_a_container_of_identical_modules_counts_them_and_starts_folded() -> None:
    outline, found = lay_out(entries(modules(), "TinyVL"))
    layers = find(found, "layers")
    assert layers.repeats == 3
    assert outline.is_folded(found.index(layers))
    assert outline.row_of(found.index(find(found, "self_attn"))) is None


def test_runs_among_others_are_gathered() -> None:
    sizes = [5, 5, 5, 9, 9, 9, 9, 7]
    layers = [module(f"layers.{number}", size) for number, size in enumerate(sizes)]
    _, found = lay_out(entries([module("", 57, "Model"), module("layers", 57, "ModuleList"), *layers], "Model"))
    groups = [(entry.label, entry.repeats) for entry in found if entry.repeats]
    assert groups == [("0–2", 3), ("3–6", 4)]
    assert find(found, "0–2").module.path == "layers.0"
    assert len(found) == 2 + 2 + len(layers)


def test_different_children_are_not_counted() -> None:
    layers = [module("mlp.0", 5), module("mlp.1", 0, "GELU"), module("mlp.2", 5)]
    _, found = lay_out(entries([module("mlp"), *layers], "Model"))
    assert not any(entry.repeats for entry in found)


def test_a_module_whose_parent_is_not_listed_hangs_on_the_nearest() -> None:
    _, found = lay_out(entries([module(""), module("a.b.c")], "Model"))
    assert [entry.label for entry in found] == ["Model", "a.b.c"]
