"""Each fault of positions, injected, where a reader of the view sees it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import inspector
from inspector.views.positions import VIEW
from tests.prompts import inputs, random_model
from tests.views.shown import checks, column, run, titled

IMAGE, VIDEO = ("image", (1, 4, 6)), ("video", (3, 4, 8))


def test_a_stale_delta() -> None:
    model = random_model("qwen2_5_vl")
    with inspector.capture(model) as trace, torch.no_grad():
        model(**inputs("qwen2_5_vl", [[3, IMAGE, 4]]))
        cache = model(**inputs("qwen2_5_vl", [[6]]), use_cache=True).past_key_values
        model(input_ids=torch.tensor([[9]]), past_key_values=cache)
    strip = titled(VIEW(trace), "Steps")
    assert column(strip, "mark") == [None, None, "≠"]
    last = dict(zip([c.name for c in strip.columns], list(strip.rows)[2], strict=True))  # type: ignore[union-attr]
    assert (last["delta held"], last["written"], last["delta needed"]) == (-3, "in step 0", 0)
    assert (last["expected"], last["found"]) == ("6", "3")
    result, evidence = checks(VIEW, trace, step="2")["rope delta"]
    assert result == "≠ differs"
    assert evidence == "-3 was written in step 0; these tokens need 0."


def test_types_left_out() -> None:
    given = inputs("qwen2_5_vl", [[3, IMAGE, 4]])
    del given["mm_token_type_ids"]
    trace = run(random_model("qwen2_5_vl"), given)
    found = checks(VIEW, trace)
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
    assert checks(VIEW, trace)["mm_token_type_ids"] == ("≠ differs", "The types of 1 token contradict their ids: 8.")


@pytest.mark.parametrize("wrong", [-1, 1])
def test_one_placeholder_too_few_or_too_many(wrong: int) -> None:
    given = inputs("qwen2_5_vl", [[3, IMAGE, 4, IMAGE, 2]])
    given["input_ids"][0, 3 if wrong < 0 else 9] = 9 if wrong < 0 else given["input_ids"][0, 4]
    model = random_model("qwen2_5_vl")
    with pytest.raises(ValueError, match="do not match"), inspector.capture(model) as trace, torch.no_grad():
        model(**given)
    count, word = (5, "few") if wrong < 0 else (7, "many")
    assert checks(VIEW, trace)["image 1"] == ("≠ differs", f"{count} placeholders for 6 merged tokens: 1 too {word}.")
    assert "image 2" not in checks(VIEW, trace)


def test_sections_that_do_not_sum() -> None:
    model = random_model("qwen2_5_vl")
    model.model.language_model.rotary_emb.mrope_section = [2, 3, 4]
    model.config.text_config.rope_parameters["mrope_section"] = [2, 3, 4]
    with pytest.raises(RuntimeError), inspector.capture(model) as trace, torch.no_grad():
        model(**inputs("qwen2_5_vl", [[3, IMAGE, 4]]))
    assert checks(VIEW, trace)["mrope_section"] == (
        "≠ differs",
        "2 + 3 + 4 = 9, and half of the 16 dimensions that turn is 8.",
    )


def test_sections_that_cannot_be_dealt_out_in_turn() -> None:
    model = random_model("qwen3_vl")
    model.model.language_model.rotary_emb.mrope_section = [2, 3, 3]
    model.config.text_config.rope_parameters["mrope_section"] = [2, 3, 3]
    result, evidence = checks(VIEW, run(model, inputs("qwen3_vl", [[3, IMAGE, 4]])))["mrope_section"]
    assert result == "≠ differs"
    assert evidence.endswith("Dealt out in turn, the axes get 3, 3, 2 instead.")


def mispair(monkeypatch: pytest.MonkeyPatch, model: Any) -> None:
    """Let a Qwen2 turn neighbours with each other, while cos and sin are laid out for halves."""
    import transformers.models.qwen2.modeling_qwen2 as qwen2

    def mispaired(q: Any, k: Any, cos: Any, sin: Any, unsqueeze_dim: int = 1) -> Any:
        half = cos.shape[-1] // 2
        both = (part[..., :half].repeat_interleave(2, -1).unsqueeze(unsqueeze_dim) for part in (cos, sin))
        cos, sin = both

        def turn(x: Any) -> Any:
            other = torch.stack([-x[..., 1::2], x[..., ::2]], dim=-1).flatten(-2)
            return x * cos + other * sin

        return turn(q), turn(k)

    monkeypatch.setattr(qwen2, "apply_rotary_pos_emb", mispaired)
    for layer in model.model.layers:
        if hasattr(layer.self_attn, "rotary_fn"):
            monkeypatch.setattr(layer.self_attn, "rotary_fn", mispaired)


def test_a_wrong_rotary_pairing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values are right and keys are not: neighbours are turned with each other as if they were halves."""
    right = run(random_model("qwen2"), {"input_ids": torch.arange(1, 9)[None]}, values="*")
    mispair(monkeypatch, model := random_model("qwen2"))
    wrong = run(model, {"input_ids": torch.arange(1, 9)[None]}, values="*")
    asked = {"token": "5", "layer": "0"}
    assert checks(VIEW, right, **asked)["rotation of the key"][1].startswith("Dimension i turns with i + d/2")
    result, evidence = checks(VIEW, wrong, **asked)["rotation of the key"]
    assert result == "≠ differs"
    assert evidence.startswith("Dimension 2i turns with 2i + 1, and cos and sin are laid out so that dimension i turns")
    layers = "2 layers turn queries and keys in the pairs that the code of the model means."
    assert checks(VIEW, right)["rotation"] == ("agrees", layers)
    result, evidence = checks(VIEW, wrong)["rotation"]
    assert result == "≠ differs"
    assert evidence.startswith("layer 0: Dimension 2i turns with 2i + 1")
    assert "layer 1: " in evidence


