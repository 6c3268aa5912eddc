"""Videos from files, directories of frames and animated pictures, cut down to the frames that a model is given.

Files are decoded by PyAV (the extra `video`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageSequence

from inspector.errors import InputError
from inspector.models.images import SMALLEST, open_picture
from inspector.models.sampling import UNTIMED, Choice, Sampling
from inspector.trace import Media

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".apng"})
GIF_RATE = 10.0
"""Frames a second of an animation that does not say: as browsers show it."""


@dataclass(frozen=True, slots=True)
class Video:
    """A video cut down to the frames that were taken: u8 [frames, height, width, 3].

    `total` frames were filmed at `rate` a second (0 where that is not known); `indices` of them were taken, for the
    reasons that `sampling` tells.
    """

    frames: NDArray[np.uint8]
    source: str
    total: int
    rate: float
    indices: tuple[int, ...]
    temporal: int = 2
    notices: tuple[str, ...] = ()
    sampling: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.frames.shape[2], self.frames.shape[1]

    @property
    def sampled_fps(self) -> float:
        """Frames a second among those taken."""
        return len(self.indices) / self.total * (self.rate or UNTIMED)

    def media(self, row: int = 0) -> Media:
        return Media(
            "video",
            self.source,
            *self.size,
            frames=self.total,
            row=row,
            sampled=self.indices,
            fps=self.rate or None,
            seconds_per_grid=self.temporal / self.sampled_fps,
            sampling=self.sampling,
        )

    def __str__(self) -> str:
        width, height = self.size
        return f"{self.source} ({len(self.indices)} of {self.total} frames, {width}×{height})"


def open_videos(videos: Iterable[Any], sampling: Sampling) -> list[Video]:
    """Open videos: files, directories, animated pictures, or lists of PIL images. Raises `InputError`."""
    return [open_video(video, sampling, number) for number, video in enumerate(videos, start=1)]


def open_video(video: Any, sampling: Sampling, number: int = 1) -> Video:
    """Open one video; `number` names one that came from memory."""
    if isinstance(video, Sequence) and not isinstance(video, str):
        return _from_frames(list(video), f"video {number}", sampling)
    if not isinstance(video, (str, Path)):
        raise InputError(
            f"A video is a file, a directory of frames or a list of PIL images; video {number} is a "
            f"{type(video).__name__}."
        )
    source = str(video)
    if source.startswith(("http://", "https://")):
        raise InputError(f"{source} is an address; Inspector reads videos from files. Download it first.")
    path = Path(source).expanduser()
    if path.is_dir():
        return _from_frames(_files(path, source), source, sampling)
    if not path.exists():
        raise InputError(f"There is no file {source}.")
    if path.suffix.lower() in PICTURES:
        return _from_animation(path, source, sampling)
    return _from_file(path, source, sampling)


def _files(directory: Path, source: str) -> list[Path]:
    """The pictures of a directory, numbers in their names in order of size."""
    files = [file for file in directory.iterdir() if file.suffix.lower() in PICTURES]
    if not files:
        raise InputError(f"The directory {source} holds no pictures; the frames of a video were expected.")
    return sorted(files, key=lambda file: [int(part) if part.isdigit() else part for part in _parts(file.name)])


def _parts(name: str) -> list[str]:
    """Text and numbers of a name, text first: what two names have at one place can be compared."""
    return re.split(r"(\d+)", name)


def _from_frames(frames: list[Any], source: str, sampling: Sampling) -> Video:
    """Frames that are there one by one are all taken, unless a number is asked for; `fps` says how close they are."""
    if not frames:
        raise InputError(f"{source} has no frames.")
    notices = []
    if sampling.fps is None:
        notices.append(
            f"The frames of {source} say nothing of time: {UNTIMED:g} a second are assumed, as transformers does. "
            "--fps tells how many a second there are."
        )
    told = sampling.all_of(len(frames)) if sampling.frames is None else sampling.choose(len(frames), UNTIMED)
    pictures = [open_picture(frames[index], index + 1).image for index in told.indices]
    rate = sampling.fps or 0.0
    return _made(pictures, source, len(frames), rate, told, sampling, notices)


def _from_animation(path: Path, source: str, sampling: Sampling) -> Video:
    try:
        with Image.open(path) as opened:
            durations = [float(frame.info.get("duration") or 0) for frame in ImageSequence.Iterator(opened)]
            total = len(durations)
            if total < 2:
                raise InputError(f"{source} is a single picture; a video was expected. --image takes pictures.")
            rate = 1000 * total / sum(durations) if sum(durations) else GIF_RATE
            chosen = sampling.choose(total, rate)
            frames = [_frame_at(opened, index) for index in chosen.indices]
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{source} is damaged and cannot be decoded: {error}.") from error
    return _made(frames, source, total, rate, chosen, sampling)


def _made(
    pictures: list[Image.Image],
    source: str,
    total: int,
    rate: float,
    chosen: Choice,
    sampling: Sampling,
    notices: Sequence[str] = (),
) -> Video:
    """A video of the frames that were taken; what was asked for and not done is told."""
    if chosen.unlike:
        notices = [*notices, f"{source}: {chosen.words}"]
    return Video(
        _stacked(pictures, source),
        source,
        total,
        rate,
        tuple(chosen.indices[: len(pictures)]),
        sampling.temporal,
        tuple(notices),
        chosen.words,
    )


def _frame_at(opened: Image.Image, index: int) -> Image.Image:
    opened.seek(index)
    return opened.convert("RGB")


def _from_file(path: Path, source: str, sampling: Sampling) -> Video:
    with _container(path, source) as container:
        stream = next(iter(container.streams.video), None)
        if stream is None:
            raise InputError(f"{source} holds no pictures: no video stream was found in it.")
        rate = float(stream.average_rate or stream.guessed_rate or UNTIMED)
        total = stream.frames or _count(container)
        chosen = sampling.choose(total, rate) if total else Choice([], "")
        frames, turned = _decode(container, set(chosen.indices))
    if not frames:
        raise InputError(f"{source} holds no frame that can be decoded.")
    notices = []
    if len(frames) < len(chosen.indices):
        early = f"{len(frames)} of the {len(chosen.indices)} frames that were to be taken are there"
        notices.append(f"{source} ends early: {early}.")
        chosen = replace(chosen, words=f"{chosen.words} The file ends early: {early}.")
    if turned:
        notices.append(f"{source} asks to be turned by {turned}°, which transformers' readers do not do.")
    return _made(frames, source, total, rate, chosen, sampling, notices)


@contextmanager
def _container(path: Path, source: str) -> Iterator[Any]:
    try:
        import av
    except ImportError as error:
        raise InputError(
            f"{source} needs PyAV to be decoded (pip install 'inspector[video]'). A directory of frames and an "
            "animated GIF work without it."
        ) from error
    try:
        with av.open(str(path)) as container:
            yield container
    except (av.FFmpegError, PermissionError) as error:
        raise InputError(f"{source} is no video, or is damaged: {error.strerror or error}.") from error


def _count(container: Any) -> int:
    """Frames of a file that does not say how many it has: its packets are counted."""
    count = sum(1 for packet in container.demux(video=0) if packet.size)
    container.seek(0)
    return count


def _decode(container: Any, wanted: set[int]) -> tuple[list[Image.Image], int]:
    """The wanted frames, and by how many degrees the file asks to be turned."""
    frames, turned = [], 0
    last = max(wanted, default=-1)
    for index, frame in enumerate(container.decode(video=0)):
        if index > last:
            break
        if index in wanted:
            turned = getattr(frame, "rotation", 0) or 0
            frames.append(frame.to_image())
    return frames, turned


def _stacked(pictures: list[Image.Image], source: str) -> NDArray[np.uint8]:
    import numpy as np

    sizes = {picture.size for picture in pictures}
    if len(sizes) > 1:
        listed = ", ".join(sorted(f"{width}×{height}" for width, height in sizes))
        raise InputError(f"The frames of {source} differ in size ({listed}); a video has one.")
    if min(pictures[0].size) < SMALLEST:
        raise InputError(f"{source} is too small: a video needs at least {SMALLEST} pixels a side.")
    return np.stack([np.asarray(picture.convert("RGB")) for picture in pictures])
