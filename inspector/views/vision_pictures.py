"""Pictures as the model saw them, with windows and patches drawn on them, and the order of windows as heatmaps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from inspector.analysis.ledger import Entry, pixel_values
from inspector.analysis.pixels import colours, framed, ruled, sheet, unpatched
from inspector.analysis.tower import Tower
from inspector.analysis.windows import inverse, patch_place, windows
from inspector.parts import Heatmap, Part, Picture, Text
from inspector.trace import Trace
from inspector.views.vision_map import Map

if TYPE_CHECKING:
    from torch import Tensor

BLANK = 235


def seen(trace: Trace, entry: Entry, frames: Tensor | None) -> Iterator[Part]:
    """The picture rebuilt from what its processor made of it; of a video, some of its frames."""
    title = f"{entry.name.capitalize()} as the model saw it"
    if frames is None:
        yield Text(title, _not_kept(trace, entry))
        return
    note = "Rebuilt from pixel_values, the normalisation undone."
    if len(frames) > 1:
        note += f" {min(len(frames), 6)} of {len(frames)} frames side by side."
    yield as_part(title, sheet(frames), note)


def rebuilt(trace: Trace, entry: Entry, tower: Tower | None) -> Tensor | None:
    """The frames of a picture or video: u8 [frames, height, width, 3]; None where its pixels were not kept."""
    pixels = pixel_values(trace, entry.placement.forward, entry.kind)
    settings: Mapping[str, Any] = trace.facts.get(f"{entry.kind}_processor") or {}
    if pixels is None:
        return None
    if entry.size is not None and tower is not None and pixels.ndim == 2:
        layout = tower.layout
        before = sum(frames * rows * columns for frames, rows, columns in tower.sizes[: entry.number])
        count = entry.size[0] * entry.size[1] * entry.size[2]
        if entry.span is not None and entry.span.frame is not None:
            before += entry.span.frame * count
        own = pixels[before : before + count]
        if own.shape[0] < count or own.shape[1] % (3 * layout.patch**2):
            return None
        still = entry.kind == "image"
        return colours(unpatched(own, entry.size, patch=layout.patch, merge=layout.merge, still=still), settings)
    if entry.together:
        pixels = pixels[entry.row : entry.row + 1] if pixels.ndim == 5 else pixels[:0]
    flat = pixels.flatten(0, -4) if pixels.ndim > 4 else pixels
    if entry.together and len(flat):
        return colours(flat, settings)
    if flat.ndim != 4 or flat.shape[1] != 3 or entry.number >= len(flat):
        return None
    pictures = sum(item.kind == entry.kind for item in trace.media) or len(flat)
    tiles = max(1, len(flat) // pictures)
    return colours(flat[entry.number * tiles : (entry.number + 1) * tiles], settings)


def window_parts(entry: Entry, tower: Tower, frames: Tensor | None) -> Iterator[Part]:
    """The windows drawn on the picture, their order, and its inverse."""
    if entry.size is None or not tower.has_windows:
        return
    side = tower.layout.window_side * tower.layout.merge * tower.layout.patch
    canvas = frames[0] if frames is not None else _blank(entry)
    if canvas is not None:
        rows, columns = range(side, canvas.shape[0], side), range(side, canvas.shape[1], side)
        note = f"Each rectangle attends to itself: {side}×{side} pixels, what is left over at the right and below."
        yield as_part(f"Windows of {entry.name}", ruled(canvas, rows, columns), note)
    yield from _orders(entry, tower)


def marked(found: Map, patches: list[int], frames: Tensor | None) -> Iterator[Part]:
    """The picture with a frame around the patches that were asked for."""
    frame = patch_place(found.size, found.merge, patches[0])[0] * found.tower.layout.temporal
    canvas = _blank(found.entry) if frames is None else frames[min(frame, len(frames) - 1)]
    if canvas is None:
        return
    boxes = [found.pixels(*patch_place(found.size, found.merge, patch)[1:]) for patch in patches]
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
    shown = f"patch {patches[0]}" if len(patches) == 1 else f"{len(patches)} patches"
    note = f"{right - left}×{bottom - top} pixels from {left}, {top} after resizing."
    yield as_part(
        f"{found.entry.name.capitalize()}, {shown}", framed(canvas, left, top, right - left, bottom - top), note
    )


def as_part(title: str, picture: Tensor, note: str = "") -> Picture:
    """A picture u8 [height, width, 3] as a part."""
    height, width = picture.shape[:2]
    return Picture(title, width, height, picture.contiguous().numpy().tobytes(), note)


def _orders(entry: Entry, tower: Tower) -> Iterator[Heatmap]:
    """Of each merged token of the first frame: its window, and its place in window order."""
    assert entry.size is not None
    merge = tower.layout.merge
    _, rows, columns = (entry.size[0], entry.size[1] // merge, entry.size[2] // merge)
    before = sum(frames * height * width for frames, height, width in tower.sizes[: entry.number]) // merge**2
    places = inverse(tower.order())[before : before + rows * columns]
    bounds = [(item.start, item.start + item.tokens) for item in windows(tower.sizes, merge, tower.layout.window_side)]
    number = {place: index for index, (start, stop) in enumerate(bounds) for place in range(start, stop)}
    grids = (
        (f"Window of each token of {entry.name}", [float(number[place]) for place in places]),
        (f"Place of each token of {entry.name} in window order", [float(place) for place in places]),
    )
    for title, values in grids:
        lines = [values[row * columns : (row + 1) * columns] for row in range(rows)]
        yield Heatmap(title, lines, "row of merged tokens", "column of merged tokens")


def _blank(entry: Entry) -> Tensor | None:
    """An empty sheet of the picture's size, where its pixels were not kept."""
    import torch

    if entry.resized is None:
        return None
    return torch.full((entry.resized[1], entry.resized[0], 3), BLANK, dtype=torch.uint8)


def _not_kept(trace: Trace, entry: Entry) -> str:
    name = "pixel_values" if entry.kind == "image" else "pixel_values_videos"
    if pixel_values(trace, entry.placement.forward, entry.kind) is not None:
        return f"{name} has a form that is not known here, so that the picture cannot be put back together."
    return f"{name} was not kept. Trace again with --values ':input.{name}' to see the picture."
