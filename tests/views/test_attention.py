"""The view of attention: what a query looks at, over keys, heads, layers and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

import inspector
from inspector import Heatmap, InputError, Part, Picture, Table, Trace, TraceError
from inspector.analysis.attention import Attention
from inspector.analysis.layers import choose
from inspector.views.attention import VIEW
from tests.attention_cases import model, pictures, recorded, text
from tests.fakes import picture, save_tiny
from tests.traces import small_trace


def part(parts: Sequence[Part], title: str) -> Any:
    return next(item for item in parts if item.title.startswith(title))


def field(parts: Sequence[Part], name: str) -> Any:
    return next(row[1] for row in part(parts, "Attention").rows if row[0] == name)


def test_the_mean_of_the_heads_of_the_last_token_in_the_last_layer() -> None:
    trace = recorded(model("qwen2"), text(True))
    parts = VIEW(trace, row="1")
    assert field(parts, "module") == "model.layers.1.self_attn"
    assert field(parts, "query") == "token 16, one of 17"
    assert field(parts, "head") == "the mean of all heads"
    assert field(parts, "heads") == "4 heads in 2 groups of 2 that share keys and values"
    probabilities = Attention(choose(trace, ""), 1).of_query(16)
    listed = {row[0]: row[3] for row in part(parts, "Most attended").rows}
    assert len(listed) == 12
    for key, probability in listed.items():
        assert probability == pytest.approx(float(probabilities.mean(0)[key]))
    shares = {row[0]: row[2] for row in part(parts, "Where").rows}
    assert shares["text"] == pytest.approx(100)
    drawn = part(parts, "Heads of token 16")
    assert isinstance(drawn, Heatmap)
    torch.testing.assert_close(torch.tensor(drawn.values), probabilities)
    assert drawn.row_axis == "heads, 2 in a row share their keys"


def test_the_mean_of_the_heads_that_share_keys() -> None:
    trace = recorded(model("qwen2"), text())
    parts = VIEW(trace, head="group.1")
    assert field(parts, "head") == "the mean of heads 2 to 3"
    probabilities = Attention(choose(trace, "")).of_query(16)[2:].mean(0)
    first = part(parts, "Most attended").rows[0]
    assert first[3] == pytest.approx(float(probabilities.max()))
    with pytest.raises(InputError, match="there are 2 groups that share keys"):
        VIEW(trace, head="group.2")


def test_a_head_shows_its_queries_and_the_layers_their_entropy() -> None:
    trace = recorded(model("gemma3_sliding"), text())
    parts = VIEW(trace, layer="0", head="2", query="9", top="3")
    assert field(parts, "query") == "token 9, one of 17"
    whole = Attention(choose(trace, "0")).probabilities(2)
    torch.testing.assert_close(torch.tensor(part(parts, "Head 2 of model.layers.0").values), whole)
    assert len(part(parts, "Most attended").rows) == 3
    entropies = part(parts, "Entropy of token 9")
    assert (len(entropies.values), len(entropies.values[0])) == (3, 4)
    assert entropies.values[0][2] == pytest.approx(float(Attention(choose(trace, "0")).entropies(2)[9]))


def test_padding_and_a_later_step() -> None:
    trace = recorded(model("gemma3_sliding"), text(True))
    parts = VIEW(trace, row="0", step="2", layer="1")
    assert field(parts, "keys") == "6, from token 13 on"
    assert [row[0] for row in part(parts, "Most attended").rows if not 13 <= row[0] <= 18] == []
    prefill = {row[0]: row[1] for row in part(VIEW(trace, row="0", layer="1", query="12"), "Where").rows}
    assert prefill["padding"] == 5


def test_a_generated_token_looks_at_the_picture(tmp_path: Path) -> None:
    session = inspector.load(save_tiny("qwen2_5_vl", tmp_path / "model"))
    file = tmp_path / "noise.png"
    picture(112, 84).save(file)
    inputs = session.encode(inspector.Request(("Hi",), (file,)))
    with inspector.capture(session.model, values=VIEW.needs() if VIEW.needs else ()) as trace, torch.no_grad():
        out = session.model(**inputs.tensors)
        session.model(torch.tensor([[72]]), past_key_values=out.past_key_values)
    trace.media = inputs.media
    parts = VIEW(trace, step="1", layer="0")
    probabilities = Attention(choose(trace, "0", 1)).of_query(0).mean(0)
    images = (inputs.tensors["input_ids"][0] == session.config.image_token_id).nonzero().flatten()
    heat = part(parts, "Attention over image 1")
    torch.testing.assert_close(torch.tensor(heat.values).flatten(), probabilities[images])
    assert (len(heat.values), len(heat.values[0])) == (3, 4)
    drawn = part(parts, "Attention drawn over image 1")
    assert isinstance(drawn, Picture)
    assert len(drawn.rgb) == drawn.width * drawn.height * 3
    assert 3 * drawn.width == 4 * drawn.height
    share = next(row[2] for row in part(parts, "Where").rows if row[0].startswith("image 1"))
    assert share == pytest.approx(100 * float(probabilities[images].sum()), rel=1e-4)


def test_a_patch_looks_at_its_window() -> None:
    trace = recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl", "three"))
    parts = VIEW(trace, layer="vision.0", picture="2", query="6", head="0")
    assert field(parts, "query") == "patch 6, row 1, column 2 of image 2, at place 30 in window order"
    heat = part(parts, "Attention over image 2")
    inside = [[value > 0 for value in row] for row in heat.values]
    assert inside == [[row < 4 and column < 4 for column in range(8)] for row in range(10)]
    shares = [(row[0], round(row[2], 3)) for row in part(parts, "Where").rows]
    assert shares == [("image 1", 0), ("image 2", 100), ("image 3", 0)]
    assert all(row[1].endswith("of image 2") for row in part(parts, "Most attended").rows)
    whole = VIEW(trace, layer="vision.1", picture="2")
    assert all(value > 0 for row in part(whole, "Attention over image 2").values for value in row)
    assert [item.title for item in VIEW(trace, picture="3") if item.title.startswith("Attention over")] == [
        "Attention over image 3"
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"head": "9"}, "there are 4 heads"),
        ({"query": "30"}, "there are 18 tokens so far"),
        ({"query": "3"}, "step 1 has the queries 17 to 17"),
        ({"picture": "1"}, "there are none"),
        ({"row": "x"}, "of the rows in the batch there is only number 0"),
        ({"layer": "model.nothing"}, "No attention kernel was called"),
    ],
)
def test_what_is_not_there_is_said(options: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        VIEW(recorded(model("qwen2"), text()), step="1", **options)


def test_values_that_are_missing() -> None:
    with pytest.raises(TraceError, match="was not kept"):
        VIEW(recorded(model("qwen2"), text(), values=()))
    (only,) = VIEW(small_trace())
    assert isinstance(only, Table)
    assert "attention of its own" in only.note
    one = recorded(model("qwen2"), text(), values=VIEW.needs(layer="0") if VIEW.needs else ())
    assert part(VIEW(one, layer="0"), "Entropy").note.endswith("Of 1 layers queries and keys were not kept.")


def test_shape_only_tells_shapes(tmp_path: Path) -> None:
    session = inspector.load(save_tiny("qwen2", tmp_path), shape_only=True)
    (table,) = VIEW(session.trace("Hi"))
    assert isinstance(table, Table)
    assert "without weights" in table.note
    assert table.rows[0][3:] == ("sdpa", 2)


def test_a_saved_trace_shows_the_same(tmp_path: Path) -> None:
    trace = recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl"))
    opened = Trace.open(trace.save(tmp_path / "trace"))
    for options in ({}, {"step": "2", "head": "1"}, {"layer": "vision.0"}):
        assert repr(VIEW(opened, **options)) == repr(VIEW(trace, **options))


def test_sinks_and_soft_caps_are_told() -> None:
    parts = VIEW(recorded(model("gpt_oss", "eager"), text()), head="1")
    assert field(parts, "sink").startswith("takes ")
    assert float(part(parts, "Where").rows[0][2]) < 100
    assert field(VIEW(recorded(model("gemma2_softcap", "eager"), text())), "soft cap") == 2.0