def test_neighbours_are_right_where_the_model_means_them() -> None:
    trace = run(random_model("llama4_text"), {"input_ids": torch.arange(1, 9)[None]}, values="*")
    result, evidence = checks(VIEW, trace, token="5", layer="0")["rotation of the key"]
    assert (result, evidence.partition(";")[0]) == ("agrees", "Dimension 2i turns with 2i + 1")


def test_a_rotation_by_other_angles() -> None:
    model = random_model("qwen2")
    model.model.rotary_emb.inv_freq.mul_(1.5)
    trace = run(model, {"input_ids": torch.arange(1, 9)[None]}, values="*")
    found = checks(VIEW, trace)["inverse frequencies"]
    assert found == ("≠ differs", "4 pairs of 4 differ, first 0: 1.5 held, 1 asked.")
    assert column(titled(VIEW(trace), "Pairs"), "mark") == ["≠"] * 4


def test_time_that_stands_still() -> None:
    """Seconds truncated to 0, as some versions of transformers did."""
    given = inputs("qwen2_5_vl", [[2, VIDEO, 3]])
    model = random_model("qwen2_5_vl")
    positions, _ = model.model.get_rope_index(**{**given, "second_per_grid_ts": torch.tensor([0])})
    trace = run(model, {**given, "position_ids": positions})
    assert checks(VIEW, trace)["video 1, time"] == ("≠ differs", "3 frames at 1 temporal position, 3 expected.")


def test_seconds_that_were_not_given() -> None:
    given = inputs("qwen2_5_vl", [[2, VIDEO, 3]])
    del given["second_per_grid_ts"]
    result, evidence = checks(VIEW, run(random_model("qwen2_5_vl"), given))["video 1, time"]
    assert result == "cannot be told"
    assert "second_per_grid_ts was not given" in evidence


def test_a_mask_that_makes_positions_for_the_whole_cache() -> None:
    """A decoding step called by hand with the mask of all tokens: the model makes positions for all of them."""
    model = random_model("qwen2_5_vl")
    given = inputs("qwen2_5_vl", [[3, IMAGE, 4]])
    mask = torch.ones(1, 14, dtype=torch.long)
    with inspector.capture(model) as trace, torch.no_grad():
        cache = model(**given, use_cache=True).past_key_values
        with pytest.raises(RuntimeError):
            model(input_ids=torch.tensor([[9]]), attention_mask=mask, past_key_values=cache)
    assert checks(VIEW, trace, step="1")["positions"] == ("≠ differs", "14 positions for 1 token.")
    lengths = titled(VIEW(trace), "Lengths")
    assert (column(lengths, "positions"), column(lengths, "mark")) == ([13, 14], [None, "≠"])


def test_text_behind_a_video_whose_time_reaches_beyond_it() -> None:
    """transformers 5 lets text and video share positions, which the published models did not."""
    given = inputs("qwen2_vl", [[2, ("video", (9, 4, 4)), 2]])
    trace = run(random_model("qwen2_vl"), given)
    assert checks(VIEW, trace)["positions"][0] == "agrees"
    result, evidence = checks(VIEW, trace)["after video 1"]
    assert result == "≠ differs"
    assert evidence.startswith("It goes on at 4, while the video's time reaches 10.")


def test_text_that_goes_on_behind_the_largest_position() -> None:
    """The rule is told from what the model did."""
    given = inputs("qwen2_vl", [[2, ("video", (9, 4, 4)), 2]])
    positions, _ = random_model("qwen2_vl").model.get_rope_index(**given)
    positions[..., -2:] = torch.tensor([11, 12])
    trace = run(random_model("qwen2_vl"), {**given, "position_ids": positions})
    assert checks(VIEW, trace)["positions"][0] == "agrees"
    assert "after video 1" not in checks(VIEW, trace)
