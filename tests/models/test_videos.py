"""Videos from files, directories, animations and memory: which frames are taken, and what is no video."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inspector.errors import InputError
from inspector.models.sampling import Sampling
from inspector.models.videos import Video, open_video, open_videos
from tests.fakes import picture

SIZE = (84, 56)


def frames(count: int) -> list[Image.Image]:
    """Frames that are told apart by their brightness."""
    return [Image.new("RGB", SIZE, (8 * index, 8 * index, 8 * index)) for index in range(count)]


def film(file: Path, count: int = 30, rate: int = 12) -> Path:
    av = pytest.importorskip("av")
    with av.open(str(file), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for frame in frames(count):
            container.mux(stream.encode(av.VideoFrame.from_image(frame)))
        container.mux(stream.encode())
    return file


def animation(file: Path, count: int = 10, milliseconds: int = 100) -> Path:
    first, *rest = frames(count)
    first.save(file, save_all=True, append_images=rest, duration=milliseconds, loop=0)
    return file


def folder(directory: Path, count: int = 11) -> Path:
    directory.mkdir()
    for index, frame in enumerate(frames(count)):
        frame.save(directory / f"frame{index}.png")
    (directory / "notes.txt").write_text("not a frame")
    return directory


def levels(video: Video) -> list[int]:
    """Which frames they are, by brightness."""
    return [round(float(frame.mean()) / 8) for frame in video.frames]


def test_a_file(tmp_path: Path) -> None:
    video = open_video(film(tmp_path / "film.mp4"), Sampling(fps=4))
    assert (video.total, video.rate, video.size) == (30, 12, SIZE)
    assert video.indices == (0, 3, 6, 9, 12, 15, 18, 21, 24, 27)
    assert levels(video) == pytest.approx(list(video.indices), abs=1)
    assert video.sampled_fps == pytest.approx(4)
    assert str(video) == f"{tmp_path / 'film.mp4'} (10 of 30 frames, 84×56)"
    told = video.media(row=1).to_json()
    assert told["seconds_per_grid"] == pytest.approx(0.5)
    assert (told["row"], told["frames"], told["fps"], told["sampled"][:2]) == (1, 30, 12, [0, 3])


def test_two_frames_a_second_where_nobody_asks(tmp_path: Path) -> None:
    assert len(open_video(film(tmp_path / "film.mp4", 48), Sampling()).indices) == 8


def test_a_file_that_does_not_say_how_long_it_is(tmp_path: Path) -> None:
    video = open_video(film(tmp_path / "film.mkv"), Sampling(frames=6))
    assert (video.total, video.indices) == (30, (0, 5, 10, 15, 20, 25))


def test_an_animation(tmp_path: Path) -> None:
    video = open_video(animation(tmp_path / "moving.gif"), Sampling(fps=5))
    assert (video.total, video.rate, video.indices) == (10, 10, (0, 2, 5, 7))
    assert levels(video) == [0, 2, 5, 7]


def test_a_directory_of_frames(tmp_path: Path) -> None:
    """All are taken, in the order of their numbers; `fps` says how close they are."""
    source = folder(tmp_path / "frames")
    video = open_video(source, Sampling(fps=2))
    assert levels(video) == list(range(11))
    assert (video.sampled_fps, video.notices) == (2, ())
    untimed = open_video(source, Sampling())
    assert untimed.sampled_fps == 24
    assert "24 a second are assumed" in untimed.notices[0]
    assert video.sampling.startswith("Frames that come one by one are all taken")
    few = open_video(source, Sampling(frames=5, by="request"))
    assert few.indices == (0, 2, 5, 8)
    assert (
        "frames: 4 of 11 frames: a multiple of 2, the frames of a patch (temporal_patch_size). 5 were"
        in few.notices[-1]
    )
    assert few.media().sampling in few.notices[-1]


def test_pictures_in_memory() -> None:
    video = open_video(frames(3), Sampling(fps=1))
    assert (video.source, video.indices, video.frames.dtype) == ("video 1", (0, 1, 2), np.uint8)


def test_without_pyav(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = film(tmp_path / "film.mp4")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(InputError, match=r"needs PyAV.*pip install 'inspector\[video\]'.*directory of frames"):
        open_video(file, Sampling())


def bad(tmp_path: Path, name: str) -> Any:
    """What is no video, by name."""
    if name == "empty":
        (tmp_path / name).mkdir()
    elif name == "mixed":
        folder(tmp_path / name, 2)
        picture(28, 28).save(tmp_path / name / "other.png")
    elif name == "tiny.gif":
        first, *rest = [frame.resize((2, 2)) for frame in frames(4)]
        first.save(tmp_path / name, save_all=True, append_images=rest)
    elif name == "still.png":
        picture().save(tmp_path / name)
    elif name == "sound.wav":
        import wave

        with wave.open(str(tmp_path / name), "w") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(8000)
            sound.writeframes(bytes(1600))
    elif name in ("text.mp4", "broken.gif"):
        (tmp_path / name).write_bytes(b"no such thing" * 20)
    return tmp_path / name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent.mp4", "There is no file"),
        ("empty", "holds no pictures; the frames of a video were expected"),
        ("mixed", r"differ in size \(28×28, 84×56\)"),
        ("tiny.gif", "is too small: a video needs at least 4 pixels a side"),
        ("still.png", "is a single picture; a video was expected. --image takes pictures"),
        ("broken.gif", "is damaged and cannot be decoded"),
        ("text.mp4", "is no video, or is damaged"),
        ("sound.wav", "holds no pictures: no video stream was found in it"),
    ],
)
def test_what_is_no_video(tmp_path: Path, name: str, message: str) -> None:
    if name.endswith((".mp4", ".wav")):
        pytest.importorskip("av")
    with pytest.raises(InputError, match=message):
        open_video(bad(tmp_path, name), Sampling())


def test_what_is_no_video_in_memory() -> None:
    with pytest.raises(InputError, match="a file, a directory of frames or a list of PIL images; video 2 is a int"):
        open_videos([frames(2), 3], Sampling())
    with pytest.raises(InputError, match="video 1 has no frames"):
        open_video([], Sampling())
    with pytest.raises(InputError, match="is an address"):
        open_video("https://example.org/film.mp4", Sampling())


def test_a_file_that_ends_early(tmp_path: Path) -> None:
    file = film(tmp_path / "film.avi", 60)
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])
    try:
        video = open_video(file, Sampling(fps=6))
    except InputError as error:
        assert "damaged" in str(error)  # noqa: PT017 - either answer is a clear one
    else:
        assert len(video.frames) == len(video.indices)


def test_more_frames_than_there_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"40 frames were asked for .--frames., and the video has 10"):
        open_video(animation(tmp_path / "moving.gif"), Sampling(frames=40))
