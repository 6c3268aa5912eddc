"""The ledger of models whose pictures have no grid, in batches made elsewhere: what can be known of each picture, and
what cannot.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForImageTextToText

import inspector
from inspector import Trace
from inspector.analysis.ledger import entries
from inspector.analysis.placement import placements
from inspector.views.vision import VIEW
from tests.fakes import HEADS_OF_8, IMAGE, TEXT, tiny, tiny_inputs
from tests.views.shown import checks, column, results, run, titled

VISION = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "patch_size": 14,
}
MODELS: dict[str, dict[str, Any]] = {
    "paligemma": {
        "text_config": {"model_type": "gemma", **HEADS_OF_8},
        "vision_config": {"model_type": "siglip_vision_model", **VISION, "image_size": 28, "projection_dim": 32},
        **{"projection_dim": 32, "hidden_size": 32, "image_token_id": IMAGE},
    },
    "mistral3": {
        "text_config": {"model_type": "mistral", **HEADS_OF_8, "sliding_window": None},
        "vision_config": {"model_type": "pixtral", **VISION, "head_dim": 8, "image_size": 56},
        **{"image_token_index": IMAGE, "image_token_id": IMAGE, "spatial_merge_size": 2},
    },
    "aya_vision": {
        "text_config": {"model_type": "cohere2", **HEADS_OF_8},
        "vision_config": {"model_type": "siglip_vision_model", **VISION, "image_size": 56},
        **{"image_token_index": IMAGE, "image_token_id": IMAGE, "downsample_factor": 2},
    },
    "llava_next": {
        "text_config": {"model_type": "llama", **TEXT},
        "vision_config": {"model_type": "clip_vision_model", **VISION, "image_size": 28},
        **{"image_token_id": IMAGE, "image_grid_pinpoints": [[28, 28], [28, 56], [56, 28]], "image_seq_length": 4},
    },
}


def model(name: str) -> Any:
    if name not in MODELS:
        return tiny(name)
    return AutoModelForImageTextToText.from_config(AutoConfig.for_model(name, **MODELS[name])).eval()


def rows(*runs: list[int]) -> dict[str, torch.Tensor]:
    """A batch padded on the left. Each row is runs of text, and of placeholders where a number is negative."""
    made = [[IMAGE if count < 0 else 5 + place for count in row for place in range(abs(count))] for row in runs]
    longest = max(map(len, made))
    ids = torch.tensor([[0] * (longest - len(row)) + row for row in made])
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in made])
    return {"input_ids": ids, "attention_mask": mask}


def pixels(count: int, side: int = 28) -> torch.Tensor:
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(1))


def ledger(trace: Trace, name: str) -> list[Any]:
    return column(titled(VIEW(trace), "Ledger"), name)


def test_pictures_in_several_rows() -> None:
    """Two in one row and one in the other: each has the tokens of its own features."""
    given = rows([3, -4, 9, -4, 3], [1, -4, 2])
    types = (given["input_ids"] == IMAGE).long()
    trace = run(model("gemma3"), {**given, "pixel_values": pixels(3, 56), "token_type_ids": types})
    assert results(VIEW, trace) == {"agrees"}
    assert ledger(trace, "picture") == ["image 1", "image 2", "image 3", "all images"]
    assert ledger(trace, "row") == [0, 0, 1, None]
    assert ledger(trace, "placeholders") == ledger(trace, "features") == [4, 4, 4, 12]


def test_pictures_that_follow_each_other_are_told_apart_by_their_features() -> None:
    given = rows([-4, 5], [-8, 2], [3])
    trace = run(model("paligemma"), {**given, "pixel_values": pixels(3), "token_type_ids": 0 * given["input_ids"]})
    assert results(VIEW, trace) == {"agrees"}
    assert ledger(trace, "row") == [0, 1, 1, None]
    assert ledger(trace, "difference") == [0, 0, 0, 0]
    spans = [entry.span for entry in entries(trace, placements(trace)[0])]
    assert [(span.start, span.stop) for span in spans if span] == [(0, 4), (0, 4), (4, 8)]


def test_pictures_of_several_sizes() -> None:
    """28×56 and 56×56 pixels: 2 and 4 tokens by `image_sizes`, which their features bear out."""
    sizes = torch.tensor([[28, 56], [56, 56]])
    given = {**rows([3, -2, 9, -4, 3]), "pixel_values": pixels(2, 56), "image_sizes": sizes}
    trace = run(model("mistral3"), given)
    assert results(VIEW, trace) == {"agrees"}
    assert ledger(trace, "resized") == ["56×28", "56×56", None]
    assert ledger(trace, "patches") == [8, 16, 24]
    assert ledger(trace, "placeholders") == ledger(trace, "features") == [2, 4, 6]
    assert column(titled(VIEW(trace), "From pixels"), "of each picture")[-1] == "2, 4"


def test_features_that_stay_in_rows_and_columns() -> None:
    trace = run(model("aya_vision"), {**rows([3, -4, 9, -4, 3]), "pixel_values": pixels(2, 56)})
    assert results(VIEW, trace) == {"agrees"}
    assert ledger(trace, "features") == [4, 4, 8]


def test_one_placeholder_too_few_in_a_run_of_its_own() -> None:
    given = {**rows([3, -4, 9, -3, 3], [1, -4, 2]), "pixel_values": pixels(3, 56)}
    given["token_type_ids"] = (given["input_ids"] == IMAGE).long()
    trace = failed(model("gemma3"), given)
    assert ledger(trace, "difference") == [0, -1, 0, -1]
    assert checks(VIEW, trace)["image 2"] == (
        "≠ differs",
        "3 placeholders in the ids, 4 tokens asked for by its features. 1 too few.",
    )


def test_what_cannot_be_told_apart_is_not_averaged() -> None:
    """Seven placeholders for two pictures of four tokens that follow each other, and a second row."""
    given = {**rows([3, -7, 3], [1, -4, 2]), "pixel_values": pixels(3)}
    trace = failed(model("llava"), given)
    assert ledger(trace, "picture") == ["images of row 0", "images of row 1", "all images"]
    assert ledger(trace, "difference") == [None, None, -1]
    found = checks(VIEW, trace)
    assert found["images of row 0"] == (
        "cannot be told",
        "7 placeholders in the ids; how many each picture takes cannot be told.",
    )
    assert found["image features"] == ("≠ differs", "11 placeholders take 12 rows of features.")


def test_tiles_that_are_put_together_anew_claim_no_difference() -> None:
    """LLaVA-NeXT adds a newline to each row of its tiles, outside any module: 14 tokens of 3 tiles of 4."""
    given = {**rows([3, -14, 4, -14, 2]), "pixel_values": torch.randn(2, 3, 3, 28, 28)}
    trace = run(model("llava_next"), {**given, "image_sizes": torch.tensor([[28, 56], [28, 56]])})
    assert results(VIEW, trace) == {"cannot be told"}
    assert ledger(trace, "difference") == [None, None]


def test_tiles_are_not_taken_for_pictures() -> None:
    trace = run(tiny("idefics3"), tiny_inputs("idefics3"))
    assert ledger(trace, "picture") == ["images of row 0", "all images"]
    assert ledger(trace, "placeholders") == ledger(trace, "features") == [10, 10]
    assert set(column(titled(VIEW(trace), "From pixels"), "of each picture")) == {None}


@pytest.mark.parametrize("name", ["llava", "gemma3", "idefics3", "qwen2_5_vl"])
@pytest.mark.parametrize("asked", [{"num_beams": 3}, {"num_return_sequences": 2, "do_sample": True}])
def test_rows_that_share_their_pictures(name: str, asked: dict[str, Any]) -> None:
    """Beams, and several sequences for one prompt: a picture is encoded once, and each row takes its features."""
    subject, given = model(name), tiny_inputs(name)
    with inspector.capture(subject) as trace:
        subject.generate(**given, max_new_tokens=2, pad_token_id=0, **asked)
    assert results(VIEW, trace) <= {"agrees", "cannot be told"}
    assert "≠" not in ledger(trace, "mark")
    copies = asked.get("num_beams") or asked["num_return_sequences"]
    once = int((given["input_ids"] == IMAGE).sum())
    assert ledger(trace, "placeholders")[-1] == copies * once == ledger(trace, "features")[-1]
    assert sum(ledger(trace, "placeholders")[:-1]) == once
    told = f"{copies * once} placeholders take {copies * once} rows of features. {once} were encoded, for each of"
    assert checks(VIEW, trace)["image features"][1].startswith(told)


def failed(subject: Any, given: dict[str, Any]) -> Trace:
    """The trace of a forward that raises."""
    with pytest.raises(ValueError, match="do not match"), inspector.capture(subject) as trace, torch.no_grad():
        subject(**given)
    return trace
