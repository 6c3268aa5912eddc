"""Videos in the vision ledger: which frames went where, and the same numbers for the same frames, however they come."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import inspector
from inspector import Session
from inspector.parts import Table
from inspector.views.vision import VIEW
from tests.fakes import save_tiny
from tests.models.test_videos import SIZE, animation, film, frames
from tests.views.shown import column, results, titled

SECONDS = ("frame", "original frames", "seconds")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return inspector.load(save_tiny("qwen2_5_vl", tmp_path_factory.mktemp("vision") / "model"))


def told(session: Session, video: Any, **asked: Any) -> tuple[Table, dict[str, str]]:
    """The frames of a video, and what was done to it."""
    parts = VIEW(session.trace("What?", videos=[video], **asked))
    found, done = titled(parts, "Frames of video 1"), titled(parts, "What the processor did")
    assert isinstance(found, Table)
    assert isinstance(done, Table)
    return found, {str(row[1]): str(row[2]) for row in done.rows if row[0] == "video 1"}


def test_which_frames_went_into_which_patch(session: Session, tmp_path: Path) -> None:
    found, done = told(session, film(tmp_path / "film.mp4", 30, 12), frames=5)
    assert found.title == "Frames of video 1: 4 of 30"
    assert [column(found, name) for name in SECONDS] == [[0, 1], ["0, 7", "15, 22"], ["0, 0.5833", "1.25, 1.833"]]
    assert done["sample"] == found.note
    assert done["sample"] == (
        "4 of 30 frames: a multiple of 2, the frames of a patch (temporal_patch_size). 5 were asked for (--frames 5)."
    )
    assert column(found, "time") == column(found, "expected")
    (first, last) = (text.split("–") for text in column(found, "tokens"))
    assert int(first[1]) + 1 == int(last[0])


def test_an_odd_number_of_frames_repeats_the_last(session: Session) -> None:
    found, done = told(session, frames(3), fps=2)
    assert column(found, "original frames") == ["0, 1", "2, 2"]
    assert column(found, "seconds") == ["0, 0.5", "1, 1"]
    assert done["sample"] == (
        "Frames that come one by one are all taken, unless --frames asks for fewer; --fps 2 says how many a second "
        "they are."
    )


def test_frames_that_say_nothing_of_time(session: Session) -> None:
    found, _ = told(session, frames(4))
    assert column(found, "seconds") == ["0, 0.04167", "0.08333, 0.125"]
    assert found.note.endswith("The frames say nothing of time; 24 a second are assumed.")


def test_a_saved_trace_and_one_without_weights_tell_the_same(session: Session, tmp_path: Path) -> None:
    shapes = inspector.load(session.reference, shape_only=True)
    trace = shapes.trace("What?", videos=[frames(4)], fps=2)
    again = inspector.Trace.open(trace.save(tmp_path / "trace"))
    found, other = (titled(VIEW(one), "Frames of video 1") for one in (trace, again))
    assert isinstance(found, Table)
    assert isinstance(other, Table)
    assert (list(found.rows), found.note) == (list(other.rows), other.note)
    assert found.note.startswith("Frames that come one by one are all taken")


def lossless(file: Path, count: int, rate: int) -> Path:
    """A file that keeps every pixel."""
    av = pytest.importorskip("av")
    with av.open(str(file), "w") as container:
        stream = container.add_stream("ffv1", rate=rate)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "bgr0"
        for frame in frames(count):
            container.mux(stream.encode(av.VideoFrame.from_image(frame).reformat(format="bgr0")))
        container.mux(stream.encode())
    return file


def test_a_file_an_animation_and_a_directory_of_the_same_frames(session: Session, tmp_path: Path) -> None:
    """Twelve frames at ten a second, of which five a second are taken: ids, pixels, positions and the ledger agree."""
    taken = [0, 2, 4, 6, 8, 10]
    directory = tmp_path / "frames"
    directory.mkdir()
    for place in taken:
        frames(12)[place].save(directory / f"{place}.png")
    videos: list[Any] = [animation(tmp_path / "moving.gif", 12), directory, [frames(12)[place] for place in taken]]
    videos.append(lossless(tmp_path / "film.mkv", 12, 10))
    traces = [session.trace("What?", videos=[video], fps=5, values=["*"]) for video in videos]
    first = traces[0]
    assert first.media[0].sampled == tuple(taken)
    ledger = repr(record(first))
    for trace in traces[1:]:
        assert results(VIEW, trace) == {"agrees"}
        for port in ("input.input_ids", "input.pixel_values_videos", "input.video_grid_thw", "output.logits"):
            assert torch.equal(trace.value(0, port), first.value(0, port)), port
        assert trace.media[0].seconds_per_grid == first.media[0].seconds_per_grid
        assert repr(record(trace)) == ledger


def record(trace: inspector.Trace) -> list[list[Any]]:
    """What the tables say of the video, but for its name and how many frames were left out."""
    parts = VIEW(trace)
    wanted = {
        "Ledger": ("resized", "grid", "patches", "expected", "placeholders", "features", "difference", "mark"),
        "Frames of video 1": ("frame", "seconds", "tokens", "time", "expected"),
        "From pixels": ("rows", "of each picture"),
        "Patches of video 1": ("patch", "frame", "token", "position", "expected", "window"),
    }
    return [[column(titled(parts, title), name) for name in names] for title, names in wanted.items()]


def test_a_picture_has_no_frames(session: Session) -> None:
    parts = VIEW(session.trace("What?", images=[Image.new("RGB", (56, 56))]))
    assert not [part for part in parts if part.title.startswith("Frames")]
