"""Looks are what eager attention computes, and what the view of attention prints."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

import inspector
from inspector import InputError, Trace
from inspector.tui.widgets.attention import words
from inspector.tui.widgets.attention.lists import offered
from inspector.tui.widgets.attention.looking import Looker, Sight
from inspector.tui.widgets.attention.spot import Spot, choices, chosen
from inspector.views.attention import VIEW
from tests.attention_cases import STEPS, eager, model, pictures, recorded, text
from tests.traces import small_trace


def look(trace: Trace, **spot: Any) -> Sight:
    return Looker(trace).look(Spot(**spot))


def complete(trace: Trace, **spot: Any) -> Sight:
    looker = Looker(trace)
    sight = looker.look(Spot(**spot))
    assert list(looker.rest(sight)).count(None) > 0
    return sight


def close(found: Tensor | None, real: Tensor) -> None:
    assert found is not None
    torch.testing.assert_close(found, real.float(), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("row", [0, 1])
def test_every_head_and_mean_of_a_padded_row_is_eagers(row: int) -> None:
    given = text(True)
    trace = recorded(model("qwen2"), given)
    weights = eager(model("qwen2", "eager"), given).weights["model.layers.1.self_attn"]
    for choice in choices(4, 2):
        heads = chosen(choice, 4, 2)
        for token in (5, 16):  # the first row has five tokens of padding
            sight = look(trace, row=row, heads=choice, token=token)
            assert sight.spot.layer == 1
            close(sight.probabilities, weights[0][row, heads.start : heads.stop, token].mean(0))


def test_a_token_asks_in_the_step_that_brought_it() -> None:
    given = text()
    trace = recorded(model("qwen2"), given)
    weights = eager(model("qwen2", "eager"), given).weights["model.layers.0.self_attn"]
    for step in range(1, STEPS):
        sight = look(trace, layer=0, heads=("head", 3), token=16 + step)
        assert (sight.spot.step, sight.query) == (step, 0)
        close(sight.probabilities, weights[step][0, 3, 0])
    assert [asked.step for asked in look(trace).conversation.asked] == list(range(STEPS))  # type: ignore[union-attr]
    assert look(trace, step=2).spot.token == 18


def test_a_second_conversation_has_tokens_of_its_own() -> None:
    trace = recorded(model("qwen2"), text(), text())
    first, second = look(trace), look(trace, step=STEPS + 1)
    assert first.conversation is not None
    assert second.conversation is not None
    assert [asked.step for asked in second.conversation.asked] == list(range(STEPS, 2 * STEPS))
    assert second.spot.token == 17
    assert look(trace, step=STEPS, token=4).spot.step == STEPS


def test_a_window_that_slid_over_the_cache() -> None:
    sight = look(recorded(model("gemma3_sliding"), text()), step=2, layer=1)
    assert (sight.offset, sight.kernel.keys) == (13, 6)
    assert sight.shares([0, 13, 0], [13, 19, 19]) == pytest.approx([0, 1, 1])


@pytest.mark.parametrize("step", [0, 2])
def test_what_falls_on_pictures_is_what_the_view_says(step: int) -> None:
    trace = recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl", "three"))
    sight = look(trace, step=step, layer=0, heads=("head", 1))
    parts = VIEW(trace, step=str(step), layer="0", head="1")
    shares = {row[0]: row[2] for row in next(part for part in parts if part.title.startswith("Where")).rows}  # type: ignore[union-attr]
    assert sight.probabilities is not None
    for number, region in enumerate(sight.regions, 1):
        assert 100 * region.share(sight.probabilities) == pytest.approx(shares[f"image {number}"], rel=1e-4)
    listed = [
        (row[0], row[3])
        for row in next(part for part in parts if part.title == "Most attended").rows  # type: ignore[union-attr]
    ]
    own = [(item.key + sight.offset, item.probability) for item in sight.top[: len(listed)]]
    assert [key for key, _ in own] == [key for key, _ in listed]
    assert [value for _, value in own] == pytest.approx([value for _, value in listed])


def test_a_patch_in_the_vision_tower_looks_at_its_window_on_the_picture() -> None:
    trace = recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl", "three"))
    sight = look(trace, vision=True, layer=0, patch=30)
    heat = next(
        part for part in VIEW(trace, layer="vision.0", picture="2", query="6") if part.title == "Attention over image 2"
    )
    assert sight.probabilities is not None
    close(torch.tensor(sight.regions[1].map(sight.probabilities)), torch.tensor(heat.values))  # type: ignore[union-attr]
    assert sight.query == sight.patches.places[30]  # type: ignore[union-attr]
    assert look(trace, vision=True, step=3).spot.step == 0


def test_entropies_of_every_layer_and_head_are_the_views() -> None:
    trace = recorded(model("gemma3_sliding"), text())
    sight = complete(trace, token=9, heads=("head", 2))
    drawn = next(part for part in VIEW(trace, query="9") if part.title.startswith("Entropy"))
    close(torch.tensor(sight.entropies), torch.tensor(drawn.values))  # type: ignore[union-attr]
    assert sight.of_heads is not None
    close(sight.probabilities, sight.of_heads[2])


def test_entropies_are_worked_out_once_for_a_query() -> None:
    looker = Looker(recorded(model("qwen2"), text()))
    sight = looker.look(Spot(token=9))
    list(looker.rest(sight))
    again = looker.look(Spot(token=9, layer=0))
    assert all(again.entropies)
    assert not looker.look(Spot(token=8)).entropies[0]


def test_layers_whose_values_were_not_kept_are_told_apart() -> None:
    trace = recorded(model("qwen2"), text(), values=VIEW.needs(layer="0") if VIEW.needs else ())
    sight = complete(trace, layer=0)
    assert not any(map(math.isnan, sight.entropies[0]))
    assert all(map(math.isnan, sight.entropies[1]))
    missing = complete(trace, layer=1)
    assert missing.probabilities is None
    assert "was not kept" in missing.problem
    assert missing.top == []


def test_nothing_to_look_at() -> None:
    with pytest.raises(InputError, match="attention of its own"):
        look(small_trace())
    assert Looker(small_trace()).instead() == []


def test_shapes_alone(tmp_path: Any) -> None:
    from tests.fakes import save_tiny

    trace = inspector.load(save_tiny("qwen2", tmp_path), shape_only=True).trace("Hi")
    with pytest.raises(InputError, match="shapes and no values"):
        look(trace)


def test_the_picture_is_the_one_that_the_model_saw() -> None:
    looker = Looker(recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl"), values=("*:attention.*", ":input.pixel*")))
    (region,) = looker.look(Spot()).regions
    assert not looker.has_picture(region)
    assert looker.picture(region) is not None
    assert looker.picture(region).shape == (10 * 14, 6 * 14, 3)
    assert looker.has_picture(region)


def test_layers_have_the_models_numbers() -> None:
    """Of Qwen3-Next's four layers the last has attention."""
    looker = Looker(recorded(model("qwen3_next"), text(), steps=1))
    sight = looker.look(Spot())
    assert words.layer_of(sight) == "3, 1 of 1 with attention"
    assert words.layers(sight) == ["3"]
    assert offered("layer", sight, looker.survey).lines == ["3  model.layers.3.self_attn  17 × 17"]
    assert words.layer_of(look(recorded(model("qwen2"), text(), steps=1))) == "1 of 0–1"
