"""What became of each picture: the ledger from original to features, the picture the model saw, windows, and the map
between pixels, patches, tokens and positions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from inspector.analysis.checks import Check
from inspector.analysis.ledger import Entry, entries, ledger_checks, totals
from inspector.analysis.placement import Placement, placements
from inspector.analysis.tower import Tower, blocks, tower_of, undone
from inspector.errors import InputError
from inspector.parts import Part, Text, View
from inspector.trace import Trace
from inspector.views import vision_map as mapping
from inspector.views import vision_pictures as pictures
from inspector.views import vision_tables as tables
from inspector.views.asking import ordinal
from inspector.views.positions import checked, rows_of
from inspector.views.vision_frames import frames as frames_of
from inspector.views.vision_positions import tower_positions

NONE = "No forward of this trace was given pictures."


def show(
    trace: Trace,
    *,
    picture: str = "",
    step: str = "",
    patch: str = "",
    pixel: str = "",
    token: str = "",
    frame: str = "",
    row: str = "",
) -> Sequence[Part]:
    chosen = _forward(trace, step)
    if chosen is None:
        return [Text("Pictures", NONE)]
    found = entries(trace, chosen)
    forward = chosen[0].forward
    sums = totals(trace, forward, found)
    entry = found[ordinal(picture or "1", "picture", len(found), "pictures")] if found or picture else None
    if token and not picture and found:
        entry = mapping.holder(found, token, row)
    tower = tower_of(trace, forward, entry.kind) if entry is not None else None
    return [
        checked(checks_of(trace, chosen)),
        tables.ledger(found, sums),
        tables.processing(trace, found),
        tables.stages(trace, forward.step, found),
        *_one(trace, entry, tower, patch, pixel, token, frame),
    ]


def checks_of(trace: Trace, rows: Sequence[Placement]) -> list[Check]:
    """Everything that is checked about the pictures of a forward."""
    found = entries(trace, rows)
    return [*ledger_checks(found, totals(trace, rows[0].forward, found)), *_tower_checks(trace, rows)]


def _one(
    trace: Trace, entry: Entry | None, tower: Tower | None, patch: str, pixel: str, token: str, frame: str
) -> Iterator[Part]:
    """The parts of one picture."""
    if entry is None:
        return
    frames = pictures.rebuilt(trace, entry, tower)
    yield from pictures.seen(trace, entry, frames)
    if tower is None or entry.size is None:
        if any((patch, pixel, frame)):
            raise InputError(f"The patches of {entry.name} have no grid, so that they cannot be pointed at.")
        if token:
            yield mapping.standing(entry, token)
        return
    found = mapping.Map(entry, tower, tower.layout.merge, tower.layout.patch)
    asked = mapping.asked(found, patch, pixel, token, frame)
    if asked is not None:
        yield from pictures.marked(found, asked, frames)
    sampled = frames_of(entry, tower)
    if sampled is not None:
        yield sampled
    yield tables.blocks(blocks(trace, tower))
    if tower.has_windows:
        yield from pictures.window_parts(entry, tower, frames)
        yield tables.window_table(tower, entry.number)
    groups, rows, columns = found.size
    yield mapping.table(found, range(groups * rows * columns) if asked is None else asked)


def _tower_checks(trace: Trace, chosen: Sequence[Placement]) -> Iterator[Check]:
    """Blocks, window order and positions of the vision tower."""
    forward = chosen[0].forward
    for kind in forward.sizes:
        tower = tower_of(trace, forward, kind)
        if tower is None:
            continue
        yield from _block_checks(trace, tower, kind)
        if tower.has_windows:
            back = undone(trace, tower)
            yield Check(f"window order of {kind}s", back.ok, back.evidence)
    yield from tower_positions(trace)[1]


def _block_checks(trace: Trace, tower: Tower, kind: str) -> Iterator[Check]:
    found = blocks(trace, tower)
    if not tower.has_windows or not any(block.kind for block in found):
        return
    full = [block.number for block in found if block.kind == "full"]
    asked = [block.number for block in found if block.asked == "full"]
    wrong = [block.number for block in found if block.wrong]
    those = f"Block {full[0]} attends" if len(full) == 1 else f"Blocks {_listed(full)} attend"
    text = f"{those} to whole frames; the configuration says {_listed(asked)}."
    if all(block.kind == "both" for block in found):
        text = "Every frame is one window, so that all blocks attend to whole frames."
    yield Check(f"vision blocks, {kind}s", not wrong, text)
    published = tower.layout.published_full_blocks
    if published is not None and tuple(asked) != published:
        text = f"The configuration says {_listed(asked)}, published models of this depth {_listed(published)}."
        yield Check("fullatt_block_indexes", False, text)


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers)) or "none"


def _forward(trace: Trace, step: str) -> Sequence[Placement] | None:
    """The rows of the forward that was asked for; by default of the first with pictures."""
    placed = [rows for rows in placements(trace) if rows]
    if step:
        return rows_of(placed, step)
    with_pictures = (rows for rows in placed if any(span.kind != "text" for row in rows for span in row.spans))
    return next(with_pictures, placed[0] if placed and trace.media else None)


VIEW = View(
    "vision",
    "What became of each picture: sizes, patches, tokens, features, windows, and where each patch went",
    show,
    {
        "picture": "The picture or video to be shown, from 1 over the whole batch",
        "step": "The step, from 0; by default the first with pictures",
        "patch": "A patch of it, in the order of pixel_values",
        "pixel": "A pixel of the original, across,down, such as 120,80",
        "token": "A token of the row, whose picture and patches are shown",
        "frame": "A frame of patches of a video",
        "row": "The row of the batch of --token, from 0, where several have such a token",
    },
    values=(":input.pixel_values*", "*visual:input.hidden_states", "*.merger:output", "*visual:output.pooler_output"),
)
