"""The vision ledger on real random models: sizes, patches, features, the picture rebuilt, and the two-way map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import inspector
from inspector import InputError, Session, Trace
from inspector.parts import Heatmap, Part, Picture, Table, Text
from inspector.views.vision import VIEW
from tests.fakes import picture, save_tiny, tiny, tiny_inputs
from tests.prompts import inputs, random_model
from tests.traces import small_trace
from tests.views.shown import checks, column, generated, results, run, titled

ROWS: list[Any] = [[2, ("image", (1, 10, 14)), 3], [1, ("video", (2, 4, 8)), 1, ("image", (1, 18, 6)), 20]]
QWEN = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return inspector.load(save_tiny("qwen2_5_vl", tmp_path_factory.mktemp("vision") / "model"))


def gradient(width: int, height: int) -> Image.Image:
    """A picture whose pixels tell where they are."""
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([across, down, np.full_like(across, 80)], axis=-1).astype(np.uint8))


def record(table: Part, place: int = 0) -> dict[str, Any]:
    """A row by the names of the columns."""
    assert isinstance(table, Table)
    return dict(zip([column.name for column in table.columns], list(table.rows)[place], strict=True))


@pytest.mark.parametrize("name", QWEN)
def test_everything_agrees_in_models_that_are_right(name: str) -> None:
    trace = run(random_model(name), inputs(name, ROWS), values=VIEW.values)
    parts = VIEW(trace)
    assert results(VIEW, trace) == {"agrees"}, checks(VIEW, trace)
    ledger = titled(parts, "Ledger")
    video = [8, 8] if name == "qwen3_vl" else [16]  # whose video has its frames apart
    assert column(ledger, "placeholders") == [35, 27, *video, 62, 16]
    assert sum(column(ledger, "difference")) == 0
    assert set(column(ledger, "mark")) == {None}
    assert column(ledger, "patches")[-2:] == [140 + 108, 64]


@pytest.mark.parametrize("name", QWEN)
def test_generation_encodes_pictures_before_its_first_forward(name: str) -> None:
    trace = generated(random_model(name), inputs(name, ROWS))
    assert results(VIEW, trace) <= {"agrees", "cannot be told"}
    assert sum(column(titled(VIEW(trace), "Ledger"), "difference")) == 0


@pytest.mark.parametrize("name", ["llava", "gemma3", "idefics3"])
def test_models_whose_pictures_have_no_grid(name: str) -> None:
    trace = run(tiny(name), tiny_inputs(name))
    assert results(VIEW, trace) == {"agrees"}
    ledger = titled(VIEW(trace), "Ledger")
    assert record(ledger, -1)["picture"] == "all images"
    assert record(ledger, -1)["difference"] == 0
    if name == "llava":
        stages = titled(VIEW(trace), "From pixels")
        assert isinstance(stages, Table)
        assert "'default': it leaves the class token out" in stages.note
        ports = ("output.last_hidden_state", "output")
        each = {row[2]: row[-1] for row in stages.rows if row[3] in ports}
        assert each == {"vision_tower": 5, "patch_embed": 4, "projector": 4}


def test_the_ledger_from_the_original_to_features(session: Session) -> None:
    trace = session.trace("What?", images=[gradient(150, 100), picture(30, 90)], values=VIEW.values)
    first = record(titled(VIEW(trace), "Ledger"))
    assert (first["original"], first["resized"], first["grid"]) == ("150×100", "112×84", "1×6×8")
    assert (first["patches"], first["expected"], first["placeholders"], first["features"]) == (48, 12, 12, 12)
    steps = titled(VIEW(trace), "What the processor did")
    assert isinstance(steps, Table)
    told = {(row[0], row[1]): str(row[2]) for row in steps.rows}
    assert told["images", "resize"] == "bicubic: sides to multiples of 28, 784 to 12,544 pixels in all"
    assert told["image 1", "resize"] == ("150×100 to 112×84: × 0.7467 across, × 0.84 down, so that proportions change")
    assert "rows of 1176 numbers" in told["images", "cut up"]


def test_rows_of_each_picture_between_pixels_and_features(session: Session) -> None:
    """24 and 32 patches, 6 and 8 tokens; never a mean of both."""
    trace = session.trace("What?", images=[picture(84, 56), picture(112, 56)])
    stages = titled(VIEW(trace), "From pixels")
    each = dict(zip(column(stages, "rows"), column(stages, "of each picture"), strict=True))
    assert each == {56: "24, 32", 14: "6, 8"}
    alike = titled(VIEW(session.trace("What?", images=[picture(84, 56)] * 2)), "From pixels")
    assert set(column(alike, "of each picture")) == {24, 6}


def test_the_picture_that_the_model_saw(session: Session) -> None:
    """What the processor resized to, to the last level of the pixels."""
    original = gradient(150, 100)
    trace = session.trace("What?", images=[picture(), original], values=VIEW.values)
    seen = titled(VIEW(trace, picture="2"), "Image 2 as the model saw it")
    assert isinstance(seen, Picture)
    found = np.frombuffer(seen.rgb, dtype=np.uint8).reshape(seen.height, seen.width, 3).astype(int)
    expected = np.asarray(original.resize((112, 84), Image.Resampling.BICUBIC)).astype(int)
    assert np.abs(found - expected).max() <= 1


def test_a_picture_of_which_the_middle_is_left(tmp_path: Path) -> None:
    session = inspector.load(save_tiny("llava", tmp_path))
    steps = titled(VIEW(session.trace("What?", images=picture(84, 56))), "What the processor did")
    assert isinstance(steps, Table)
    assert list(steps.rows)[-1] == (
        "image 1",
        "resize",
        "84×56 to 42×28: × 0.5 across, × 0.5 down; the middle, 28×28, is left",
    )


def test_frames_of_a_video_side_by_side(session: Session) -> None:
    frames = [Image.new("RGB", (56, 56), (level, 0, 0)) for level in (0, 80, 160, 240)]
    trace = session.trace("What?", videos=frames, fps=2, values=VIEW.values)
    seen = titled(VIEW(trace), "Video 1 as the model saw it")
    assert isinstance(seen, Picture)
    assert (seen.width, seen.height) == (4 * 56 + 3 * 4, 56)
    assert [seen.rgb[3 * 60 * place] for place in range(4)] == pytest.approx([0, 80, 160, 240], abs=1)
    assert record(titled(VIEW(trace), "Ledger"))["original"] == "56×56, 4 of 4 frames"


def test_pictures_of_models_without_grids() -> None:
    trace = run(tiny("llava"), tiny_inputs("llava"), values=VIEW.values)
    seen = titled(VIEW(trace, picture="2"), "Image 2 as the model saw it")
    assert isinstance(seen, Picture)
    assert (seen.width, seen.height) == (28, 28)


def test_shape_only_and_saved(session: Session, tmp_path: Path) -> None:
    shapes = inspector.load(session.reference, shape_only=True)
    trace = shapes.trace("What?", images=gradient(150, 100), values=VIEW.values)
    opened = Trace.open(trace.save(tmp_path / "trace"))
    for one in (trace, opened):
        assert results(VIEW, one) <= {"agrees", "cannot be told"}
        assert isinstance(titled(VIEW(one), "Image 1 as the model saw it"), Picture)
        assert record(titled(VIEW(one), "Ledger"))["difference"] == 0
    assert checks(VIEW, trace)["vision blocks, images"][0] == "agrees"


def test_pixels_that_were_not_kept(session: Session) -> None:
    parts = VIEW(session.trace("What?", images=picture()))
    text = titled(parts, "Image 1 as the model saw it")
    assert isinstance(text, Text)
    assert "--values ':input.pixel_values'" in text.text
    assert isinstance(titled(parts, "Windows of image 1"), Picture)  # drawn on an empty sheet


def test_windows_and_blocks(session: Session) -> None:
    trace = session.trace("What?", images=[picture(28, 28), gradient(140, 84)], values=VIEW.values)
    parts = VIEW(trace, picture="2")
    blocks = titled(parts, "Vision blocks")
    assert column(blocks, "attends within") == ["windows", "whole frames"] == column(blocks, "configuration")
    assert column(blocks, "segments") == [7, 2]
    drawn = [part for part in parts if part.title.startswith("Windows")]
    assert [type(part) for part in drawn] == [Picture, Table]
    windows = drawn[1]
    assert column(windows, "rows") == ["0–1", "0–1", "0–1", "2–2", "2–2", "2–2"]
    assert column(windows, "places in window order")[:3] == ["1–4", "5–8", "9–10"]
    order = titled(parts, "Place of each token of image 2")
    assert isinstance(order, Heatmap)
    assert order.values == [[1, 2, 5, 6, 9], [3, 4, 7, 8, 10], [11, 12, 13, 14, 15]]
    assert "put back from window order" in checks(VIEW, trace)["window order of images"][1]


def test_from_a_pixel_to_a_token_and_back(session: Session) -> None:
    trace = session.trace("What?", images=[picture(28, 28), gradient(280, 168)], values=VIEW.values)
    found = record(titled(VIEW(trace, picture="2", pixel="279,0"), "Patches of image 2"))
    assert (found["row"], found["column"], found["merged token"]) == (0, 9, 4)
    assert found["pixels after resizing"] == "126–139, 0–13"
    assert found["pixels of the original"] == "252–279, 0–27"
    assert (found["position"], found["expected"]) == ("10,10,14", "10,10,14")
    back = titled(VIEW(trace, picture="2", token=str(found["token"])), "Patches of image 2")
    assert found["patch"] in column(back, "patch")
    assert len(column(back, "patch")) == 4
    same = record(titled(VIEW(trace, picture="2", patch=str(found["patch"])), "Patches of image 2"))
    assert same == found
    assert isinstance(titled(VIEW(trace, picture="2", pixel="279,0"), "Image 2, patch"), Picture)


def test_a_token_finds_its_picture_among_all(session: Session) -> None:
    """Pictures and a video: every token of them leads to patches of which each leads back to it."""
    video = [gradient(56, 56)] * 4
    trace = session.trace("What?", images=[picture(), gradient(112, 84)], videos=[video], fps=2)
    ledger = titled(VIEW(trace), "Ledger")
    names, ranges = column(ledger, "picture")[:3], column(ledger, "tokens")[:3]
    assert names == ["image 1", "image 2", "video 1"]
    for name, tokens in zip(names, ranges, strict=True):
        first, last = map(int, tokens.split("–"))
        for token in (first, (first + last) // 2, last):
            table = titled(VIEW(trace, token=str(token)), f"Patches of {name}")
            assert column(table, "token") == [token] * 4
    with pytest.raises(InputError, match="belongs to no picture"):
        VIEW(trace, token=str(first - 1))


def test_a_token_of_several_rows_asks_for_the_row() -> None:
    given = inputs("qwen2_5_vl", [[2, ("image", (1, 4, 6)), 3], [2, ("image", (1, 4, 6)), 3]])
    trace = run(random_model("qwen2_5_vl"), given)
    first = column(titled(VIEW(trace), "Ledger"), "tokens")[0].split("–")[0]
    with pytest.raises(InputError, match=rf"--token {first} .*: image 1 in row 0, image 2 in row 1. Choose with --row"):
        VIEW(trace, token=first)
    assert titled(VIEW(trace, token=first, row="1"), "Patches of image 2")


def test_every_patch_stands_in_the_map(session: Session) -> None:
    """The map agrees with the order in which the processor cut the picture up."""
    trace = session.trace("What?", images=gradient(112, 84), values=VIEW.values)
    table = titled(VIEW(trace), "Patches of image 1")
    pixels = trace.value(0, "input.pixel_values")
    assert len(column(table, "patch")) == 48
    shown = titled(VIEW(trace), "Image 1 as the model saw it")
    assert isinstance(shown, Picture)
    whole = np.frombuffer(shown.rgb, dtype=np.uint8).reshape(84, 112, 3)
    for patch in (0, 3, 17, 47):
        line = record(table, patch)
        first = pixels[patch].reshape(3, 2, 14, 14)[0, 0, 0, 0].item() * 0.26862954 + 0.48145466
        assert whole[14 * line["row"], 14 * line["column"], 0] == pytest.approx(255 * first, abs=1)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"picture": "3"}, "--picture 3: there are 2 pictures, counted from 1"),
        ({"patch": "48"}, "--patch 48: there are 48 patches of this picture"),
        ({"pixel": "9"}, "two whole numbers were expected"),
        ({"pixel": "112,0"}, "image 1 is 112×84 pixels, counted from 0"),
        ({"token": "1"}, "--token 1: this token belongs to no picture; image 1 has 7–18, image 2 has 21–26"),
        ({"picture": "1", "token": "30"}, "--token 30: this token is not one of image 1's, which are 7–18"),
        ({"token": "20", "row": "3"}, "--row 3: row 0 of the batch has pictures"),
        ({"frame": "1"}, "--frame 1: of the frames of patches there is only number 0"),
        ({"step": "2"}, "There is no step '2'; there are 0"),
    ],
)
def test_what_is_not_there(session: Session, asked: dict[str, str], message: str) -> None:
    trace = session.trace("What?", images=[gradient(112, 84), picture()])
    with pytest.raises(InputError, match=message):
        VIEW(trace, **asked)


def test_patches_of_models_without_grids_cannot_be_pointed_at() -> None:
    trace = run(tiny("llava"), tiny_inputs("llava"))
    with pytest.raises(InputError, match="have no grid"):
        VIEW(trace, patch="1")
    first = column(titled(VIEW(trace), "Ledger"), "tokens")[1].split("–")[0]
    told = titled(VIEW(trace, token=str(int(first) + 2)), "Token")
    assert isinstance(told, Text)
    assert told.text == "Number 2 of the 4 tokens of image 2, from 0."


@pytest.mark.parametrize("trace", [Trace(small_trace().model), small_trace()])
def test_traces_that_hold_little(trace: Trace) -> None:
    assert VIEW(trace)
