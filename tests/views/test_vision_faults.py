"""Each fault of pictures, injected, where a reader of the vision ledger sees it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import inspector
from inspector.views.vision import VIEW
from tests.fakes import tiny, tiny_inputs
from tests.prompts import inputs, random_model
from tests.views.shown import checks, column, run, titled

ROWS: list[Any] = [[2, ("image", (1, 10, 14)), 3]]


@pytest.mark.parametrize("wrong", [-1, 1])
def test_one_placeholder_too_few_or_too_many(wrong: int) -> None:
    given = inputs("qwen2_5_vl", [[3, ("image", (1, 4, 6)), 4, ("image", (1, 4, 4)), 2]])
    given["input_ids"][0, 3 if wrong < 0 else 9] = 9 if wrong < 0 else given["input_ids"][0, 4]
    model = random_model("qwen2_5_vl")
    with pytest.raises(ValueError, match="do not match"), inspector.capture(model) as trace, torch.no_grad():
        model(**given)
    ledger = titled(VIEW(trace), "Ledger")
    assert column(ledger, "difference") == [wrong, 0, wrong]
    assert column(ledger, "mark") == ["≠", None, "≠"]
    found = checks(VIEW, trace)
    count, word = 6 + wrong, "few" if wrong < 0 else "many"
    assert found["image 1"] == (
        "≠ differs",
        f"{count} placeholders in the ids, 6 tokens asked for by a grid of 1×4×6 patches. 1 too {word}.",
    )
    assert found["image features"] == ("≠ differs", f"{count + 4} placeholders take 10 rows of features.")


def test_features_of_another_length_than_the_grid() -> None:
    """`generate` gives each picture's features on their own: here the second has lost a row."""
    given = inputs("qwen2_5_vl", [[3, ("image", (1, 4, 6)), 4, ("image", (1, 4, 4)), 2]])
    model = random_model("qwen2_5_vl")
    with torch.no_grad():
        encoded = model.model.get_image_features(given["pixel_values"], given["image_grid_thw"])
    first, second = encoded.pooler_output
    encoded.pooler_output = (first, second[:-1])
    given["mm_encoder_outputs"] = {"image": encoded}
    given.pop("pixel_values")
    with pytest.raises(ValueError, match="do not match"), inspector.capture(model) as trace, torch.no_grad():
        model(**given)
    ledger = titled(VIEW(trace), "Ledger")
    assert column(ledger, "features") == [6, 3, 9]
    assert column(ledger, "difference") == [0, 1, 1]
    assert checks(VIEW, trace)["image 2"] == (
        "≠ differs",
        "4 placeholders in the ids, 4 tokens asked for by a grid of 1×4×4 patches. Its features are 3 rows.",
    )


def test_one_placeholder_too_few_for_a_class_token() -> None:
    given = tiny_inputs("llava")
    place = int((given["input_ids"] == 261).nonzero()[0, 1])
    given["input_ids"][0, place] = 65
    model = tiny("llava")
    with pytest.raises(ValueError, match="do not match"), inspector.capture(model) as trace, torch.no_grad():
        model(**given)
    assert column(titled(VIEW(trace), "Ledger"), "difference")[-1] == -1
    assert checks(VIEW, trace)["image features"] == ("≠ differs", "7 placeholders take 8 rows of features.")


def test_window_order_that_is_not_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    given = inputs("qwen2_5_vl", [[2, ("image", (1, 10, 14)), 3]])
    kept = run(broken(monkeypatch, lambda merged, order: merged), given)
    result, evidence = checks(VIEW, kept)["window order of images"]
    assert (result, "in window order" in evidence) == ("≠ differs", True)
    copied = run(broken(monkeypatch, lambda merged, order: merged.clone()), given, values=VIEW.values)
    result, evidence = checks(VIEW, copied)["window order of images"]
    assert (result, "was not undone" in evidence) == ("≠ differs", True)
    again = run(broken(monkeypatch, lambda merged, order: merged[order]), given, values=VIEW.values)
    assert checks(VIEW, again)["window order of images"] == (
        "≠ differs",
        "The tower's output is the merger's in neither order.",
    )


def test_window_order_is_told_without_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """The index by which the tower puts rows back is small, and follows from the grid."""
    given = inputs("qwen2_5_vl", [[2, ("image", (1, 10, 14)), 3]])
    result, evidence = checks(VIEW, run(random_model("qwen2_5_vl"), given, flow=True))["window order of images"]
    assert (result, "by the index that undoes" in evidence) == ("agrees", True)
    wrong = run(broken(monkeypatch, lambda merged, order: merged[order]), given, flow=True)
    result, evidence = checks(VIEW, wrong)["window order of images"]
    assert (result, "by another index" in evidence) == ("≠ differs", True)


def broken(monkeypatch: pytest.MonkeyPatch, undo: Any) -> Any:
    """A model whose vision tower puts its merged tokens back in another way."""
    from transformers.vision_utils import get_vision_window_index

    model = random_model("qwen2_5_vl")
    tower = model.model.visual
    right = tower.forward

    def forward(hidden_states: Any, grid_thw: Any, **kwargs: Any) -> Any:
        found = right(hidden_states, grid_thw=grid_thw, **kwargs)
        order, _ = get_vision_window_index(grid_thw, 2, 56, 14)
        found.pooler_output = undo(merged[-1], order)
        return found

    merged: list[Any] = []
    tower.merger.register_forward_hook(lambda module, args, output: merged.append(output))
    tower.forward = forward
    return model


def test_other_blocks_with_full_attention_than_the_configuration_says() -> None:
    model = random_model("qwen2_5_vl")
    model.model.visual.fullatt_block_indexes = [0]
    trace = run(model, inputs("qwen2_5_vl", [[2, ("image", (1, 10, 14)), 3]]))
    assert checks(VIEW, trace)["vision blocks, images"] == (
        "≠ differs",
        "Block 0 attends to whole frames; the configuration says 1.",
    )
    assert column(titled(VIEW(trace), "Vision blocks"), "mark") == ["≠", "≠"]


def test_a_configuration_unlike_the_published_models() -> None:
    trace = run(random_model("qwen2_5_vl", depth=32, fullatt_block_indexes=[0, 8, 16, 24]), inputs("qwen2_5_vl", ROWS))
    assert checks(VIEW, trace)["fullatt_block_indexes"] == (
        "≠ differs",
        "The configuration says 0, 8, 16, 24, published models of this depth 7, 15, 23, 31.",
    )


def test_patches_that_turn_by_other_places() -> None:
    model = random_model("qwen2_5_vl")
    rotary = model.model.visual.rotary_pos_emb
    rotary.register_forward_pre_hook(lambda module, args: (args[0], args[1].flip(1)))
    trace = run(model, inputs("qwen2_5_vl", [[2, ("image", (1, 4, 6)), 3]]))
    assert checks(VIEW, trace)["positions in model.visual"][0] == "≠ differs"
