"""The view of positions on real random models: what agrees, and each fault where a reader sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import inspector
from inspector import InputError, Trace
from inspector.parts import Heatmap, Part, Picture, Table, Text
from inspector.views.positions import VIEW
from tests.prompts import Part as Piece
from tests.prompts import inputs, random_model
from tests.traces import small_trace

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


def run(model: Any, given: dict[str, Any], *, values: Any = ()) -> Trace:
    with inspector.capture(model, values=values) as trace, torch.no_grad():
        model(**given)
    return trace


def generated(model: Any, given: dict[str, Any]) -> Trace:
    with inspector.capture(model) as trace:
        model.generate(**given, max_new_tokens=3, do_sample=False)
    return trace


def titled(parts: Any, title: str) -> Part:
    return next(part for part in parts if part.title.startswith(title))


def checks(trace: Trace, **asked: str) -> dict[str, tuple[str, str]]:
    """Result and evidence by name."""
    table = titled(VIEW(trace, **asked), "Checks")
    assert isinstance(table, Table)
    return {str(name): (str(result), str(evidence)) for name, result, evidence in table.rows}


def column(table: Part, name: str) -> list[Any]:
    assert isinstance(table, Table)
    place = [column.name for column in table.columns].index(name)
    return [row[place] for row in table.rows]


def results(trace: Trace, **asked: str) -> set[str]:
    return {result for result, _ in checks(trace, **asked).values()}


@pytest.mark.parametrize("case", ROWS)
@pytest.mark.parametrize("name", QWEN)
def test_everything_agrees_in_models_that_are_right(name: str, case: str) -> None:
    rows = ROWS[case]
    trace = run(random_model(name), inputs(name, rows), values=VIEW.values)
    for row in range(len(rows)):
        parts = VIEW(trace, row=str(row))
        found = checks(trace, row=str(row))
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
        strip = titled(VIEW(trace, row=str(row)), "Forwards")
        length = inputs(name, rows, pixels=False)["input_ids"].shape[1]
        assert column(strip, "in cache") == [0, length, length + 1]
        assert column(strip, "mark") == [None] * 3
        assert column(strip, "expected") == column(strip, "found")
        assert column(strip, "written") == ["before forward 0"] * 3
        assert len(set(column(strip, "delta needed"))) == 1
        assert results(trace, row=str(row), step="2") == {"agrees"}


@pytest.mark.parametrize("name", ["gemma3_text", "llama4_text", "llama4", "gemma3", "qwen2", "phi3"])
def test_models_with_one_axis(name: str) -> None:
    given = {"input_ids": torch.arange(1, 31)[None], "attention_mask": torch.ones(1, 30, dtype=torch.long)}
    model = random_model(name)
    trace = run(model, given, values="*")
    assert results(trace) == {"agrees"}
    assert "cos and sin" in checks(trace)
    assert results(generated(model, given), step="1") == {"agrees"}


def test_shape_only_and_saved(tmp_path: Path) -> None:
    from inspector.models.shape_only import shape_only

    model = random_model("qwen2_5_vl", device="meta")
    with shape_only(), torch.device("meta"):
        model = type(model)(model.config).eval()
    with inspector.capture(model) as trace, shape_only(model), torch.no_grad():
        model(**inputs("qwen2_5_vl", ROWS["picture and video"]))
    opened = Trace.open(trace.save(tmp_path / "trace"))
    for one in (trace, opened):
        assert results(one) == {"agrees"}
        assert "not kept" in titled(VIEW(one), "cos").note
        assert "inverse frequencies" in checks(one)


def test_words_with_the_numbers_filled_in() -> None:
    trace = run(random_model("qwen2_5_vl"), inputs("qwen2_5_vl", [[2, VIDEO, 3]]))
    text = titled(VIEW(trace), "How the positions")
    assert isinstance(text, Text)
    words = " ".join(text.text.split())
    assert "Tokens 0–1: text. Each takes the next number: positions 0 to 1, the same on all three axes." in words
    assert "grid of 3×4×8 patches, 2×2 of them merged, is 3×2×4 = 24 tokens. They begin at 2." in words
    assert "2 + ⌊frame × 4 × 0.4⌋: 2, 3, 5." in words
    assert "Height is 2 + row, 2 to 3; width is 2 + column, 2 to 5." in words
    assert "after the longer side: 2 + max(2, 4) = 6." in words
    assert "rope delta is 8 + 1 − 29 = -20: a token decoded at index i, padding left out, stands at i − 20." in words


def test_a_decoding_step_in_words() -> None:
    trace = generated(random_model("qwen2_5_vl"), inputs("qwen2_5_vl", [[3, IMAGE, 4]]))
    text = titled(VIEW(trace, step="1"), "How the positions")
    assert isinstance(text, Text)
    assert "Index 13 plus the rope delta -3 is 10: position 10" in text.text


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
    assert video == [f"Positions in video 1, frame {frame} of 3" for frame in (1, 2, 3)]


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
    assert checks(trace, **asked)["rotation of the query"][0] == "agrees"


def test_what_was_not_kept_is_said() -> None:
    trace = run(random_model("qwen2"), {"input_ids": torch.arange(1, 9)[None]})
    text = titled(VIEW(trace, token="2", layer="1"), "Query")
    assert isinstance(text, Text)
    assert "--values '*.1.*:attention.*'" in text.text


# What goes wrong, and where it is seen.


def test_a_stale_delta() -> None:
    model = random_model("qwen2_5_vl")
    with inspector.capture(model) as trace, torch.no_grad():
        model(**inputs("qwen2_5_vl", [[3, IMAGE, 4]]))
        cache = model(**inputs("qwen2_5_vl", [[6]]), use_cache=True).past_key_values
        model(input_ids=torch.tensor([[9]]), past_key_values=cache)
    strip = titled(VIEW(trace), "Forwards")
    assert column(strip, "mark") == [None, None, "≠"]
    last = dict(zip([c.name for c in strip.columns], list(strip.rows)[2], strict=True))  # type: ignore[union-attr]
    assert (last["delta held"], last["written"], last["delta needed"]) == (-3, "in forward 0", 0)
    assert (last["expected"], last["found"]) == ("6", "3")
    result, evidence = checks(trace, step="2")["rope delta"]
    assert result == "≠ differs"
    assert evidence == "-3 was written in forward 0; these tokens need 0."


def test_types_left_out() -> None:
    given = inputs("qwen2_5_vl", [[3, IMAGE, 4]])
    del given["mm_token_type_ids"]
    trace = run(random_model("qwen2_5_vl"), given)
    found = checks(trace)
    assert found["mm_token_type_ids"][0] == "≠ differs"
    assert found["positions"] == (
        "≠ differs",
        "9 of 13 tokens stand elsewhere, first token 4: 3,3,4 expected, 4 found.",
    )
    assert "same number for every token" in found["image 1"][1]
    assert column(titled(VIEW(trace), "Tokens"), "mark") == [None] * 4 + ["≠"] * 9


def test_types_that_contradict_the_ids() -> None:
    given = inputs("qwen2_5_vl", [[3, IMAGE, 4]])
    given["mm_token_type_ids"][0, 8] = 0
    trace = run(random_model("qwen2_5_vl"), {**given, "position_ids": torch.arange(13).expand(3, 1, -1)})
    assert checks(trace)["mm_token_type_ids"] == ("≠ differs", "The types of 1 token contradict their ids: 8.")


@pytest.mark.parametrize("wrong", [-1, 1])
def test_one_placeholder_too_few_or_too_many(wrong: int) -> None:
    given = inputs("qwen2_5_vl", [[3, IMAGE, 4, IMAGE, 2]])
    given["input_ids"][0, 3 if wrong < 0 else 9] = 9 if wrong < 0 else given["input_ids"][0, 4]
    model = random_model("qwen2_5_vl")
    with pytest.raises(ValueError, match="do not match"), inspector.capture(model) as trace, torch.no_grad():
        model(**given)
    count, word = (5, "few") if wrong < 0 else (7, "many")
    assert checks(trace)["image 1"] == ("≠ differs", f"{count} placeholders for 6 merged tokens: 1 too {word}.")
    assert "image 2" not in checks(trace)


def test_sections_that_do_not_sum() -> None:
    model = random_model("qwen2_5_vl")
    model.model.language_model.rotary_emb.mrope_section = [2, 3, 4]
    model.config.text_config.rope_parameters["mrope_section"] = [2, 3, 4]
    with pytest.raises(RuntimeError), inspector.capture(model) as trace, torch.no_grad():
        model(**inputs("qwen2_5_vl", [[3, IMAGE, 4]]))
    assert checks(trace)["mrope_section"] == (
        "≠ differs",
        "2 + 3 + 4 = 9, and half of the 16 dimensions that turn is 8.",
    )


def test_sections_that_cannot_be_dealt_out_in_turn() -> None:
    model = random_model("qwen3_vl")
    model.model.language_model.rotary_emb.mrope_section = [2, 3, 3]
    model.config.text_config.rope_parameters["mrope_section"] = [2, 3, 3]
    result, evidence = checks(run(model, inputs("qwen3_vl", [[3, IMAGE, 4]])))["mrope_section"]
    assert result == "≠ differs"
    assert evidence.endswith("Dealt out in turn, the axes get 3, 3, 2 instead.")


def test_a_wrong_rotary_pairing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values are right and keys are not: neighbours are turned with each other as if they were halves."""
    import transformers.models.qwen2.modeling_qwen2 as qwen2

    def mispaired(q: Any, k: Any, cos: Any, sin: Any, unsqueeze_dim: int = 1) -> Any:
        half = cos.shape[-1] // 2
        both = (part[..., :half].repeat_interleave(2, -1).unsqueeze(unsqueeze_dim) for part in (cos, sin))
        cos, sin = both

        def turn(x: Any) -> Any:
            other = torch.stack([-x[..., 1::2], x[..., ::2]], dim=-1).flatten(-2)
            return x * cos + other * sin

        return turn(q), turn(k)

    right = run(random_model("qwen2"), {"input_ids": torch.arange(1, 9)[None]}, values="*")
    model = random_model("qwen2")
    attention = model.model.layers[0].self_attn
    monkeypatch.setattr(qwen2, "apply_rotary_pos_emb", mispaired)
    if hasattr(attention, "rotary_fn"):
        monkeypatch.setattr(attention, "rotary_fn", mispaired)
    wrong = run(model, {"input_ids": torch.arange(1, 9)[None]}, values="*")
    asked = {"token": "5", "layer": "0"}
    assert checks(right, **asked)["rotation of the key"][1].startswith("Dimension i turns with i + d/2")
    result, evidence = checks(wrong, **asked)["rotation of the key"]
    assert result == "≠ differs"
    assert evidence.startswith("Dimension 2i turns with 2i + 1, and cos and sin are laid out so that dimension i turns")


