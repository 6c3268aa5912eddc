"""Keys are found on the picture: tokens of every picture, patches whose windows are undone, squares without a grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers.vision_utils import get_vision_window_index

import inspector
from inspector import Trace
from inspector.analysis.layers import choose
from inspector.analysis.overlay import LONGEST, overlaid, picture_of, size_of
from inspector.analysis.patches import patches
from inspector.analysis.regions import Region, regions, token_regions
from inspector.analysis.sequence import key_offset, sequence
from tests.attention_cases import GRIDS, STEPS, WINDOW, forwards, model, pictures, recorded, text
from tests.fakes import IMAGE, VIDEO, picture, save_tiny, tiny_inputs


def found(trace: Trace, layer: str, step: int = 0, row: int = 0) -> list[Region]:
    kernel = choose(trace, layer, step)
    if layer.startswith("vision"):
        return patches(kernel, row).regions
    return regions(trace, kernel, row, sequence(trace, step, row))


@pytest.mark.parametrize("name", ["qwen2_vl", "qwen2_5_vl", "qwen3_vl"])
@pytest.mark.parametrize("step", [0, STEPS - 1])
def test_tokens_of_pictures_row_by_row(name: str, step: int) -> None:
    given = pictures(name, "three")
    images = (given["input_ids"][0] == IMAGE).nonzero().flatten().tolist()
    own = found(recorded(model(name), given, values=()), "0", step)
    assert [key for region in own for key in region.keys] == images
    sizes = [(rows // 2, columns // 2) for _, rows, columns in GRIDS["three"]]
    assert [(region.rows, region.columns) for region in own] == sizes
    assert [(region.kind, region.number, region.frame) for region in own] == [("image", n, None) for n in range(3)]


def test_a_picture_beside_padding() -> None:
    trace = recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl", "one", batch=True), values=())
    assert len(found(trace, "0", row=0)) == 1
    assert found(trace, "0", row=1) == []


def test_patches_are_put_back_from_window_order() -> None:
    """Against the order by which transformers' own tower goes through its windows."""
    subject = model("qwen2_5_vl")
    trace = recorded(subject, pictures("qwen2_5_vl", "three"), values=())
    vision = subject.config.vision_config
    order, _ = get_vision_window_index(
        torch.tensor(GRIDS["three"]), vision.spatial_merge_size, vision.window_size, vision.patch_size
    )
    places = (order[:, None] * 4 + torch.arange(4)).flatten()  # the patch at each place of the blocks
    kernel = choose(trace, "vision.0")
    assert [int(places[place]) for place in patches(kernel, 0).places] == list(range(kernel.keys))
    first = 0
    for region, (_, rows, columns) in zip(found(trace, "vision.0"), GRIDS["three"], strict=True):
        blocks = torch.arange(rows * columns).view(rows // 2, columns // 2, 2, 2).permute(0, 2, 1, 3).reshape(-1)
        assert (places[list(region.keys)] - first == blocks).all()
        first += rows * columns


def test_towers_without_windows_keep_the_order_of_their_patches() -> None:
    trace = recorded(model("qwen3_vl"), pictures("qwen3_vl", "one"), values=())
    assert list(patches(choose(trace, "vision.0"), 0).places) == list(range(60))
    (region,) = found(trace, "vision.0")
    assert region.keys[:6] == (0, 1, 4, 5, 8, 9)


def test_frames_of_a_video_are_regions_of_their_own() -> None:
    ids = torch.tensor([[1, *[VIDEO] * 12, 2]])
    given = {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "mm_token_type_ids": 2 * (ids == VIDEO).long(),
        "pixel_values_videos": torch.randn(48, 1176),
        "video_grid_thw": torch.tensor([[3, 4, 4]]),
    }
    trace = recorded(model("qwen2_5_vl"), given, values=())
    own = found(trace, "0")
    assert [(region.kind, region.frame, region.keys[0]) for region in own] == [
        ("video", 0, 1),
        ("video", 1, 5),
        ("video", 2, 9),
    ]
    assert [(region.rows, region.frame) for region in found(trace, "vision.1")] == [(4, 0), (4, 1), (4, 2)]


@pytest.mark.parametrize(("name", "tokens", "patches"), [("llava", 4, 4), ("gemma3", 4, 16)])
def test_pictures_without_a_grid_are_squares(name: str, tokens: int, patches: int) -> None:
    given = tiny_inputs(name)
    trace = recorded(model(name), given, values=())
    images = (given["input_ids"][0] == IMAGE).nonzero().flatten().tolist()
    own = found(trace, "0")
    assert [len(region.keys) for region in own] == [tokens, tokens]
    assert [key for region in own for key in region.keys] == images
    (tower,) = found(trace, "vision.0", row=1)
    assert (len(tower.keys), tower.number) == (patches, 1)


def test_the_grid_of_a_picture_before_the_trace_is_told_from_its_proportions(tmp_path: Path) -> None:
    session = inspector.load(save_tiny("qwen2_5_vl", tmp_path))
    asked = {"max_new_tokens": 2, "min_new_tokens": 2, "suppress_tokens": [IMAGE, VIDEO]}
    generation = session.generate("What is it?", images=picture(224, 56), **asked)
    generation.run()
    whole, step = session.trace("What is it?", images=picture(224, 56)), generation.trace_step(1)
    own, again = (token_regions(trace, 0, sequence(trace, 0, 0)) for trace in (whole, step))
    assert [(region.rows, region.columns) for region in own] == [(2, 8)]
    assert again == own


def test_a_window_that_slid_over_the_picture() -> None:
    """Keys that fell out of the cache are not there to be looked at."""
    trace = recorded(model("gemma3_sliding"), text(), values=())
    for step in range(STEPS):
        tokens = sequence(trace, step, 0)
        assert len(tokens.places) == 17 + step
        assert tokens.first == (0 if step == 0 else 16 + step)
        expected = 0 if step == 0 else 17 + step - WINDOW
        assert key_offset(choose(trace, "0", step), tokens) == expected


def test_the_sequence_of_a_second_conversation_and_of_a_cropped_cache() -> None:
    subject = model("qwen2")
    with inspector.capture(subject) as trace, torch.no_grad():
        forwards(subject, text(), 3)
        cache = forwards(subject, text(True), 2)
        cache.crop(-10)
        subject(torch.full((2, 1), 77), past_key_values=cache)
    second, last = sequence(trace, 4, 1), sequence(trace, 5, 1)
    assert [place.id for place in second.places] == [*text(True)["input_ids"][1].tolist(), 41]
    assert [place.id for place in last.places] == [*text(True)["input_ids"][1].tolist()[:8], 77]
    assert last.first == 8
    assert [place.index for place in last.places] == list(range(9))


def test_decoded_tokens_have_the_text_that_is_known_of_their_ids(tmp_path: Path) -> None:
    session = inspector.load(save_tiny("qwen2", tmp_path))
    with inspector.capture(session.model, tokenizer=session.processor.tokenizer) as trace, torch.no_grad():
        ids = torch.tensor([[72, 105, 256, 72]])
        out = session.model(ids)
        session.model(torch.tensor([[105]]), past_key_values=out.past_key_values)
    tokens = sequence(trace, 1, 0)
    assert [place.text for place in tokens.places] == ["H", "i", "<|endoftext|>", "H", "i"]
    assert tokens.places[2].kind == "special"


def region(**changes: Any) -> Region:
    return Region(**{"kind": "image", "number": 0, "rows": 1, "columns": 2, "keys": (3, -1), **changes})


def test_a_map_of_what_is_there() -> None:
    probabilities = torch.tensor([0.0, 0.1, 0.2, 0.7])
    assert region().map(probabilities) == [[pytest.approx(0.7), 0.0]]
    assert region(rows=2, columns=1, keys=(1, 2)).map(probabilities) == [[pytest.approx(0.1)], [pytest.approx(0.2)]]
    assert region().share(probabilities) == pytest.approx(0.7)


def test_the_map_is_drawn_over_the_picture() -> None:
    assert size_of(3, 4) == (LONGEST, LONGEST * 3 // 4)
    width, height, rgb = overlaid([[0.0, 1.0], [0.0, 0.0]], Image.new("RGB", (50, 40), (10, 200, 10)))
    drawn = np.frombuffer(rgb, np.uint8).reshape(height, width, 3).astype(int)
    hot, cold = drawn[height // 5, -width // 5], drawn[-height // 5, width // 5]
    assert hot[0] > 150 > cold[0]
    assert cold[1] > cold[0], "where nobody looks the picture shows"
    dark = overlaid([[0.0, float("nan")]], Image.new("RGB", (8, 8)))
    assert max(dark[2]) < 80


def test_the_picture_is_read_from_its_file_if_that_is_the_same(tmp_path: Path) -> None:
    session = inspector.load(save_tiny("qwen2_5_vl", tmp_path / "model"))
    file = tmp_path / "noise.png"
    picture(84, 56).save(file)
    trace = session.trace("Hi", images=[file])
    (own,) = found(trace, "0")
    opened = picture_of(trace, own)
    assert opened is not None
    assert opened.size == (84, 56)
    picture(20, 56).save(file)
    assert picture_of(trace, own) is None
    file.write_bytes(b"no picture")
    assert picture_of(trace, own) is None
    file.unlink()
    assert picture_of(trace, own) is None
    assert picture_of(trace, region(number=3)) is None
