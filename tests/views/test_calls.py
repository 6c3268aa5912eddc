from __future__ import annotations

import pytest

from inspector.errors import InputError
from inspector.parts import Cell, Table
from inspector.trace import Trace
from inspector.views.calls import VIEW, ports_text, tree
from tests.building import info
from tests.traces import big_trace, failing_trace, small_trace, steps_trace


def shown(trace: Trace, **options: str) -> Table:
    (part,) = VIEW(trace, **options)
    assert isinstance(part, Table)
    return part


def column(table: Table, name: str) -> list[Cell]:
    place = [found.name for found in table.columns].index(name)
    return [row[place] for row in table.rows]


def test_a_row_a_call_with_what_went_in_and_came_out() -> None:
    table = shown(small_trace())
    assert column(table, "call") == list(range(20))
    assert column(table, "outputs")[8] == "[0] f32[1,12,16]"
    assert column(table, "inputs")[0] == "input_ids i64[1,12], use_cache True"
    assert "logits f32[1,12,64], past_key_values.layers[0].keys f32[1,2,12,8]" in str(column(table, "outputs")[0])


def test_filters() -> None:
    trace = steps_trace(3)
    layers = shown(trace, path="*.layers.1", step="2")
    assert (column(layers, "module"), column(layers, "step")) == (["language_model.layers.1"], [2])
    assert set(column(shown(trace, role="norm"), "role")) == {"norm"}
    assert layers.note == "1 of 54 calls."


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "language_model.layer"}, "Did you mean language_model.layers.2"),
        ({"role": "norms"}, "there are attention, decoder, .* Did you mean norm?"),
        ({"step": "7"}, "steps 0 to 0"),
        ({"step": "-1"}, "steps 0 to 0"),
    ],
)
def test_what_there_is_not(options: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        shown(small_trace(), **options)


def test_filters_that_leave_nothing() -> None:
    assert len(shown(steps_trace(2), role="merger", step="1").rows) == 0


def test_a_failure_has_a_column() -> None:
    errors = column(shown(failing_trace()), "error")
    assert errors[-1] == "RuntimeError: mat1 and mat2 shapes cannot be multiplied (12x16 and 24x44)"
    assert errors[-2] is None


def test_rows_are_made_when_they_are_read() -> None:
    trace = big_trace(1000)
    seen: list[int] = []

    class Watched(list):  # type: ignore[type-arg]
        def __getitem__(self, index: int) -> object:  # type: ignore[override]
            seen.append(index)
            return super().__getitem__(index)

    trace.calls = Watched(trace.calls)
    table = shown(trace)
    seen.clear()
    assert table.rows[500][0] == 500
    assert set(seen) == {500}


def test_tree_nests_calls_and_shortens_their_paths() -> None:
    (root,) = tree(small_trace()).roots
    assert root.label == "TinyVLForConditionalGeneration"
    assert [child.label for child in root.children] == ["visual", "language_model", "lm_head"]
    layer = root.children[1].children[1]
    assert (layer.label, [child.label for child in layer.children]) == ("layers.0", ["norm", "self_attn", "mlp"])


def test_no_calls() -> None:
    trace = Trace(small_trace().model)
    assert len(shown(trace).rows) == 0
    assert tree(trace).roots == ()


def test_numbered_ports_that_hold_the_same_are_one() -> None:
    layers = {f"output.cache.layers[{layer}].{name}": info(1, 2) for layer in range(3) for name in ("keys", "values")}
    ports = {**layers, "output.cache.layers[3].keys": info(1, 3), "output[0]": info(4), "output[1]": info(4)}
    assert ports_text(ports, "output") == (
        "cache.layers[0…2].keys f32[1,2], cache.layers[0…2].values f32[1,2], cache.layers[3].keys f32[1,3], "
        "[0…1] f32[4]"
    )