def test_neighbours_are_right_where_the_model_means_them() -> None:
    trace = run(random_model("llama4_text"), {"input_ids": torch.arange(1, 9)[None]}, values="*")
    result, evidence = checks(trace, token="5", layer="0")["rotation of the key"]
    assert (result, evidence.partition(";")[0]) == ("agrees", "Dimension 2i turns with 2i + 1")


def test_a_rotation_by_other_angles() -> None:
    model = random_model("qwen2")
    model.model.rotary_emb.inv_freq.mul_(1.5)
    trace = run(model, {"input_ids": torch.arange(1, 9)[None]}, values="*")
    found = checks(trace)["inverse frequencies"]
    assert found == ("≠ differs", "4 pairs of 4 differ, first 0: 1.5 held, 1 asked.")
    assert column(titled(VIEW(trace), "Pairs"), "mark") == ["≠"] * 4


def test_time_that_stands_still() -> None:
    """Seconds truncated to 0, as some versions of transformers did."""
    given = inputs("qwen2_5_vl", [[2, VIDEO, 3]])
    model = random_model("qwen2_5_vl")
    positions, _ = model.model.get_rope_index(**{**given, "second_per_grid_ts": torch.tensor([0])})
    trace = run(model, {**given, "position_ids": positions})
    assert checks(trace)["video 1, time"] == ("≠ differs", "3 frames at 1 temporal position, 3 expected.")


