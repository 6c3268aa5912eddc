"""Rows of pixels and of features of a forward's pictures: what went into the vision tower, what came out of it, and
what was put in the place of placeholders.

`generate` encodes pictures once, before its first forward, and gives their features to every row: beams, or several
sequences for one prompt, are copies of a row that share its pictures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from inspector.analysis.forwards import Forward, kept, layout, vision_towers
from inspector.analysis.shares import Pictures
from inspector.analysis.tower import tower_of
from inspector.trace import Call, Media, TensorInfo, Trace

PIXELS = {"image": ("input.pixel_values",), "video": ("input.pixel_values_videos",)}
GIVEN = "input.mm_encoder_outputs.{kind}.pooler_output"
IMAGE_SIZES = "input.image_sizes"
REASSEMBLED = "image_grid_pinpoints"
"""The setting of models that put the features of tiles together anew, outside any module, before they are used."""


def feature_rows(trace: Trace, forward: Forward, kind: str) -> int | None:
    """Rows of features that took the place of placeholders, in all rows of the batch."""
    given = _given(trace.calls[forward.call], kind)
    return sum(map(_rows, given)) if given else encoded_rows(trace, forward, kind)


def encoded_rows(trace: Trace, forward: Forward, kind: str) -> int | None:
    """Rows of features that were made of the pictures; None where that cannot be told."""
    tower = tower_of(trace, forward, kind)
    if tower is not None:
        ports = (tower.call.outputs.get(port) for port in ("output.pooler_output", "output"))
        return next((rows for info in ports if isinstance(info, TensorInfo) and (rows := _rows(info))), None)
    info = _projected(trace, forward, kind)
    return None if info is None else _rows(info) or None


def rows_of_each(trace: Trace, forward: Forward, kind: str) -> list[int]:
    """Rows of features of each picture with a grid, where a forward was given them picture by picture; else empty."""
    given = [_rows(info) for info in _given(trace.calls[forward.call], kind)]
    return given if forward.copies == 1 and len(given) == len(forward.sizes.get(kind, ())) else []


def copies_of(trace: Trace, forward: Forward, kind: str) -> int:
    """How many rows of the batch, one after the other, share the pictures of one."""
    if forward.sizes:
        return forward.copies
    made, used = encoded_rows(trace, forward, kind), feature_rows(trace, forward, kind)
    return used // made if made and used and used % made == 0 and forward.batch % (used // made) == 0 else 1


def pictures_of(trace: Trace, forward: Forward, kind: str, media: Sequence[Media]) -> Pictures:
    """What is known of pictures without grids; `media` are those that were opened, if they were opened here."""
    copies, total = copies_of(trace, forward, kind), encoded_rows(trace, forward, kind)
    count = len(media) or _count(trace, forward, kind, copies)
    rows = None
    if media:
        rows = [sum(item.row == row for item in media) for row in range(forward.batch // copies)]
    told = [own for own in _told(trace, forward, kind, copies, total) if count in (None, len(own))]
    told += [own for own in _shaped(trace, forward, kind) if count == len(own)]
    tokens = told[0] if told else None
    return Pictures(count if tokens is None else len(tokens), rows, tokens, total)


def pixels_of(trace: Trace, forward: Forward, kind: str) -> TensorInfo | None:
    """The pixels that a forward, or the vision tower before it, was given."""
    root = trace.calls[forward.call]
    towers = [trace.calls[index] for path in vision_towers(trace) for index in trace.occurrences(path)]
    for call in (root, *(tower for tower in towers if tower.step == forward.step)):
        for port in PIXELS[kind]:
            info = call.inputs.get(port)
            if isinstance(info, TensorInfo):
                return info
    return None


def pixel_rows(trace: Trace, forward: Forward, kind: str) -> int | None:
    """Rows of `pixel_values` where each row is a patch."""
    tower = tower_of(trace, forward, kind)
    ports = [(trace.calls[forward.call], port) for port in PIXELS[kind]]
    if tower is not None:
        ports.append((tower.call, "input.hidden_states"))
    for call, port in ports:
        info = call.inputs.get(port)
        if isinstance(info, TensorInfo) and len(info.shape) == 2:
            return info.shape[0]
    return None


def sizes_of(trace: Trace, forward: Forward, total: int | None) -> list[tuple[int, int]] | None:
    """Rows and columns of patches of pictures of several sizes (`image_sizes`), if their tokens are `total`."""
    how, given = layout(trace), kept(trace, trace.calls[forward.call], IMAGE_SIZES)
    if given is None or given.ndim != 2 or not how.patch:
        return None
    found = [(int(height) // how.patch, int(width) // how.patch) for height, width in given.tolist()]
    return found if sum(_merged(trace, size) for size in found) == total else None


def _merged(trace: Trace, size: tuple[int, int]) -> int:
    """Tokens of a picture of so many rows and columns of patches."""
    merge = trace.config.get("spatial_merge_size") or 1
    return (size[0] // merge) * (size[1] // merge)


def _told(trace: Trace, forward: Forward, kind: str, copies: int, total: int | None) -> Iterator[list[int]]:
    """The tokens of each picture, where features are given picture by picture, or sizes account for them."""
    given = [_rows(info) for info in _given(trace.calls[forward.call], kind)]
    if len(given) > 1 and (copies == 1 or len(set(given)) == 1) and len(given) != forward.batch:
        yield given[: len(given) // copies]
    sizes = sizes_of(trace, forward, total)
    if sizes is not None:
        yield [_merged(trace, size) for size in sizes]


def _shaped(trace: Trace, forward: Forward, kind: str) -> Iterator[list[int]]:
    """The tokens of what the projector was given one by one: pictures, or tiles of them."""
    info = _projected(trace, forward, kind)
    if info is not None and len(info.shape) >= 3:
        yield [prod(info.shape[1:-1])] * info.shape[0]


def _count(trace: Trace, forward: Forward, kind: str, copies: int) -> int | None:
    """How many pictures there are, by the tensor of their pixels; None where it may hold tiles of pictures."""
    info = pixels_of(trace, forward, kind)
    if info is None or len(info.shape) != 4 or trace.config.get(REASSEMBLED):
        return None
    given = _given(trace.calls[forward.call], kind)
    if not given:
        return info.shape[0]
    told = len(given) if len(given) > 1 or len(given[0].shape) == 2 else given[0].shape[0]
    return info.shape[0] if told == info.shape[0] * copies else None


def _given(call: Call, kind: str) -> list[TensorInfo]:
    """The features that a forward was given in place of pixels: a tensor for each picture or row, or one for all."""
    name = GIVEN.format(kind=kind)
    ports = ((port, info) for port, info in call.inputs.items() if isinstance(info, TensorInfo))
    return [info for port, info in ports if port == name or port.startswith(f"{name}[")]


def _projected(trace: Trace, forward: Forward, kind: str) -> TensorInfo | None:
    """What the last projector put out, where that is what is used."""
    if kind == "video" or forward.sizes or trace.config.get(REASSEMBLED):
        return None
    above = vision_towers(trace)
    paths = [module.path for module in trace.modules if module.role in ("projector", "merger")]
    own = [path for path in paths if not any(path.startswith(f"{tower}.") for tower in above)]
    calls = [trace.calls[index] for path in own for index in trace.occurrences(path)]
    outer = [call for call in calls if call.step == forward.step and not _is_inside(call.path, own)]
    infos = (call.outputs.get("output") for call in reversed(outer))
    return next((info for info in infos if isinstance(info, TensorInfo)), None)


def _is_inside(path: str, others: Sequence[str]) -> bool:
    return any(path.startswith(f"{other}.") for other in others)


def _rows(info: TensorInfo) -> int:
    return prod(info.shape[:-1])
