"""Pictures as tables: the ledger, what the processor did, from pixels to features, vision blocks and windows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any

from inspector.analysis.checks import counted, some
from inspector.analysis.forwards import TOWER_GRID, kept, layout
from inspector.analysis.layout import Layout
from inspector.analysis.ledger import Entry, Total
from inspector.analysis.tower import Block, Tower
from inspector.analysis.windows import Size, windows
from inspector.analysis.wording import number
from inspector.parts import Cell, Column, Table
from inspector.trace import Call, TensorInfo, Trace
from inspector.views.rows import Rows
from inspector.views.vision_map import tokens_of

MARK = "≠"
RESAMPLING = {0: "nearest", 1: "Lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "Hamming"}
STAGES = ("vision_tower", "patch_embed", "merger", "projector")


def ledger(found: Sequence[Entry], sums: Sequence[Total]) -> Table:
    """A row for each picture and video, and one for all of a kind."""
    columns = (
        *(Column("picture"), Column("original"), Column("resized"), Column("grid")),
        *(Column("patches", "right", "count"), Column("expected", "right", "count")),
        *(Column("placeholders", "right", "count"), Column("features", "right", "count")),
        *(Column("difference", "right"), Column("mark"), Column("row", "right"), Column("tokens"), Column("source")),
    )
    rows = [*map(_entry, found), *(_total(total) for total in sums)]
    note = "" if found else "This forward was given no pictures, and its ids hold no placeholders."
    return Table("Ledger", columns, rows, note)


def _entry(entry: Entry) -> tuple[Cell, ...]:
    media = entry.media
    original = None if media is None else f"{media.width}×{media.height}"
    if media is not None and media.kind == "video":
        original = f"{original}, {len(media.sampled)} of {media.frames} frames"
    return (
        entry.name if entry.span is not None or entry.found else f"{entry.name} (not in the ids)",
        original,
        None if entry.resized is None else f"{entry.resized[0]}×{entry.resized[1]}",
        None if entry.size is None else "×".join(map(str, entry.size)),
        entry.patches,
        entry.expected,
        entry.found,
        entry.features,
        entry.difference,
        MARK if entry.difference else None,
        entry.row,
        tokens_of(entry),
        None if media is None else media.source,
    )


def _total(total: Total) -> tuple[Cell, ...]:
    difference = None if total.features is None else total.found - total.features
    counts = (total.patches, total.expected, total.found, total.features, difference)
    name = f"all {total.kind}s" + (f", in {total.copies} copies of a row" if total.copies > 1 else "")
    return (name, None, None, None, *counts, MARK if difference else None, None, None, None)


def processing(trace: Trace, found: Sequence[Entry]) -> Table:
    """What the processor did to each picture, step by step, with its settings."""
    rows: list[tuple[Cell, ...]] = []
    for kind in ("image", "video"):
        settings = trace.facts.get(f"{kind}_processor")
        own = [entry for entry in found if entry.kind == kind]
        if settings and own:
            rows += _sampled(own)
            rows += [(f"{kind}s", step, text) for step, text in _steps(settings, kind)]
            rows += [row for entry in own for row in _scaled(entry, settings)]
    note = "" if rows else "The settings of the processor were not recorded: the inputs were made elsewhere."
    return Table("What the processor did", (Column("pictures"), Column("step"), Column("how")), rows, note)


def _sampled(found: Sequence[Entry]) -> Iterator[tuple[Cell, ...]]:
    """What was asked of each video, how many of its frames were taken, and why."""
    for media, name in {entry.media: entry.name for entry in reversed(found)}.items():
        if media is not None and media.kind == "video":
            yield name, "sample", media.sampling or f"{len(media.sampled):,} of {counted(media.frames, 'frame')}"


def _steps(settings: Mapping[str, Any], kind: str) -> Iterator[tuple[str, str]]:
    if settings.get("do_convert_rgb"):
        yield "convert", "to RGB"
    if settings.get("do_resize", True):
        yield "resize", _resize(settings)
    if settings.get("do_center_crop"):
        yield "crop", f"the middle, {_size(settings.get('crop_size'))}"
    if settings.get("do_rescale", True):
        yield "rescale", f"× {number(settings.get('rescale_factor') or 1 / 255, 4)}: 0 to 255 becomes 0 to 1"
    if settings.get("do_normalize", True) and settings.get("image_mean"):
        mean, std = (", ".join(number(value, 4) for value in settings[name]) for name in ("image_mean", "image_std"))
        yield "normalise", f"minus {mean}, divided by {std} (red, green, blue)"
    if settings.get("patch_size") and settings.get("merge_size"):
        patch, temporal, merge = (
            settings["patch_size"],
            settings.get("temporal_patch_size") or 1,
            settings["merge_size"],
        )
        length = 3 * temporal * patch * patch
        still = ", a still picture twice" if kind == "image" and temporal > 1 else ""
        yield (
            "cut up",
            f"patches of {patch}×{patch} pixels and {temporal} frames{still}: rows of {length} numbers, "
            f"{merge}×{merge} neighbours after each other",
        )


def _resize(settings: Mapping[str, Any]) -> str:
    size, how = settings.get("size") or {}, RESAMPLING.get(settings.get("resample", 2), "")
    patch, merge = settings.get("patch_size"), settings.get("merge_size")
    if patch and merge and size.get("shortest_edge"):
        return (
            f"{how}: sides to multiples of {patch * merge}, {size['shortest_edge']:,} to {size['longest_edge']:,} "
            "pixels in all"
        )
    return f"{how}: {_size(size)}"


def _size(size: Any) -> str:
    if not isinstance(size, Mapping):
        return str(size)
    if size.get("height") and size.get("width"):
        return f"{size['width']}×{size['height']}"
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in size.items() if value)


def _scaled(entry: Entry, settings: Mapping[str, Any]) -> Iterator[tuple[Cell, ...]]:
    """By how much a picture was stretched: where a box on it comes to lie."""
    media = entry.media
    if media is None or entry.resized is None:
        return
    width, height = entry.resized
    if settings.get("do_center_crop"):  # the shorter side is fitted first
        scale = (settings.get("size") or {}).get("shortest_edge", 0) / min(media.width, media.height)
        width, height = round(media.width * scale), round(media.height * scale)
    if not width or not height:
        return
    across, down = width / media.width, height / media.height
    text = f"{media.width}×{media.height} to {width}×{height}: × {number(across, 4)} across, × {number(down, 4)} down"
    if abs(across / down - 1) > 0.02:
        text += ", so that proportions change"
    if (width, height) != entry.resized:
        text += f"; the middle, {entry.resized[0]}×{entry.resized[1]}, is left"
    yield entry.name, "resize", text


def stages(trace: Trace, step: int, found: Sequence[Entry]) -> Table:
    """The modules between pixels and the language model, with rows in all and of each picture."""
    strategy = trace.config.get("vision_feature_select_strategy")
    rows: list[tuple[Cell, ...]] = []
    for call in trace.calls:
        if call.step != step or call.role not in STAGES:
            continue
        sizes = _sizes(trace, call)
        for port, value in call.outputs.items():
            if isinstance(value, TensorInfo) and len(value.shape) > 1 and "[" not in port:
                count = prod(value.shape[:-1]) if call.role != "patch_embed" else _patches(value)
                each = _alike(value, count, found) if sizes is None else _of_grids(layout(trace), sizes, count)
                rows.append((call.index, call.path, call.role, port, str(value), count, _listed(each)))
    columns = (
        *(Column("call", "right"), Column("module"), Column("role"), Column("port"), Column("tensor")),
        *(Column("rows", "right", "count"), Column("of each picture", "right")),
    )
    note = ""
    if strategy:
        does = "leaves the class token out" if strategy == "default" else "keeps the class token"
        note = f"vision_feature_select_strategy is {strategy!r}: it {does} between vision tower and projector."
    return Table("From pixels to features", columns, rows, note)


def _sizes(trace: Trace, call: Call) -> list[Size] | None:
    """The grids that a run of a vision tower, or the one around a call, was given; None where it was given none."""
    grid = kept(trace, call, TOWER_GRID)
    if grid is not None and grid.ndim == 2:
        return [(int(frames), int(rows), int(columns)) for frames, rows, columns in grid.tolist()]
    return None if call.parent is None else _sizes(trace, trace.calls[call.parent])


def _of_grids(how: Layout, sizes: Sequence[Size], count: int) -> list[int]:
    """So many rows dealt to pictures by their grids: patches or merged tokens; none where they are neither."""
    patches = [prod(size) for size in sizes]
    merged = [number // how.merge**2 for number in patches]
    return next((each for each in (patches, merged) if sum(each) == count), [])


def _alike(value: TensorInfo, count: int, found: Sequence[Entry]) -> list[int]:
    """Rows dealt to pictures that have an index of the tensor each, or as many as their tokens say."""
    own = [entry for entry in found if entry.kind == "image"]
    if not own or any(entry.together for entry in own):
        return []
    if value.shape[0] == len(own):
        return [count // len(own)] * len(own)
    tokens = [entry.features or 0 for entry in own]
    return tokens if sum(tokens) == count else []


def _listed(each: Sequence[int], most: int = 8) -> Cell:
    """A number that holds for all, or that of each."""
    if len(set(each)) == 1:
        return each[0]
    return some(each, most) or None


def _patches(value: TensorInfo) -> int:
    """Patches of a patch embedding's output: [patches, dims], or a map [pictures, dims, rows, columns]."""
    if len(value.shape) == 4:
        return value.shape[0] * value.shape[2] * value.shape[3]
    return prod(value.shape[:-1])


