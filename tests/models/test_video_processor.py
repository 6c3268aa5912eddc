"""Patches of videos without torchvision: by the published formulas, and as transformers' own processor makes them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from inspector.errors import InputError
from inspector.models.video_processor import VideoProcessor
from tests.fakes import tiny_image_processor

SMALL = {"size": {"shortest_edge": 28 * 28, "longest_edge": 112 * 112}}


def video(count: int, width: int, height: int) -> Any:
    random = np.random.default_rng(count)
    noise = random.integers(0, 256, (count, 6, 6, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(frame).resize((width, height))) for frame in noise])


@pytest.mark.parametrize("count", [1, 2, 5, 6])
@pytest.mark.parametrize(("width", "height"), [(84, 56), (50, 90), (300, 200)])
def test_equal_to_the_librarys(count: int, width: int, height: int) -> None:
    """The same grids; of resized pixels, at most a tenth differ, and by two of 256 levels at most."""
    pytest.importorskip("torchvision")
    from transformers import Qwen2VLVideoProcessor

    frames = video(count, width, height)
    for settings in ({}, SMALL, {"min_pixels": 784, "max_pixels": 28 * 28 * 9}):
        theirs = Qwen2VLVideoProcessor(**settings)([frames], return_tensors="pt", do_sample_frames=False)
        ours = VideoProcessor(settings)([frames])
        assert torch.equal(ours["video_grid_thw"], theirs["video_grid_thw"])
        gap = (ours["pixel_values_videos"] - theirs["pixel_values_videos"]).abs() * 0.27 * 255
        assert gap.max() < 2.1
        assert (gap > 0.01).float().mean() < 0.1


def test_a_still_video_has_the_patches_of_its_picture() -> None:
    """Two equal frames are what the image processor makes of one."""
    frame = video(1, 84, 56)[0]
    ours = VideoProcessor(SMALL)([np.stack([frame, frame])])
    theirs = tiny_image_processor("qwen2_5_vl")([Image.fromarray(frame)], return_tensors="pt")
    assert ours["video_grid_thw"].tolist() == [[1, 4, 6]] == theirs["image_grid_thw"].tolist()
    assert torch.equal(ours["pixel_values_videos"], theirs["pixel_values"])


def test_frames_in_pairs_the_last_repeated() -> None:
    """A patch holds channel, frame of the pair, row and column."""
    frames = np.stack([np.full((28, 28, 3), level, dtype=np.uint8) for level in (0, 51, 255)])
    settings = {**SMALL, "do_normalize": False, "do_resize": False}
    found = VideoProcessor(settings)([frames])
    patches = found["pixel_values_videos"].reshape(2, 4, 3, 2, 14, 14)
    assert found["video_grid_thw"].tolist() == [[2, 2, 2]]
    assert patches[0, 0, 0, :, 0, 0].tolist() == pytest.approx([0, 0.2])
    assert patches[1, 3, 2, :, 5, 5].tolist() == pytest.approx([1, 1])


def test_several_videos_follow_each_other() -> None:
    found = VideoProcessor(SMALL)([video(2, 56, 56), video(4, 84, 28)], video_metadata=["a", "b"])
    assert found["video_grid_thw"].tolist() == [[1, 4, 4], [2, 2, 6]]
    assert found["pixel_values_videos"].shape == (16 + 24, 3 * 2 * 14 * 14)
    assert found["video_metadata"] == ["a", "b"]


def test_a_cap_on_each_frame() -> None:
    settings = {
        "cap_pixels_per_frame": True,
        "max_video_tokens": 100,
        "size": {"shortest_edge": 28, "longest_edge": 1e6},
    }
    few, many = VideoProcessor(settings).resized(280, 280, 2), VideoProcessor(settings).resized(280, 280, 20)
    assert few == (252, 252)
    assert many == (84, 84)


def test_its_settings_can_be_written() -> None:
    told = json.loads(VideoProcessor({"fps": 4, **SMALL}).to_json_string())
    assert (told["fps"], told["merge_size"], told["size"]["shortest_edge"]) == (4, 2, 784)
    assert told["image_mean"] == pytest.approx([0.48145466, 0.4578275, 0.40821073])


def test_a_shape_that_the_model_refuses() -> None:
    with pytest.raises(InputError, match=r"2000×8 cannot be processed for this model.*aspect ratio"):
        VideoProcessor(SMALL)([video(2, 2000, 8)])
