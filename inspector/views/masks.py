"""Which keys each query really saw: the masks of every attention call, why they are so, who sees nothing, padding."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from inspector.errors import InputError
from inspector.parts import Cell, Column, Heatmap, Part, Table, Text, View
from inspector.trace import TensorInfo, Trace
from inspector.views.asking import span, whole

if TYPE_CHECKING:
    from inspector.analysis.kernels import Kernel
    from inspector.analysis.mask_report import Group, Padding
    from inspector.analysis.masks import Applied

CELLS = (64, 128)
"""The most rows and columns of a heatmap."""

COLUMNS = (
    Column("modules"),
    Column("calls", "right", "count"),
    Column("mask"),
    Column("queries", "right", "count"),
    Column("keys", "right", "count"),
    Column("see nothing", "right", "count"),
    Column("kernel"),
    Column("dtype and values"),
    Column("read from"),
    Column("made by the rule"),
)


def show(
    trace: Trace,
    *,
    layer: str = "",
    step: str = "",
    row: str = "",
    head: str = "",
    queries: str = "",
    keys: str = "",
    picture: str = "",
) -> Sequence[Part]:
    from inspector.analysis.kernels import kernels, nothing
    from inspector.analysis.layers import choose
    from inspector.analysis.mask_checks import mask_checks
    from inspector.analysis.mask_report import groups, paddings
    from inspector.views.positions import checked

    number = step_of(trace, step)
    if not kernels(trace, number):
        return [Table("Masks", COLUMNS, [], nothing(trace, number))]
    kernel = choose(trace, layer, number, picture)
    place = whole(row or "0", "row", kernel.batch, f"rows in the batch of {kernel.path}")
    found = groups(trace, number, place)
    rows = paddings(trace, number)
    return [
        checked(mask_checks(trace, number, found)),
        table(found, place),
        *([padding_table(rows)] if rows else []),
        *vision_blocks(trace, number),
        *drawn(kernel, place, head, queries, keys),
    ]


def step_of(trace: Trace, step: str) -> int:
    """The step that is asked for, by default the first. Raises `InputError`."""
    if not step:
        return 0
    count = 1 + max((call.step for call in trace.calls), default=0)
    return whole(step, "step", count, "steps")


def table(found: Sequence[Group], row: int) -> Table:
    """A line for each mask: which modules applied it, what it is called, what it was read from."""
    rows = [_line(group) for group in found]
    several = any(group.kernels[0].batch > 1 for group in found)
    return Table("Masks", COLUMNS, rows, f"Of row {row} of the batch; choose with --row." if several else "")


def _line(group: Group) -> tuple[Cell, ...]:
    from inspector.analysis.layers import ran_on

    kernel, found = group.kernels[0], group.applied
    read = {"tensor": "the tensor", "rule": "its rule", "kernel": "the kernel's arguments", "unknown": None}
    run = ran_on(group.kernels)
    return (
        f"{group.name} on {run}" if run else group.name,
        len(group.kernels),
        found.pattern,
        kernel.queries,
        kernel.keys,
        len(group.blind) + group.blind_padding if found.spans is not None else None,
        kernel.name,
        group.encoding or None,
        read[found.source],
        found.rule or None,
    )


def padding_table(rows: Sequence[Padding]) -> Table:
    """A line for each row of the batch, by the 2-D padding mask that the forward was given."""
    columns = (
        Column("row", "right"),
        Column("tokens", "right", "count"),
        Column("left", "right", "count"),
        Column("inside", "right", "count"),
        Column("right", "right", "count"),
        Column("padding"),
    )
    lines = [(item.row, item.tokens, item.left, item.inside, item.right, _badge(item)) for item in rows]
    return Table("Padding", columns, lines, "By the attention_mask of the forward, cache included.")


def _badge(item: Padding) -> str:
    return f"≠ {item.side}" if item.right or item.inside else item.side


def vision_blocks(trace: Trace, step: int) -> list[Part]:
    """Each block of a vision tower: windows or whole frames, as it ran, as configured and as published."""
    from inspector.analysis.layers import towers_in
    from inspector.analysis.tower import blocks

    columns = (
        Column("block", "right"),
        Column("attends to"),
        Column("configured"),
        Column("published"),
        Column("pieces", "right", "count"),
        Column("patches in each"),
        Column("mark"),
    )
    tables: list[Part] = []
    for tower, name in towers_in(trace, step):
        rows = [
            (
                block.number,
                block.kind or None,
                block.asked,
                block.published or None,
                max(0, len(block.lengths) - 1),
                _sizes(block.lengths),
                "≠" if block.wrong else None,
            )
            for block in blocks(trace, tower)
        ]
        note = "windows: within a window of the picture; full: within a whole frame; both: a frame that is one window."
        tables.append(Table(f"Blocks of {name}", columns, rows, note))
    return tables


def _sizes(lengths: Sequence[int]) -> str:
    """`64 ×12, 32 ×3`: how large the pieces are, most frequent first."""
    sizes = [after - before for before, after in pairwise(lengths)]
    counts = {size: sizes.count(size) for size in dict.fromkeys(sizes)}
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    shown = ", ".join(f"{size:,}" if count == 1 else f"{size:,} ×{count:,}" for size, count in ordered[:6])
    return shown + (f" and {len(ordered) - 6:,} other sizes" if len(ordered) > 6 else "")


def drawn(kernel: Kernel, row: int, head: str, queries: str, keys: str) -> list[Part]:
    """The mask of one call, or a part of it, and why it is so."""
    from inspector.analysis.masks import applied
    from inspector.analysis.tensors import edges

    number = whole(head or "0", "head", kernel.heads, "heads")
    found = applied(kernel, row, number)
    why = Text(f"Why {kernel.path} sees this", found.reason)
    if found.spans is None:
        if queries or keys:
            raise InputError(found.reason)
        return [why]
    down = span(queries, "queries", kernel.queries, "queries")
    across = span(keys, "keys", kernel.keys, "keys")
    rows, columns = (
        [part.start + edge for edge in edges(len(part), most)] for part, most in zip((down, across), CELLS, strict=True)
    )
    values = found.spans.cells(rows, columns)
    coarse = len(rows) - 1 < len(down) or len(columns) - 1 < len(across)
    shared = _shares_heads(kernel)
    notes = [
        "1: the query sees the key.",
        *(["A cell shows the share of what it covers; choose a part with --queries and --keys."] if coarse else []),
        *([] if shared else [f"Of head {number}; choose with --head."]),
    ]
    title = f"{kernel.path}: {found.pattern}"
    drawing = Heatmap(title, values, f"queries {_named(down)}", f"keys {_named(across)}", " ".join(notes))
    return [why, *_in_words(kernel, found, row, down, across), drawing]


def _in_words(kernel: Kernel, found: Applied, row: int, down: range, across: range) -> list[Part]:
    """Whether one query may see one key, where both were asked for."""
    from inspector.analysis.mask_words import names_of, sight

    if len(down) > 1 or len(across) > 1:
        return []
    return [Text("In words", sight(found, names_of(kernel, row), down.start, across.start))]


def _shares_heads(kernel: Kernel) -> bool:
    mask = kernel.mask
    return not (isinstance(mask, TensorInfo) and len(mask.shape) == 4 and mask.shape[1] > 1)


def _named(part: range) -> str:
    return f"{part.start}–{part.stop - 1}" if len(part) > 1 else str(part.start)


VIEW = View(
    "masks",
    "Which keys each query saw in every attention call, why, and what is wrong with it",
    show,
    {
        "layer": "The mask to draw: a decoder layer from 0, vision.0 of the vision tower, or the path of a module",
        "step": "The step, from 0, the prefill",
        "row": "The row of the batch, from 0",
        "head": "The head, from 0, where heads have masks of their own",
        "queries": "The queries to draw: one, or start:stop",
        "keys": "The keys to draw: one, or start:stop",
        "picture": "Where the vision tower ran more than once: its run on this picture, 1, or video, video.1",
    },
)
