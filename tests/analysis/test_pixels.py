"""Patches put back together are the frames that they were cut from."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from inspector.analysis.pixels import colours, framed, ruled, sheet, unpatched
from inspector.models.video_processor import VideoProcessor

PLAIN = {"size": {"shortest_edge": 784, "longest_edge": 112 * 112}, "do_resize": False}


@pytest.mark.parametrize(("count", "height", "width"), [(2, 28, 56), (5, 84, 28), (6, 56, 112)])
def test_frames_come_back(count: int, height: int, width: int) -> None:
    frames = np.random.default_rng(count).integers(0, 256, (count, height, width, 3), dtype=np.uint8)
    processor = VideoProcessor(PLAIN)
    found = processor([frames])
    size = tuple(found["video_grid_thw"][0].tolist())
    back = colours(unpatched(found["pixel_values_videos"], size, patch=14, merge=2), processor.to_dict())
    assert torch.equal(back[:count], torch.from_numpy(frames))
    assert torch.equal(back[count:], back[count - 1 : count].expand(count % 2, -1, -1, -1))


def test_pixels_that_were_only_rescaled() -> None:
    frames = torch.tensor([0.0, 0.6, 1.0, float("nan")]).expand(1, 3, 1, 4)
    assert colours(frames, {"do_normalize": False})[0, 0, :, 0].tolist() == [0, 153, 255, 0]


def test_frames_side_by_side() -> None:
    frames = torch.arange(20, dtype=torch.uint8)[:, None, None, None].expand(20, 2, 3, 3)
    found = sheet(frames, most=3, gap=1)
    assert found.shape == (2, 3 * 3 + 2, 3)
    assert found[0, :, 0].tolist() == [0, 0, 0, 0, 10, 10, 10, 0, 19, 19, 19]
    assert torch.equal(sheet(frames[:1]), frames[0])


def test_lines_and_frames_leave_the_picture_itself_alone() -> None:
    picture = torch.zeros(6, 8, 3, dtype=torch.uint8)
    lined, boxed = ruled(picture, [3], [4, 99]), framed(picture, 2, 1, 3, 3)
    assert lined.any(-1).nonzero().tolist() == [
        [row, column] for row in range(6) for column in range(8) if row == 3 or column == 4
    ]
    edge = [[1, 2], [1, 3], [1, 4], [2, 2], [2, 4], [3, 2], [3, 3], [3, 4]]
    assert boxed.any(-1).nonzero().tolist() == edge
    assert not picture.any()
