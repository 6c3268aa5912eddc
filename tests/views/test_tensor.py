from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import pytest
import torch

from inspector.errors import InputError, TraceError
from inspector.parts import Curve, Heatmap, Part, Table, Text
from inspector.trace import Trace
from inspector.views.tensor import VIEW, wanted
from tests.building import Builder, info
from tests.traces import small_trace, trace_of

LAYER = "language_model.layers.0"
BAD = "language_model.layers.1.mlp"
P = TypeVar("P", bound=Part)


def part(parts: Sequence[Part], kind: type[P], title: str) -> P:
    (found,) = [found for found in parts if isinstance(found, kind) and found.title.startswith(title)]
    return found


def facts(parts: Sequence[Part]) -> dict[object, object]:
    return {row[0]: row[1] for row in part(parts, Table, "Tensor").rows}


def one_tensor(tensor: torch.Tensor) -> Trace:
    built = Builder()
    built.add("layer", "Layer", outputs={"output": info(*tensor.shape)})
    built.keep(0, "output", tensor)
    return trace_of(built)


def test_parts_in_order() -> None:
    titles = [found.title for found in VIEW(small_trace(), call=LAYER)]
    assert titles == ["Tensor", "Histogram", "Heatmap", "Comes from, goes to", "Values"]


def test_by_module_or_index_and_the_first_output_by_default() -> None:
    trace = small_trace()
    assert facts(VIEW(trace, call=LAYER)) == facts(VIEW(trace, call="6", port="output"))
    assert facts(VIEW(trace, call="8"))["port"] == "output[0]"


def test_summary_is_loud() -> None:
    found = facts(VIEW(small_trace(), call=BAD))
    assert "nan×1! inf×2!" in str(found["tensor"])
    assert (found["nan"], found["inf"]) == (1, 2)


def test_histogram_counts_what_is_finite_and_names_the_rest() -> None:
    curve = part(VIEW(small_trace(), call=BAD), Curve, "Histogram")
    assert curve.bars
    assert sum(curve.series["count"]) == 12 * 16 - 3
    assert curve.note == "Not in the histogram: 1 × nan, 1 × inf, 1 × -inf!"


def test_nothing_but_nan() -> None:
    parts = VIEW(small_trace(), call="language_model.layers.2.mlp")
    assert part(parts, Curve, "Histogram").series["count"] == []
    assert all(math.isnan(value) for row in part(parts, Heatmap, "Heatmap").values for value in row)


def test_a_slice_is_shown_as_heatmap_and_exact_values_under_its_own_indices() -> None:
    trace = small_trace()
    parts = VIEW(trace, call=LAYER, slice="[0, 2:5, ::4]")
    kept = trace.value(trace.call(LAYER))[0, 2:5, ::4]
    table = part(parts, Table, "Values [0, 2:5, ::4]")
    assert [column.name for column in table.columns] == ["axis 1", "0", "4", "8", "12"]
    assert [row[0] for row in table.rows] == [2, 3, 4]
    assert torch.tensor([row[1:] for row in table.rows]).equal(kept)
    heatmap = part(parts, Heatmap, "Heatmap")
    assert torch.tensor(heatmap.values).equal(kept)
    assert (heatmap.row_axis, heatmap.column_axis) == ("axis 1 [2:5]", "axis 2 [0:13:4]")


def test_slices_down_to_one_element() -> None:
    row = part(VIEW(small_trace(), call=LAYER, slice="[0, 0]"), Table, "Values")
    assert (len(row.rows), len(row.rows[0])) == (1, 16)
    single = part(VIEW(small_trace(), call=LAYER, slice="[0, 0, 0]"), Table, "Values")
    assert [len(row) for row in single.rows] == [1]


def test_a_large_tensor_is_reduced_and_says_so() -> None:
    parts = VIEW(one_tensor(torch.arange(600_000.0).reshape(2, 300, 1000)), call="layer", reduce="max")
    heatmap = part(parts, Heatmap, "Heatmap")
    assert (len(heatmap.values), len(heatmap.values[0])) == (64, 128)
    assert heatmap.values[-1][-1] == 299_999
    assert "axis 0 at 0" in heatmap.note
    assert "the max of what it covers" in heatmap.note
    corner = part(parts, Table, "Values")
    assert (len(corner.rows), len(corner.columns)) == (16, 2 + 8)
    assert "A corner of 1×16×8" in corner.note


def test_a_slice_that_was_asked_for_is_given_whole() -> None:
    parts = VIEW(one_tensor(torch.arange(600_000.0).reshape(600, 1000)), call="layer", slice="[:]")
    table = part(parts, Table, "Values")
    assert (len(table.rows), len(table.columns)) == (600, 1001)
    assert table.rows[599][-1] == 599_999


@pytest.mark.parametrize("tensor", [torch.tensor(3.5), torch.zeros(0, 4), torch.tensor([True, False])])
def test_odd_tensors(tensor: torch.Tensor) -> None:
    assert VIEW(one_tensor(tensor), call="layer")


def test_complex_values() -> None:
    built = Builder()
    built.add("rotary", "Rotary", outputs={"output": replace(info(2, dtype="complex64"), value="0/output")})
    built.values["0/output"] = torch.tensor([3 + 4j, 0j])
    parts = VIEW(trace_of(built), call="rotary")
    assert part(parts, Heatmap, "Heatmap").values == [[5.0, 0.0]]
    assert part(parts, Table, "Values").rows[0] == ("(3+4j)", "0j")


def test_where_it_came_from_and_where_it_went() -> None:
    trace = small_trace()
    table = part(VIEW(trace, call="8", port="output[0]"), Table, "Comes from")
    made, goes = table.rows
    assert made == ("made by", 8, "language_model.layers.0.self_attn", "output[0]")
    assert goes == ("goes to", 9, "language_model.layers.0.mlp", "input.x")
    same = part(VIEW(trace, call="9", port="input.x"), Table, "Comes from")
    assert list(same.rows) == list(table.rows)
    assert "No module made it" in part(VIEW(trace, call="0", port="input.input_ids"), Table, "Comes from").note


def test_a_value_that_was_not_kept() -> None:
    parts = VIEW(small_trace(), call="language_model")
    assert part(parts, Text, "Values").text == (
        "Not kept in this trace. Trace again with --values 'language_model:output' to see them."
    )
    with pytest.raises(TraceError, match="was not kept"):
        VIEW(small_trace(), call="language_model", slice="[0]")


def test_without_weights() -> None:
    trace = small_trace(values=False)
    trace.model = replace(trace.model, shape_only=True)
    assert "shape-only" in part(VIEW(trace, call=LAYER), Text, "Values").text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "Which tensor"),
        ({"call": "20"}, "this trace has 20 calls"),
        ({"call": "language_model.layer.0"}, "Did you mean language_model.layers.0"),
        ({"call": LAYER, "port": "outputs"}, "there are input.hidden_states, output. Did you mean output"),
        ({"call": LAYER, "reduce": "median"}, "choose mean, min, max"),
        ({"call": LAYER, "slice": "[0, 3:3]"}, "is empty"),
        ({"call": LAYER, "slice": "[9]"}, "outside axis 0"),
        ({"call": "8", "port": "output[1]"}, "No tensor stands at"),
    ],
)
def test_what_is_not_there(options: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        VIEW(small_trace(), **options)


def test_what_must_be_kept_for_it() -> None:
    assert wanted(small_trace(), "8", "") == "language_model.layers.0.self_attn:output[0]"
