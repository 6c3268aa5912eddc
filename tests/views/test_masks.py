"""The view of masks, and the faults that it must make plain."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

import inspector
from inspector import Heatmap, InputError, Part, Table, Trace
from inspector.views.masks import VIEW
from tests.attention_cases import STEPS, WINDOW, model, pictures, recorded, text
from tests.traces import small_trace


def part(parts: Sequence[Part], title: str) -> Any:
    return next(item for item in parts if item.title.startswith(title))


def check(parts: Sequence[Part], name: str) -> tuple[str, str]:
    """The result and the evidence of a check."""
    return next((row[1], row[2]) for row in part(parts, "Checks").rows if row[0].startswith(name))


def test_a_line_for_each_kind_of_mask() -> None:
    parts = VIEW(recorded(model("llama4_chunks"), text(True), values=()))
    lines = part(parts, "Masks").rows
    assert [line[:3] for line in lines] == [
        ("model.layers.0…2.self_attn", 3, f"causal, within 2 blocks of {WINDOW}, 5 hidden keys"),
        ("model.layers.3.self_attn", 1, "causal, 5 hidden keys"),
    ]
    assert [line[9] for line in lines] == [
        f"causal, within chunks of {WINDOW}, padding hidden",
        "causal, padding hidden",
    ]
    assert check(parts, "kinds of layers") == (
        "agrees",
        "All 4 layers see as far as the configuration says: 3 chunked attention, 1 full attention.",
    )
    assert part(parts, "Padding").rows == [(0, 12, 5, 0, 0, "left"), (1, 17, 0, 0, 0, "none")]


def test_the_mask_is_drawn_and_explained() -> None:
    trace = recorded(model("gemma3_sliding"), text(True), values=())
    parts = VIEW(trace, layer="0", row="1")
    drawn = part(parts, "model.layers.0.self_attn: causal, within a sliding window of 6")
    assert isinstance(drawn, Heatmap)
    assert drawn.values[10] == [0.0] * 5 + [1.0] * 6 + [0.0] * 6
    assert "made by create_sliding_window_causal_mask" in part(parts, "Why").text
    some = part(VIEW(trace, layer="0", row="1", queries="4:6", keys="3:9"), "model.layers.0")
    assert [list(line) for line in some.values] == [[1, 1, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0]]
    assert (some.row_axis, some.column_axis) == ("queries 4–5", "keys 3–8")


def test_later_steps_and_their_padding() -> None:
    parts = VIEW(recorded(model("qwen2"), text(True), values=()), step=str(STEPS - 1))
    assert part(parts, "Masks").rows[0][3:5] == (1, 20)
    assert part(parts, "Padding").rows[0] == (0, 15, 5, 0, 0, "left")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": "9"}, "--step 9: there are 4 steps"),
        ({"row": "2"}, "--row 2: there are 2 rows"),
        ({"layer": "5"}, "no layer 5"),
        ({"queries": "a:b"}, "cannot be read"),
        ({"keys": "30:40"}, "is empty: there are 17 keys"),
        ({"head": "7"}, "there are 4 heads"),
    ],
)
def test_what_is_not_there_is_said(options: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        VIEW(recorded(model("qwen2"), text(True), values=()), **options)


def test_a_model_without_transformers_kernels() -> None:
    (only,) = VIEW(small_trace())
    assert isinstance(only, Table)
    assert "attention of its own" in only.note


def test_shape_only_and_a_saved_trace_show_the_same(tmp_path: Path) -> None:
    from tests.fakes import picture, save_tiny

    directory = save_tiny("qwen2_5_vl", tmp_path / "model")
    asked: dict[str, Any] = {"prompt": "Hi", "images": [picture(84, 140)]}
    real, bare = (inspector.load(directory, shape_only=shapes).trace(**asked) for shapes in (False, True))
    assert VIEW(real) == VIEW(bare)
    assert VIEW(Trace.open(real.save(tmp_path / "trace"))) == VIEW(real)


def test_fault_right_padding() -> None:
    given = text(True)
    assert check(VIEW(recorded(model("qwen2"), given, values=())), "padding side")[0] == "agrees"
    given = {"input_ids": given["input_ids"], "attention_mask": given["attention_mask"].flip(1)}
    trace = recorded(model("qwen2"), given, values=())
    parts = VIEW(trace)
    assert part(parts, "Padding").rows[0] == (0, 12, 0, 0, 5, "≠ right")
    assert check(parts, "padding side") == (
        "≠ differs",
        "Row 0 has 5 of padding on the right: a decoder goes on behind it, not behind the text.",
    )
    assert "between its tokens" in check(VIEW(trace, step="1"), "padding side")[1]


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_fault_a_mask_row_without_keys(attention: str) -> None:
    seen = torch.ones(1, 1, 6, 6, dtype=torch.bool).tril()
    seen[..., 4, :] = False
    mask = seen if attention == "sdpa" else torch.zeros(1, 1, 6, 6).masked_fill(~seen, -torch.inf)
    subject = model("qwen2", attention)
    with inspector.capture(subject) as trace, torch.no_grad():
        subject(input_ids=torch.arange(1, 7)[None], attention_mask=mask)
    parts = VIEW(trace)
    result, evidence = check(parts, "keys to see in model.layers.0…1.self_attn")
    assert result == "≠ differs"
    assert evidence.startswith("1 token (4) see no key")
    assert part(parts, "Masks").rows[0][5] == 1
    drawn = part(parts, "model.layers.1.self_attn")
    assert not any(drawn.values[4])


def test_fault_a_padding_mask_of_zeros() -> None:
    given = text(True)
    given["attention_mask"][0] = 0
    parts = VIEW(recorded(model("qwen2"), given, values=(), steps=1))
    assert part(parts, "Padding").rows[0][:2] == (0, 0)
    assert part(parts, "Masks").rows[0][5] == 17


def test_fault_wrong_fullatt_block_indexes() -> None:
    name = "qwen2_5_vl"
    given = pictures(name, "three")
    assert check(VIEW(recorded(model(name), given, values=())), "vision blocks")[0] == "agrees"
    tower = model(name).model.visual
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tower, "fullatt_block_indexes", [0])
        parts = VIEW(recorded(model(name), given, values=()))
    assert check(parts, "vision blocks of model.visual") == (
        "≠ differs",
        "block 0 attends to whole frames, not windows, block 1 attends to windows, not whole frames.",
    )
    rows = part(parts, "Blocks of model.visual").rows
    assert [(row[1], row[2], row[6]) for row in rows] == [("full", "windows", "≠"), ("windows", "full", "≠")]


def test_fault_fullatt_block_indexes_that_are_not_those_of_the_published_models(tmp_path: Path) -> None:
    import json

    from tests.fakes import picture, save_tiny

    directory = save_tiny("qwen2_5_vl", tmp_path, weights=False)
    config = json.loads((directory / "config.json").read_text())
    config["vision_config"] |= {"depth": 32, "fullatt_block_indexes": [7, 15, 22, 31]}
    (directory / "config.json").write_text(json.dumps(config))
    trace = inspector.load(directory, shape_only=True).trace("Hi", images=[picture(84, 140)])
    result, evidence = check(VIEW(trace), "fullatt_block_indexes")
    assert result == "≠ differs"
    assert "22 (windows), 23 (whole frames)" in evidence or "23" in evidence


def test_fault_a_layer_of_another_kind_than_configured() -> None:
    """A sliding layer that was handed the mask of the full ones."""
    subject = model("gemma3_sliding")
    layer = subject.model.layers[1].self_attn
    forward = layer.forward

    def other_mask(*args: Any, attention_mask: Any = None, **kwargs: Any) -> Any:
        length = args[0].shape[1] if args else kwargs["hidden_states"].shape[1]
        return forward(*args, attention_mask=torch.ones(length, length).tril().bool()[None, None], **kwargs)

    with pytest.MonkeyPatch.context() as patch, inspector.capture(subject) as trace, torch.no_grad():
        patch.setattr(layer, "forward", other_mask)
        subject(**text())
    assert check(VIEW(trace), "kinds of layers") == (
        "≠ differs",
        "model.layers.1.self_attn is full_attention, sliding_attention in the configuration.",
    )


@pytest.mark.parametrize(
    ("attention", "make", "result", "evidence"),
    [
        ("eager", lambda seen: seen, "≠ differs", "added as 0 and 1, and hides nothing"),
        ("sdpa", lambda seen: torch.zeros(1, 1, 6, 6).masked_fill(~seen, -torch.inf), "cannot be told", "-inf, 0"),
        ("sdpa", lambda seen: torch.randn(1, 1, 6, 6).masked_fill(~seen, -1e9), "cannot be told", "a bias as well"),
    ],
)
def test_how_a_mask_is_encoded(attention: str, make: Any, result: str, evidence: str) -> None:
    subject = model("qwen2", attention)
    seen = torch.ones(1, 1, 6, 6, dtype=torch.bool).tril()
    with inspector.capture(subject) as trace, torch.no_grad():
        subject(input_ids=torch.arange(1, 7)[None], attention_mask=make(seen))
    found, text_of = check(VIEW(trace), "mask encoding")
    assert found == result
    assert evidence in text_of


def test_a_large_mask_is_drawn_from_its_rule() -> None:
    from inspector import Call, TensorInfo
    from tests.traces import model_info

    side = 32_768
    state = TensorInfo((1, 2, side, 64), "bfloat16", "cpu")
    inputs = {"attention.kernel": "sdpa", "attention.query": state, "attention.key": state, "attention.mask": None}
    calls = [
        Call(n, 0, None, 0, f"layers.{n}.attn", "A", None, {**inputs, "attention.is_causal": True}, {})
        for n in range(28)
    ]
    trace = Trace(model_info(), calls=calls)
    for start in (0, 11_111, 30_000):
        parts = VIEW(trace, layer="3", queries=f"{start}:", keys=f":{side - start}")
        assert isinstance(part(parts, "Masks"), Table)


def test_a_row_shorter_than_a_chunk_is_not_of_another_kind() -> None:
    given = text(True)
    given["attention_mask"][0, : 17 - WINDOW + 2] = 0
    trace = recorded(model("llama4_chunks"), given, values=(), steps=1)
    assert [check(VIEW(trace, row=row), "kinds of layers")[0] for row in "01"] == ["agrees", "agrees"]


@pytest.mark.parametrize("name", ["qwen2", "gemma3_sliding", "llama4_chunks"])
def test_packed_sequences_are_not_taken_for_chunks(name: str) -> None:
    subject, packed = model(name), torch.tensor([[*range(8), *range(9)]])
    with inspector.capture(subject) as trace, torch.no_grad():
        subject(input_ids=text()["input_ids"], position_ids=packed, use_cache=False)
    assert check(VIEW(trace), "kinds of layers")[0] == "agrees"


@pytest.mark.parametrize("name", ["qwen2", "gemma3_sliding", "llama4_chunks"])
def test_padding_is_known_where_generate_made_the_masks_beforehand(name: str) -> None:
    """A static cache has `generate` make the masks; what is padding stands in their rules alone."""
    with inspector.capture(model(name)) as trace, torch.no_grad():
        model(name).generate(**text(True), max_new_tokens=3, do_sample=False, cache_implementation="static")
    parts = VIEW(trace)
    assert check(parts, "keys to see") == (
        "agrees",
        "Every token sees a key in every attention call (5 queries of padding see none, as it should be).",
    )
    assert part(parts, "Padding").rows == [(0, 12, 5, 0, 0, "left"), (1, 17, 0, 0, 0, "none")]
    assert check(VIEW(trace, step="2"), "keys to see")[0] == "agrees"
