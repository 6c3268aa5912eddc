"""Which frames of a video are taken, and why just as many.

By transformers' own formula for Qwen2-VL and Qwen2.5-VL (`Qwen2VLVideoProcessor.sample_frames`), so that the same
question gets the same frames. What it makes of a wish is told in words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from inspector.analysis.checks import counted
from inspector.analysis.wording import number
from inspector.errors import InputError

FPS = 2.0
"""Frames a second that are taken where nobody asks for another number, as Qwen's own tools do."""
UNTIMED = 24.0
"""The rate at which transformers takes frames to have been filmed that say nothing about it."""

By = Literal["request", "processor", "default"]


@dataclass(frozen=True, slots=True)
class Choice:
    """Frames that are taken, the reasons in words, and whether they are others than were asked for."""

    indices: list[int]
    words: str
    unlike: bool = False


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which frames are taken: `fps` a second, or a number of `frames`; by default `FPS` a second.

    `least` and `most` bound their number, which is made a multiple of `temporal`, the frames of a patch. `by` says who
    asked for it: the user, or the settings of the model's video processor.
    """

    fps: float | None = None
    frames: int | None = None
    least: int = 4
    most: int = 768
    temporal: int = 2
    by: By = "default"

    def indices(self, total: int, rate: float) -> list[int]:
        """The frames to take of `total` that were filmed at `rate` a second. Raises `InputError`."""
        import torch

        count: float
        if self.frames is not None:
            count = round(self.frames / self.temporal) * self.temporal
            if count > total:
                raise InputError(f"{self.frames} frames were asked for (--frames), and the video has {total}.")
        else:
            most = min(self.most, total) // self.temporal * self.temporal
            count = min(max(total / rate * (self.fps or FPS), self.least), most, total)
            count = int(count) // self.temporal * self.temporal
        if count <= 0:  # fewer frames than a patch spans: the processor repeats the last
            return list(range(min(total, self.temporal)))
        chosen: list[int] = torch.arange(0, total, total / count).int().tolist()
        return chosen

    def choose(self, total: int, rate: float) -> Choice:
        """The same frames, with the reasons. Raises `InputError`."""
        indices = self.indices(total, rate)
        wanted, asked = float(self.frames or 0), self._asked()
        if self.frames is None:
            wanted = total / rate * (self.fps or FPS)
            asked += f": {number(wanted, 4)}, filmed at {number(rate, 4)} a second"
        why = list(self._reasons(wanted, len(indices), total))
        taken = f"{len(indices):,} of {counted(total, 'frame')}"
        bound = wanted < self.least or wanted > min(self.most, total)
        unlike = len(indices) != wanted if self.frames is not None else bound
        words = f"{taken}{': ' if why else ''}{', '.join(why)}. {asked}."
        return Choice(indices, words, unlike and self.by == "request")

    def all_of(self, total: int) -> Choice:
        """All frames, of a video that came frame by frame."""
        words = "Frames that come one by one are all taken, unless --frames asks for fewer"
        if self.fps is not None and self.by == "request":
            words += f"; --fps {self.fps:g} says how many a second they are"
        return Choice(list(range(total)), f"{words}.")

    def _asked(self) -> str:
        """Who asked for how many."""
        if self.frames is not None:
            many, option, setting = f"{self.frames:,}", f"--frames {self.frames}", "num_frames"
        else:
            fps = FPS if self.fps is None else self.fps
            many, option, setting = f"{fps:g} a second", f"--fps {fps:g}", "fps"
        if self.by == "request":
            return f"{many} {'was' if many.split()[0] == '1' else 'were'} asked for ({option})"
        if self.by == "processor":
            return f"The model's video processor asks for {many} ({setting})"
        return f"Nothing was asked for, which means {many}"

    def _reasons(self, wanted: float, count: int, total: int) -> Iterator[str]:
        """Why `count` frames are taken and not as many as were `wanted`, step by step."""
        bound = wanted
        if self.frames is None:
            bound = min(max(wanted, self.least), self.most, total)
            if bound == total < wanted:
                yield f"there are no more than {total:,}"
            elif bound == self.most < wanted:
                yield f"at most {self.most:,} (max_frames)"
            elif bound > wanted:
                yield f"at least {self.least:,} (min_frames)"
                if total < self.least:
                    yield f"of which there are {total:,}"
        if count < self.temporal:
            yield f"a patch spans {self.temporal}, the last is repeated"
        elif count != bound:
            rounded = "a multiple" if self.frames is not None else "rounded down to a multiple"
            yield f"{rounded} of {self.temporal}, the frames of a patch (temporal_patch_size)"
