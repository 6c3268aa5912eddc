"""The layers of a step as a user names them: the decoder's, and those of the vision tower in each of its runs.

A tower that is given pictures and a video in one forward runs once for each kind; every run goes through the same
layers, and is named by the pictures that it ran on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from inspector.analysis.checks import some
from inspector.analysis.forwards import layout
from inspector.analysis.kernels import Kernel, in_vision, kernels, nothing
from inspector.analysis.numbering import layer_numbers, no_layer, place_named
from inspector.analysis.tower import Tower, kinds, towers
from inspector.errors import InputError, near
from inspector.trace import Trace

Picture = tuple[str, int]
"""`image` or `video`, and its number among its kind in the batch, from 0."""

NAMED = re.compile(r"(?:(image|video)[. ])?([1-9]\d*)")


@dataclass(frozen=True, slots=True)
class VisionRun:
    """One run of a vision tower: the attention calls of its layers, in order, and the `count` pictures (or videos, by
    `kind`) that it ran on, the first of them number `first` from 0. `tower` is None where they have no grids; each row
    of its batch is a picture then.
    """

    kind: str
    first: int
    count: int
    kernels: tuple[Kernel, ...]
    tower: Tower | None

    @property
    def pictures(self) -> list[Picture]:
        return [(self.kind, self.first + number) for number in range(self.count)]

    @property
    def name(self) -> str:
        """`image 1`, `images 1–3`, `video 1`."""
        return counted_from(self.kind, self.first, self.count)

    def region(self, number: int, frame: int | None) -> int:
        """The place of a picture, or of a frame of a video, among all pictures and frames of the run."""
        if self.tower is None:
            return 0
        frames = [size[0] if self.kind == "video" else 1 for size in self.tower.sizes]
        return sum(frames[: number - self.first]) + (frame or 0)


def counted_from(kind: str, first: int, count: int) -> str:
    """Some pictures that follow each other, in words."""
    return f"{kind} {first + 1}" if count == 1 else f"{kind}s {first + 1}–{first + count}"


def runs(trace: Trace, found: Sequence[Kernel]) -> list[VisionRun]:
    """The runs of vision towers that some attention calls of one step belong to, in the order in which they began."""
    grids = {tower.call.index: tower for tower in towers(trace, layout(trace))}
    given = kinds(trace, list(grids.values()))
    calls: dict[int, list[Kernel]] = {}
    for kernel in found:
        if in_vision(trace, kernel.path):
            calls.setdefault(_run_call(kernel), []).append(kernel)
    begun: list[VisionRun] = []
    for index, own in sorted(calls.items()):
        tower = grids.get(index)
        kind = given.get(index, "image")
        before = 0 if index in given and tower is not None else sum(run.count for run in begun if run.kind == kind)
        count = own[0].batch if tower is None else len(tower.sizes)
        begun.append(VisionRun(kind, before, count, tuple(own), tower))
    return begun


def run_of(kernel: Kernel) -> VisionRun | None:
    """The run of a vision tower that an attention call belongs to; None in the decoder."""
    of_step = runs(kernel.trace, kernels(kernel.trace, kernel.call.step))
    return next((run for run in of_step if any(own.call.index == kernel.call.index for own in run.kernels)), None)


def ran_on(found: Sequence[Kernel]) -> str:
    """The pictures that some attention calls of a vision tower ran on, in words; empty in the decoder, and where the
    tower ran only once in the step, so that there is nothing to tell apart.
    """
    trace, step = found[0].trace, found[0].call.step
    of_step = runs(trace, kernels(trace, step)) if in_vision(trace, found[0].path) else []
    asked = {kernel.call.index for kernel in found}
    own = [run.name for run in of_step if any(kernel.call.index in asked for kernel in run.kernels)]
    return " and ".join(own) if len(of_step) > 1 else ""


def towers_in(trace: Trace, step: int) -> list[tuple[Tower, str]]:
    """The runs of towers with grids in a step, each under the path of its module, and where there are several, with the
    pictures that it ran on.
    """
    every = towers(trace, layout(trace))
    own, given = [tower for tower in every if tower.call.step == step], kinds(trace, every)
    named = [f" on {counted_from(given[tower.call.index], 0, len(tower.sizes))}" for tower in own]
    return [(tower, tower.call.path + (name if len(own) > 1 else "")) for tower, name in zip(own, named, strict=True)]


def choose(trace: Trace, layer: str, step: int = 0, picture: str = "") -> Kernel:
    """The attention call that a user names: `3` for that of the decoder's layer 3, as the model numbers its layers,
    `vision.3` for the vision tower's, or the path of the module. By default the decoder's last; without a decoder, the
    last there is. In a vision tower `picture` says in which of its runs, by default the first: `2`, `video.1`.

    Raises `InputError` that lists what there is.
    """
    found = kernels(trace, step)
    if not found:
        raise InputError(nothing(trace, step))
    decoder = [kernel for kernel in found if not in_vision(trace, kernel.path)]
    if not layer and decoder:
        return decoder[-1]
    if layer.isdecimal():
        return decoder[place_named(trace, [kernel.call for kernel in decoder], layer, _layers_of(found))]
    if layer in [kernel.path for kernel in decoder]:
        return _layer(decoder, layer, decoder, found, step)
    of_step = runs(trace, found)
    run = run_on(of_step, picture) if of_step else None
    return _layer(run.kernels if run is not None else (), layer.removeprefix("vision."), decoder, found, step)


def run_on(found: Sequence[VisionRun], picture: str) -> VisionRun:
    """Of the runs of a step the one on a picture as a user names it, by default the first. Raises `InputError`."""
    if not picture:
        return found[0]
    wanted = picture_named(picture, [own for run in found for own in run.pictures])
    return next(run for run in found if wanted in run.pictures)


def picture_named(text: str, there: Iterable[Picture]) -> Picture:
    """The picture that a user names among those `there`: `2`, the second image (or video, where there is no such
    image); `video.1`. Raises `InputError` that lists them.
    """
    known = list(dict.fromkeys(there))
    match = NAMED.fullmatch(text)
    if match is not None:
        kinds = [match[1]] if match[1] else ["image", "video"]
        for kind in kinds:
            if (kind, int(match[2]) - 1) in known:
                return kind, int(match[2]) - 1
    names = [f"{kind}.{number + 1}" for kind, number in known]
    raise InputError(f"--picture {text}: there are {some(names) if names else 'none'}.")


def _run_call(kernel: Kernel) -> int:
    """The call of the vision tower that a block ran in, by its index; the outermost call where the tower was none."""
    calls, call = kernel.trace.calls, kernel.call
    while call.parent is not None and call.role != "vision_tower":
        call = calls[call.parent]
    return call.index


def layer_names(decoder: Sequence[Kernel]) -> list[str]:
    """The layers of a decoder's attention calls as a user names them: by number, or by path where one has none."""
    numbers = layer_numbers([kernel.call for kernel in decoder]) if decoder else []
    return [kernel.path if number is None else str(number) for kernel, number in zip(decoder, numbers, strict=True)]


def _layer(side: Sequence[Kernel], layer: str, decoder: Sequence[Kernel], found: Sequence[Kernel], step: int) -> Kernel:
    """A layer of one side, by its number or its path."""
    if not layer and side:
        return side[-1]
    if layer.isdecimal():
        if int(layer) < len(side):
            return side[int(layer)]
        calls = [kernel.call for kernel in decoder]
        raise no_layer(found[0].trace, calls, f"vision.{layer}", _layers_of(found))
    paths = [kernel.path for kernel in side]
    if layer not in paths:
        known = [kernel.path for kernel in found]
        raise InputError(f"No attention kernel was called by {layer!r} in step {step}.{near(layer, known)}")
    return side[paths.index(layer)]


def _layers_of(found: Sequence[Kernel]) -> list[str]:
    """The layers of the vision tower in words, none without such."""
    most = max((len(run.kernels) for run in runs(found[0].trace, found)), default=0)
    return [f"vision.0 to vision.{most - 1}"] if most else []