def blocks(found: Sequence[Block]) -> Table:
    """A row for each vision block: what attends to itself there, beside what the configuration says."""
    columns = (
        *(Column("block", "right"), Column("attends within"), Column("configuration"), Column("published")),
        *(Column("segments", "right", "count"), Column("patches in each"), Column("cu_seqlens"), Column("mark")),
    )
    words = {"windows": "windows", "full": "whole frames", "both": "frames of one window", "other": "something else"}

    def row(block: Block) -> tuple[Cell, ...]:
        sizes = [after - before for before, after in zip(block.lengths, block.lengths[1:], strict=False)]
        unlike = block.published and block.published != block.asked
        return (
            block.number,
            words.get(block.kind),
            words.get(block.asked),
            words.get(block.published),
            len(sizes) or None,
            None if not sizes else str(sizes[0]) if len(set(sizes)) == 1 else f"{min(sizes)}–{max(sizes)}",
            _shortened(block.lengths),
            MARK if block.wrong or unlike else None,
        )

    return Table("Vision blocks", columns, Rows(found, row))


def _shortened(lengths: Sequence[int]) -> str | None:
    if not lengths:
        return None
    shown = ", ".join(map(str, lengths if len(lengths) <= 5 else [*lengths[:3], "…", lengths[-1]]))
    return f"[{shown}]"


def window_table(tower: Tower, picture: int) -> Table:
    """The windows of one picture, in their order: where each lies, and where its tokens go."""
    merge = tower.layout.merge
    own = [
        (place, window)
        for place, window in enumerate(windows(tower.sizes, merge, tower.layout.window_side))
        if window.picture == picture
    ]
    columns = (
        *(Column("window", "right"), Column("frame", "right"), Column("rows"), Column("columns")),
        *(Column("tokens", "right", "count"), Column("places in window order"), Column("patches in cu_seqlens")),
    )

    def row(item: tuple[int, Any]) -> tuple[Cell, ...]:
        place, window = item
        last = window.start + window.tokens
        return (
            place,
            window.frame,
            f"{window.top}–{window.top + window.rows - 1}",
            f"{window.left}–{window.left + window.columns - 1}",
            window.tokens,
            f"{window.start}–{last - 1}",
            f"{window.start * merge**2}–{last * merge**2}",
        )

    note = f"Rows and columns count merged tokens; a full window is {tower.layout.window_side} of them a side."
    return Table("Windows", columns, Rows(own, row), note)
