"""The view of positions on real random models: what agrees, and each fault where a reader sees it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import inspector
from inspector import InputError, Trace
from inspector.analysis.regions import token_regions
from inspector.analysis.sequence import sequence
from inspector.parts import Heatmap, Picture, Table, Text
from inspector.views.positions import VIEW
from tests.attention_cases import model
from tests.fakes import tiny_inputs
from tests.prompts import PER_SECOND, SECONDS, TRUNCATES, inputs, random_model
from tests.prompts import Part as Piece
from tests.traces import small_trace
from tests.views.shown import checks, column, generated, results, run, titled

IMAGE, VIDEO = ("image", (1, 4, 6)), ("video", (3, 4, 8))
ROWS: dict[str, list[list[Piece]]] = {
    "text": [[5]],
    "one picture": [[3, IMAGE, 4]],
    "three pictures of odd sizes": [[1, IMAGE, 2, ("image", (1, 18, 2)), 1, ("image", (1, 2, 14)), 5]],
    "video": [[2, VIDEO, 3]],
    "picture and video": [[2, IMAGE, 1, VIDEO, 2, IMAGE, 1]],
    "left padding": [[2, IMAGE, 3], [9], [1, VIDEO, 1, ("image", (1, 4, 4)), 20]],
}
QWEN = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")


@pytest.mark.parametrize("case", ROWS)
@pytest.mark.parametrize("name", QWEN)
def test_everything_agrees_in_models_that_are_right(name: str, case: str) -> None:
    rows = ROWS[case]
    trace = run(random_model(name), inputs(name, rows), values=VIEW.values)
    for row in range(len(rows)):
        parts = VIEW(trace, row=str(row))
        found = checks(VIEW, trace, row=str(row))
        assert {result for result, _ in found.values()} == {"agrees"}, found
        assert "cos and sin" in found
        tokens = titled(parts, "Tokens")
        assert set(column(tokens, "mark")) == {None}
        assert column(tokens, "expected") == column(tokens, "position")
        assert sum(column(titled(parts, "Runs"), "wrong")) == 0


@pytest.mark.parametrize("case", ["text", "picture and video", "left padding"])
@pytest.mark.parametrize("name", QWEN)
def test_decoding_steps(name: str, case: str) -> None:
    rows = ROWS[case]
    trace = generated(random_model(name), inputs(name, rows))
    for row in range(len(rows)):
        strip = titled(VIEW(trace, row=str(row)), "Steps")
        length = inputs(name, rows, pixels=False)["input_ids"].shape[1]
        assert column(strip, "in cache") == [0, length, length + 1]
        assert column(strip, "mark") == [None] * 3
        assert column(strip, "expected") == column(strip, "found")
        assert column(strip, "written") == ["before step 0"] * 3
        assert len(set(column(strip, "delta needed"))) == 1
        assert results(VIEW, trace, row=str(row), step="2") == {"agrees"}


@pytest.mark.parametrize("name", ["gemma3_text", "llama4_text", "llama4", "gemma3", "qwen2", "phi3"])
def test_models_with_one_axis(name: str) -> None:
    given = {"input_ids": torch.arange(1, 31)[None], "attention_mask": torch.ones(1, 30, dtype=torch.long)}
    model = random_model(name)
    trace = run(model, given, values="*")
    assert results(VIEW, trace) == {"agrees"}
    assert "cos and sin" in checks(VIEW, trace)
    assert results(VIEW, generated(model, given), step="1") == {"agrees"}


def test_shape_only_and_saved(tmp_path: Path) -> None:
    from inspector.models.shape_only import shape_only

    model = random_model("qwen2_5_vl", device="meta")
    with shape_only(), torch.device("meta"):
        model = type(model)(model.config).eval()
    with inspector.capture(model) as trace, shape_only(model), torch.no_grad():
        model(**inputs("qwen2_5_vl", ROWS["picture and video"]))
    opened = Trace.open(trace.save(tmp_path / "trace"))
    for one in (trace, opened):
        assert results(VIEW, one) == {"agrees"}
        assert "not kept" in titled(VIEW(one), "cos").note
        assert "inverse frequencies" in checks(VIEW, one)


def test_words_with_the_numbers_filled_in() -> None:
    trace = run(random_model("qwen2_5_vl"), inputs("qwen2_5_vl", [[2, VIDEO, 3]]))
    text = titled(VIEW(trace), "How the positions")
    assert isinstance(text, Text)
    words = " ".join(text.text.split())
    assert "Tokens 0–1: text. Each takes the next number: positions 0 to 1, the same on all three axes." in words
    assert "grid of 3×4×8 patches, 2×2 of them merged, is 3×2×4 = 24 tokens. They begin at 2." in words
    times = "2, 3, 4" if TRUNCATES else "2, 3, 5"
    assert f"2 + ⌊frame × {PER_SECOND} × {SECONDS[0]:g}⌋: {times}." in words
    assert "Height is 2 + row, 2 to 3; width is 2 + column, 2 to 5." in words
    assert "after the longer side: 2 + max(2, 4) = 6." in words
    assert "rope delta is 8 + 1 − 29 = -20: a token decoded at index i, padding left out, stands at i − 20." in words


def test_a_decoding_step_in_words() -> None:
    """`generate` counts on from the last position; a forward by itself adds the delta to the index."""
    model, given = random_model("qwen2_5_vl"), inputs("qwen2_5_vl", [[3, IMAGE, 4]])
    counted = titled(VIEW(generated(model, given), step="1"), "How the positions")
    assert isinstance(counted, Text)
    assert "Counted on from the token before: position 10" in counted.text
    with inspector.capture(model) as trace, torch.no_grad():
        cache = model(**given, use_cache=True).past_key_values
        model(input_ids=torch.tensor([[9]]), past_key_values=cache)
    added = titled(VIEW(trace, step="1"), "How the positions")
    assert isinstance(added, Text)
    assert "Index 13 plus the rope delta -3 is 10: position 10" in added.text


def test_positions_that_count_padding_in_words() -> None:
    """Without a picture, Qwen2.5-VL counts the padding too."""
    given = inputs("qwen2_5_vl", [[5], [20]])
    del given["mm_token_type_ids"]
    text = titled(VIEW(run(random_model("qwen2_5_vl"), given)), "How the positions")
    assert isinstance(text, Text)
    words = " ".join(text.text.split())
    assert "positions 15 to 19, the same on all three axes." in words
    assert "The largest position is 19 and there are 5 tokens" in words
    assert "rope delta is 19 + 1 − 5 − 15 of padding = 0" in words
    assert "a token decoded at index i, padding left out, stands at i + 15." in words


def test_a_picture_as_a_grid() -> None:
    trace = run(random_model("qwen2_5_vl"), inputs("qwen2_5_vl", [[1, VIDEO, 3, IMAGE]]))
    parts = VIEW(trace, picture="2")
    grid = titled(parts, "Positions in image 1")
    assert isinstance(grid, Table)
    assert list(grid.rows) == [(0, "28: 8,8,8", "29: 8,8,9", "30: 8,8,10"), (1, "31: 8,9,8", "32: 8,9,9", "33: 8,9,10")]
    width = titled(parts, "Position: width")
    assert isinstance(width, Heatmap)
    assert width.values == [[8, 9, 10], [8, 9, 10]]
    video = [part.title for part in VIEW(trace, picture="1") if part.title.startswith("Positions in video")]
    assert video == [f"Positions in video 1, frames {frames} of 6" for frames in ("1–2", "3–4", "5–6")]


def test_the_dimensions_of_a_head() -> None:
    trace = run(random_model("qwen3_vl"), inputs("qwen3_vl", [[3, IMAGE, 4]]))
    parts = VIEW(trace)
    bar = titled(parts, "Dimensions of a head")
    assert isinstance(bar, Picture)
    assert "red t 4, green h 2, blue w 2" in bar.note
    assert column(titled(parts, "Pairs"), "axis") == list("thwthwtt")
    assert column(titled(parts, "Rotary"), "sections") == ["t 4 h 2 w 2, in turn", None]


@pytest.mark.parametrize("name", ["qwen2", "qwen2_5_vl", "qwen3_vl", "gemma3_text"])
def test_query_and_key_before_and_after_turning(name: str) -> None:
    rows: list[list[Piece]] = [[3, IMAGE, 4]] if name.startswith(("qwen2_", "qwen3_")) else [[12]]
    asked = {"token": "6", "layer": "1", "head": "1"}
    assert VIEW.needs is not None
    given = {key: value for key, value in inputs(name, rows).items() if len(rows[0]) > 1 or key == "input_ids"}
    trace = run(random_model(name), given, values=[*VIEW.values, *VIEW.needs(**asked)])
    parts = VIEW(trace, **asked)
    for side in ("Query", "Key"):
        table = titled(parts, f"{side} of token 6")
        assert isinstance(table, Table)
        assert set(column(table, "mark")) == {None}
        assert column(table, "after x") == pytest.approx(column(table, "expected x"), abs=1e-3)
        assert ".layers.1.self_attn." in table.note
    assert checks(VIEW, trace, **asked)["rotation of the query"][0] == "agrees"


def test_what_was_not_kept_is_said() -> None:
    trace = run(random_model("qwen2"), {"input_ids": torch.arange(1, 9)[None]})
    text = titled(VIEW(trace, token="2", layer="1"), "Query")
    assert isinstance(text, Text)
    assert "--values '*.1.*:attention.*'" in text.text


def test_a_trace_without_tokens() -> None:
    (part,) = VIEW(Trace(small_trace().model))
    assert isinstance(part, Text)
    assert "no positions" in part.text


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"row": "1"}, "--row 1: of the rows there is only number 0"),
        ({"step": "4"}, "There is no step '4'; there are 0."),
        ({"picture": "2"}, "--picture 2: of the pictures with a grid in this row there is only number 1"),
        ({"token": "x"}, "--token x: there are 13 tokens"),
        ({"token": "1", "layer": "7"}, "There is no layer 7; this step has 0 to 1"),
        ({"token": "1", "head": "2"}, "--head 2: there are 2 heads"),
    ],
)
def test_what_is_not_there(asked: dict[str, str], message: str) -> None:
    trace = run(random_model("qwen2_5_vl"), inputs("qwen2_5_vl", [[3, IMAGE, 4]]))
    with pytest.raises(InputError, match=message):
        VIEW(trace, **asked)


@pytest.mark.parametrize("name", ["gemma3", "llava"])
def test_a_picture_without_a_grid_is_shown_by_the_places_of_its_tokens(name: str) -> None:
    trace = run(model(name), tiny_inputs(name))
    (own, *_) = token_regions(trace, 0, sequence(trace, 0, 0))
    table = titled(VIEW(trace, picture="1"), "Positions in image 1")
    assert isinstance(table, Table)
    assert "it counts as text" in table.note
    assert [cell for row in table.rows for cell in row[1:]] == [f"{key}: {key}" for key in own.keys]
    assert [row[0] for row in table.rows] == list(range(own.rows))
