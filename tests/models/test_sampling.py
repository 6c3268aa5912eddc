"""Which frames of a video are taken, as transformers takes them, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest

from inspector.models.sampling import Sampling


@pytest.mark.parametrize(
    ("asked", "total", "rate", "expected"),
    [
        ({"fps": 2.0}, 240, 24, 20),
        ({"fps": 2.0}, 24, 24, 4),  # at least
        ({"fps": 2.0}, 3, 24, 2),
        ({"fps": 2.0}, 1, 24, 1),
        ({"fps": 1.0}, 100, 30, 4),
        ({"fps": 30.0}, 2000, 30, 768),  # at most
        ({"frames": 7}, 100, 30, 8),
        ({}, 240, 24, 20),
    ],
)
def test_how_many_frames_are_taken(asked: dict[str, Any], total: int, rate: float, expected: int) -> None:
    chosen = Sampling(**asked).indices(total, rate)
    assert len(chosen) == expected
    assert chosen == sorted(set(chosen))
    assert 0 <= chosen[0] <= chosen[-1] < total


def test_sampling_equals_the_librarys() -> None:
    pytest.importorskip("torchvision")
    from transformers import Qwen2VLVideoProcessor
    from transformers.video_utils import VideoMetadata

    theirs = Qwen2VLVideoProcessor()
    for total in range(2, 300, 7):
        for rate in (10, 12.5, 24, 29.97):
            for fps in (1.0, 2.0, 5.0):
                expected = theirs.sample_frames(VideoMetadata(total_num_frames=total, fps=rate), fps=fps).tolist()
                assert Sampling(fps=fps).indices(total, rate) == expected


PATCH = "a multiple of 2, the frames of a patch (temporal_patch_size)"


@pytest.mark.parametrize(
    ("asked", "total", "words"),
    [
        ({}, 24, "4 of 24 frames. Nothing was asked for, which means 2 a second: 4, filmed at 12 a second."),
        (
            {"fps": 3.0, "by": "processor"},
            30,
            f"6 of 30 frames: rounded down to {PATCH}. The model's video processor asks for 3 a second (fps): "
            "7.5, filmed at 12 a second.",
        ),
        ({"frames": 4, "by": "request"}, 21, "4 of 21 frames. 4 were asked for (--frames 4)."),
        (
            {"fps": 1.0},
            1,
            "1 of 1 frame: at least 4 (min_frames), of which there are 1, a patch spans 2, the last is repeated. 1 a "
            "second was asked for (--fps 1): 0.08333, filmed at 12 a second.",
        ),
    ],
)
def test_what_was_asked_and_done(asked: dict[str, Any], total: int, words: str) -> None:
    by = asked.get("by", "request" if asked else "default")
    choice = Sampling(**{**asked, "by": by}).choose(total, 12)
    assert choice.words == words


@pytest.mark.parametrize(
    ("asked", "taken", "why"),
    [
        ({"frames": 5}, 4, PATCH),
        ({"frames": 1}, 2, PATCH),
        ({"fps": 100.0}, 20, f"there are no more than 21, rounded down to {PATCH}"),
        ({"fps": 1.0}, 4, "at least 4 (min_frames)"),
        ({"fps": 8.0, "most": 6}, 6, "at most 6 (max_frames)"),
    ],
)
def test_what_is_done_otherwise_than_asked_is_told(asked: dict[str, Any], taken: int, why: str) -> None:
    choice = Sampling(**asked, by="request").choose(21, 12)
    assert (choice.unlike, len(choice.indices)) == (True, taken)
    assert choice.words.startswith(f"{taken} of 21 frames: {why}. ")
    assert not Sampling(**asked, by="processor").choose(21, 12).unlike  # nobody asked for it


def test_rounding_to_whole_patches_alone_is_no_surprise() -> None:
    assert not Sampling(fps=4.0, by="request").choose(21, 12).unlike