def test_seconds_that_were_not_given() -> None:
    given = inputs("qwen2_5_vl", [[2, VIDEO, 3]])
    del given["second_per_grid_ts"]
    result, evidence = checks(run(random_model("qwen2_5_vl"), given))["video 1, time"]
    assert result == "cannot be told"
    assert "second_per_grid_ts was not given" in evidence


def test_a_trace_without_tokens() -> None:
    (part,) = VIEW(Trace(small_trace().model))
    assert isinstance(part, Text)
    assert "no positions" in part.text


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"row": "1"}, "--row 1: there are 1 rows, counted from 0"),
        ({"step": "4"}, "There is no step '4'; there are 0."),
        ({"picture": "2"}, "--picture 2: there are 1 pictures with a grid in this row, counted from 1"),
        ({"token": "x"}, "--token x: there are 13 tokens"),
        ({"token": "1", "layer": "7"}, "--layer 7: there are 2 layers"),
        ({"token": "1", "head": "2"}, "--head 2: there are 2 heads"),
    ],
)
def test_what_is_not_there(asked: dict[str, str], message: str) -> None:
    trace = run(random_model("qwen2_5_vl"), inputs("qwen2_5_vl", [[3, IMAGE, 4]]))
    with pytest.raises(InputError, match=message):
        VIEW(trace, **asked)
