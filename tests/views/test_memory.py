from __future__ import annotations

from dataclasses import replace

from inspector.parts import Curve, Table
from inspector.trace import Module, Trace
from inspector.views.memory import VIEW, parameters
from tests.building import Builder, info
from tests.traces import model_info, small_trace, trace_of


def test_parts_of_the_model_add_up() -> None:
    table = parameters(small_trace())
    assert [row[0] for row in table.rows] == [
        "visual.patch_embed",
        "visual.merger",
        "language_model.embed_tokens",
        "language_model.layers  ×3",
        "language_model.norm",
        "lm_head",
        "unused_head",
    ]
    assert sum(int(row[1] or 0) for row in table.rows) == 21_456
    assert round(sum(float(row[3] or 0) for row in table.rows)) == 100
    assert not table.note


def test_tied_weights_are_named() -> None:
    modules = [
        Module("", "Model", None, 100, 400),
        Module("embed", "Embedding", "token_embedding", 60, 240),
        Module("body", "Body", None, 40, 160),
        Module("head", "Linear", "lm_head", 60, 240),
    ]
    table = parameters(Trace(model_info(), modules=modules))
    assert "share 60 parameters" in table.note


def test_parameters_of_a_module_itself() -> None:
    modules = [Module("", "Model", None, 100, 400), Module("body", "Body", None, 90, 360)]
    rows = parameters(Trace(model_info(), modules=modules)).rows
    assert [tuple(row[:3]) for row in rows] == [("body", 90, 360), ("Model (its own)", 10, 40)]


def test_activations_largest_first() -> None:
    *_, table = VIEW(small_trace())
    assert isinstance(table, Table)
    assert table.rows[0] == (3072, 0, "TinyVLForConditionalGeneration", "f32[1,12,64]", "output.logits")
    sizes = [row[0] for row in table.rows]
    assert sizes == sorted(sizes, reverse=True)  # type: ignore[type-var]


def test_a_tensor_that_passes_through_counts_where_it_was_made() -> None:
    built = Builder()
    outer = built.add("", "Outer")
    with built.inside(outer):
        inner = built.add("inner", "Inner", outputs={"output": info(2, 3)})
    built.calls[outer] = replace(built.calls[outer], outputs={"output": built.made(inner)})
    *_, table = VIEW(trace_of(built))
    assert isinstance(table, Table)
    assert [row[1] for row in table.rows] == [inner]


def test_device_memory_where_it_was_measured() -> None:
    trace = small_trace()
    assert not any(isinstance(part, Curve) for part in VIEW(trace))
    trace.calls = [replace(call, memory=1000 + call.index) for call in trace.calls]
    _, curve, table = VIEW(trace)
    assert isinstance(curve, Curve)
    assert list(curve.series.values()) == [[1000.0 + index for index in range(20)]]
    assert isinstance(table, Table)
    assert table.columns[-1].name == "memory"
    assert table.rows[0][-1] == 1000
