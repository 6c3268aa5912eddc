"""The frames of a video: which of them went into which temporal patch, and where the tokens of that stand in time."""

from __future__ import annotations

from inspector.analysis.ledger import Entry
from inspector.analysis.tower import Tower
from inspector.analysis.wording import number
from inspector.parts import Cell, Column, Table
from inspector.trace import Media
from inspector.views.rows import Rows

COLUMNS = (
    *(Column("frame", "right"), Column("original frames"), Column("seconds")),
    *(Column("tokens"), Column("time", "right"), Column("expected", "right")),
)


def frames(entry: Entry, tower: Tower) -> Table | None:
    """A row for each temporal patch of a video; None for what is no video, or was made elsewhere."""
    media, size = entry.media, entry.size
    if media is None or media.kind != "video" or size is None or not media.sampled:
        return None
    temporal, rate = tower.layout.temporal, _rate(media, tower.layout.temporal)
    first = (entry.span.frame or 0) if entry.span is not None else 0

    def row(group: int) -> tuple[Cell, ...]:
        own = list(media.sampled[group * temporal : (group + 1) * temporal])
        own += own[-1:] * (temporal - len(own))  # the processor repeats the last
        seconds = ", ".join(number(frame / rate, 4) for frame in own) if rate else None
        return (group, ", ".join(map(str, own)), seconds, *_standing(entry, group - first))

    note = media.sampling
    if media.fps is None and rate:
        note += f" The frames say nothing of time; {number(rate, 4)} a second are assumed."
    title = f"Frames of {entry.name}: {len(media.sampled):,} of {media.frames:,}"
    return Table(title, COLUMNS, Rows(range(first, first + size[0]), row), note.strip())


def _rate(media: Media, temporal: int) -> float:
    """Frames a second of the original: its own, or that by which the model was told of its time; 0 without either."""
    if media.fps:
        return media.fps
    every = media.seconds_per_grid
    return temporal / every * media.frames / len(media.sampled) if every else 0.0


def _standing(entry: Entry, frame: int) -> tuple[Cell, Cell, Cell]:
    """The tokens of a frame of patches, by their index in the row, and their position in time, found and expected."""
    span, placement, size = entry.span, entry.placement, entry.size
    if span is None or span.grid is None or size is None:
        return None, None, None
    area = span.grid.rows * span.grid.columns
    start = span.start + frame * area
    if start >= span.stop:
        return None, None, None
    first = start - placement.begin
    last = min(start + area, span.stop) - 1 - placement.begin
    found = None if placement.actual is None else int(placement.actual[0, first])
    expected = placement.expected(first)
    tokens = f"{placement.tokens[first]}–{placement.tokens[last]}"
    return tokens, found, None if expected is None else expected[0]
