"""Rows whose positions are laid out in ways of their own: packed sequences, prepared masks, other axes."""

from __future__ import annotations

import pytest
import torch

import inspector
from inspector.views.positions import VIEW
from tests.fakes import IMAGE, TEXT, VIDEO
from tests.prompts import inputs, random_model
from tests.views.shown import checks, column, run, titled
from tests.views.test_position_models import SMALL, differing, ids, model_of

PACKED = torch.cat([torch.arange(5), torch.arange(7), torch.arange(3)])[None]


@pytest.mark.parametrize("kind", ["qwen2", "gemma3_text", "llama4_text", "qwen2_5_vl"])
def test_packed_sequences(kind: str) -> None:
    """With four axes, the first is the one that masks are made of."""
    positions = PACKED.expand(4, 1, -1) if kind == "qwen2_5_vl" else PACKED
    trace = run(random_model(kind), {**ids(15), "position_ids": positions, "use_cache": False}, values="*")
    assert differing(trace) == {}
    assert checks(VIEW, trace)["packed"] == (
        "agrees",
        "3 sequences are packed into this row, of 5, 7, 3 tokens; each counts from 0. Masks keep them apart.",
    )
    assert column(titled(VIEW(trace), "Runs"), "wrong") == [0, 0, 0]
    assert column(titled(VIEW(trace), "Tokens"), "expected")[4:7] == ["4", "0", "1"]


def test_packed_sequences_that_see_each_other() -> None:
    """transformers makes no mask for them where it makes a cache."""
    trace = run(random_model("qwen2"), {**ids(15), "position_ids": PACKED, "use_cache": True})
    result, evidence = checks(VIEW, trace)["packed"]
    assert result == "≠ differs"
    assert "Masks do not keep them apart, so that each sees those before it" in evidence


def test_positions_that_restart_under_a_padding_mask_are_wrong() -> None:
    given = {**ids(15), "position_ids": PACKED, "attention_mask": torch.ones(1, 15, dtype=torch.long)}
    assert differing(run(random_model("qwen2"), given))["positions"].startswith("10 of 15 tokens stand elsewhere")


@pytest.mark.parametrize("cache", ["static", "dynamic"])
def test_left_padding_while_generating(cache: str) -> None:
    """With a static cache, `generate` hands over prepared masks in place of the padding."""
    given = inputs("qwen2", [[12], [17]])
    del given["mm_token_type_ids"]
    model = random_model("qwen2")
    with inspector.capture(model) as trace:
        model.generate(**given, max_new_tokens=3, do_sample=False, cache_implementation=cache, eos_token_id=None)
    for row in ("0", "1"):
        for step in ("0", "2"):
            assert differing(trace, row=row, step=step) == {}
    assert column(titled(VIEW(trace), "Tokens"), "kind")[:6] == ["pad"] * 5 + ["text"]


def test_four_axes() -> None:
    """HunYuan-VL: text stands at the same number on all, and what pictures are given on three is not known here."""
    text = {
        **{**SMALL, "num_key_value_heads": 2},
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 2, 2, 2]},
    }
    vision = {
        **{"hidden_size": 32, "num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": 48},
        **{"out_hidden_size": 32, "patch_size": 14, "image_size": 56},
    }
    model = model_of("hunyuan_vl", text_config=text, vision_config=vision, image_token_id=IMAGE)
    asked = {"token": "7", "layer": "0"}
    trace = run(model, ids(), values="*")
    assert {result for result, _ in checks(VIEW, trace, **asked).values()} == {"agrees"}
    assert column(titled(VIEW(trace), "Rotary"), "sections")[0] == "2 2 2 2"
    assert set(column(titled(VIEW(trace), "Pairs"), "axis")) == {"position"}

    row = [5, 6, 7, *[IMAGE] * (2 * (3 + 1) + 2), 8, 9]  # each row of the picture ends with one more, and it is framed
    given = {
        **{"input_ids": torch.tensor([row]), "attention_mask": torch.ones(1, len(row), dtype=torch.long)},
        **{"mm_token_type_ids": (torch.tensor([row]) == IMAGE).long(), "image_grid_thw": torch.tensor([[1, 4, 6]])},
        "pixel_values": torch.randn(24, 3 * 14 * 14, generator=torch.Generator().manual_seed(0)),
    }
    trace = run(model, given, values="*")
    found = checks(VIEW, trace, **asked)
    assert [name for name, (result, _) in found.items() if result != "agrees"] == ["axes"]
    assert found["axes"][1].startswith("Not checked: 8 tokens of pictures on all of 4 axes but the first")
    assert "Not checked: 8 tokens of pictures" in found["cos and sin"][1]
    said = titled(VIEW(trace, **asked), "Where the token")
    assert "It counts on like text on the first of 4 axes, 7; the others are not known here." in column(said, "value")
    assert set(column(titled(VIEW(trace, **asked), "Query of token"), "expected x")) == {None}


def test_pictures_without_axes_of_their_own() -> None:
    """MiniMax-M3 is given grids, and counts the tokens of pictures like text."""
    vision = {
        **{"hidden_size": 32, "num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": 48},
        **{"patch_size": 14, "image_size": 56},
    }
    given = inputs("qwen2_vl", [[3, ("image", (1, 4, 6)), 4]])
    numbers = {"image_token_id": IMAGE, "video_token_id": VIDEO}
    trace = run(model_of("minimax_m3_vl", text_config={**TEXT}, vision_config=vision, **numbers), given)
    assert differing(trace) == {}
    assert column(titled(VIEW(trace), "Runs"), "positions") == ["0–2", "3–8", "9–12"]
    assert "their tokens count on, 3 to 8." in titled(VIEW(trace), "How the positions").text  # type: ignore[union-attr]
    where = dict(list(row)[:2] for row in titled(VIEW(trace, token="5"), "Where the token").rows)  # type: ignore[union-attr]
    assert where["comes about"] == "Tokens count on, padding left out: 5."


def test_types_are_not_missed_where_the_positions_came_ready_made() -> None:
    model = random_model("qwen2_5_vl")
    given = inputs("qwen2_5_vl", [[3, ("image", (1, 8, 8)), 4]])
    named = {name: given[name] for name in ("input_ids", "image_grid_thw", "attention_mask", "mm_token_type_ids")}
    positions, _ = model.model.get_rope_index(**named)
    del given["mm_token_type_ids"]
    assert checks(VIEW, run(model, given))["mm_token_type_ids"][0] == "≠ differs"
    trace = run(model, {**given, "position_ids": positions})
    assert checks(VIEW, trace)["mm_token_type_ids"] == (
        "agrees",
        "Not given, nor needed: the positions came ready-made.",
    )
    assert differing(trace) == {}
