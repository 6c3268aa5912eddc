"""Layers as a user names them: the decoder's, and those of a vision tower in each of its runs."""

from __future__ import annotations

import pytest
import torch

import inspector
from inspector import InputError, Trace
from inspector.analysis.attention import Attention
from inspector.analysis.forwards import forwards
from inspector.analysis.kernels import kernels
from inspector.analysis.layers import choose, picture_named, ran_on, run_of, runs, towers_in
from inspector.analysis.tower import tower_of
from tests.attention_cases import KEPT, model, pictures, recorded, text
from tests.fakes import tiny_inputs
from tests.prompts import Part, inputs, random_model

BOTH: list[Part] = [2, ("image", (1, 4, 8)), 1, ("image", (1, 4, 4)), 3, ("video", (2, 4, 8)), 2]
ALIKE: list[Part] = [2, ("video", (1, 4, 4)), 1, ("image", (1, 4, 4)), 2]
"""A video of one temporal patch before a picture of the same size: the picture is encoded first."""


def traced(row: list[Part], name: str = "qwen2_5_vl") -> Trace:
    """The pixels of videos differ from those of pictures."""
    subject, given = random_model(name), inputs(name, [row])
    if "pixel_values_videos" in given:
        given["pixel_values_videos"] += 1
    with inspector.capture(subject, values=KEPT) as trace, torch.no_grad():
        subject(**given)
    return trace


@pytest.mark.parametrize("name", ["qwen2_vl", "qwen2_5_vl", "qwen3_vl"])
def test_a_tower_that_ran_on_pictures_and_on_a_video_is_one_tower_twice(name: str) -> None:
    trace = traced(BOTH, name)
    found = runs(trace, kernels(trace))
    assert [run.name for run in found] == ["images 1–2", "video 1"]
    assert [[kernel.path for kernel in run.kernels] for run in found] == [
        [kernel.path for kernel in run.kernels] for run in found[:1]
    ] * 2
    assert [run.kernels[0].queries for run in found] == [48, 64]
    assert found[0].pictures == [("image", 0), ("image", 1)]


def test_a_layer_is_chosen_in_the_run_on_a_picture() -> None:
    trace = traced(BOTH)
    assert choose(trace, "vision.1").queries == choose(trace, "vision.1", picture="2").queries == 48
    video = choose(trace, "vision.1", picture="video.1")
    assert (video.path, video.queries) == (choose(trace, "vision.1").path, 64)
    assert choose(trace, video.path, picture="video 1") == video
    with pytest.raises(InputError, match=r"--picture 3: there are image.1, image.2, video.1\."):
        choose(trace, "vision.0", picture="3")
    with pytest.raises(InputError, match=r"no layer vision.2; this step has 0 to 1 and vision.0 to vision.1"):
        choose(trace, "vision.2")


def test_a_picture_and_a_video_of_one_size_are_told_apart_by_their_turn() -> None:
    trace = traced(ALIKE)
    assert [run.name for run in runs(trace, kernels(trace))] == ["image 1", "video 1"]
    (forward,) = forwards(trace)
    of_kind = [tower_of(trace, forward, kind) for kind in ("image", "video")]
    calls = [tower.call.index for tower in of_kind if tower is not None]
    assert calls == trace.occurrences("model.visual")
    for picture, alone in (("1", ALIKE[3:4]), ("video.1", ALIKE[1:2])):
        both, own = (choose(each, "vision.0", picture=picture) for each in (trace, traced([2, *alone, 2])))
        torch.testing.assert_close(Attention(both).probabilities(1), Attention(own).probabilities(1))


def test_what_attention_calls_ran_on_is_said_where_there_are_several_runs() -> None:
    trace = traced(BOTH)
    images, video = runs(trace, kernels(trace))
    assert ran_on(video.kernels) == "video 1"
    assert ran_on([*images.kernels, *video.kernels]) == "images 1–2 and video 1"
    assert ran_on([choose(trace, "0")]) == ""
    assert [name for _, name in towers_in(trace, 0)] == ["model.visual on images 1–2", "model.visual on video 1"]
    one = recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl"), values=())
    assert ran_on([choose(one, "vision.0")]) == ""
    assert [name for _, name in towers_in(one, 0)] == ["model.visual"]
    assert run_of(choose(one, "0")) is None


def test_towers_without_grids_have_a_picture_in_each_row_of_the_batch() -> None:
    trace = recorded(model("llava"), tiny_inputs("llava"), values=())
    (run,) = runs(trace, kernels(trace))
    assert (run.name, run.tower) == ("images 1–2", None)


def test_each_conversation_has_runs_of_its_own() -> None:
    trace = recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl"), pictures("qwen2_5_vl"), steps=2, values=())
    for step, count in ((0, 1), (1, 0), (2, 1), (3, 0)):
        assert len(runs(trace, kernels(trace, step))) == count
    assert choose(trace, "vision.0", 2).call.step == 2


def test_a_model_without_pictures_has_no_layers_of_a_tower() -> None:
    trace = recorded(model("qwen2"), text(), steps=1)
    with pytest.raises(InputError, match=r"no layer vision.0; this step has 0 to 1"):
        choose(trace, "vision.0")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("1", ("image", 0)), ("2", ("video", 1)), ("video.1", ("video", 0)), ("image 1", ("image", 0))],
)
def test_pictures_are_named_by_number_or_by_kind_and_number(typed: str, expected: tuple[str, int]) -> None:
    assert picture_named(typed, [("image", 0), ("video", 0), ("video", 1)]) == expected


@pytest.mark.parametrize("typed", ["0", "3", "image.2", "sound.1", "-1", "x"])
def test_a_picture_that_is_not_there_is_told_with_those_that_are(typed: str) -> None:
    with pytest.raises(InputError, match=rf"--picture {typed}: there are image.1, video.1\."):
        picture_named(typed, [("image", 0), ("video", 0)])
