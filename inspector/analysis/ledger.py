"""The account of every picture: what was given, what the processor made of it, and what reached the language model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from inspector.analysis.checks import Check, counted
from inspector.analysis.forwards import Forward, kept, layout, placeholders, vision_towers
from inspector.analysis.layout import Layout
from inspector.analysis.placement import Placement
from inspector.analysis.positions import Span
from inspector.analysis.tower import tower_of
from inspector.analysis.windows import Size
from inspector.trace import Call, Media, TensorInfo, Trace

if TYPE_CHECKING:
    from torch import Tensor

PIXELS = {"image": ("input.pixel_values",), "video": ("input.pixel_values_videos",)}


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture or video. `number` counts its kind in the batch from 0; `span` are its tokens in row `row`.

    `size` is its grid of patches, None for a model whose pictures have none. `expected` are the tokens that grid or
    configuration ask for, `found` the placeholders in the ids, `features` the rows that came out of the vision tower
    for it, None where that cannot be told for one picture.
    """

    kind: str
    number: int
    row: int
    media: Media | None
    size: Size | None
    resized: tuple[int, int] | None
    patches: int | None
    expected: int | None
    found: int
    features: int | None
    span: Span | None
    placement: Placement

    @property
    def name(self) -> str:
        return f"{self.kind} {self.number + 1}"

    @property
    def difference(self) -> int | None:
        """Placeholders more, or less, than there should be."""
        wanted = self.features if self.expected is None else self.expected
        return None if wanted is None else self.found - wanted


@dataclass(frozen=True, slots=True)
class Total:
    """All pictures, or videos, of a forward: placeholders, rows of features, patches that were given as pixels."""

    kind: str
    found: int
    expected: int | None
    features: int | None
    patches: int | None
    pixels: int | None


def entries(trace: Trace, rows: Sequence[Placement]) -> list[Entry]:
    """The pictures and videos of one forward, in the order of the batch."""
    how = layout(trace)
    found: list[Entry] = []
    for placement in rows:
        for kind in ("image", "video"):
            spans = [span for span in placement.spans if span.kind == kind]
            make = _with_grids if any(span.grid is not None for span in spans) else _without_grids
            found.extend(make(trace, how, placement, kind, spans))
    return found


def totals(trace: Trace, forward: Forward, found: Sequence[Entry]) -> list[Total]:
    """Sums of each kind that there is."""
    how, known = layout(trace), placeholders(trace)
    sums = []
    for kind in ("image", "video"):
        own = [entry for entry in found if entry.kind == kind]
        count = sum(forward.kinds(row, known).count(kind) for row in range(forward.batch))
        rows = _feature_rows(trace, forward, kind)
        if not own and not count and rows is None:
            continue
        expected = [entry.expected for entry in own]
        patches = [entry.patches for entry in own]
        sums.append(
            Total(
                kind,
                count,
                None if None in expected or not own else sum(filter(None, expected)),
                rows,
                None if None in patches or not own else sum(filter(None, patches)),
                _pixel_rows(trace, forward, kind, how),
            )
        )
    return sums


def ledger_checks(found: Sequence[Entry], sums: Sequence[Total]) -> Iterator[Check]:
    """Each picture, then each kind as a whole."""
    for entry in found:
        if entry.difference is None:
            continue
        text = f"{counted(entry.found, 'placeholder')} in the ids, "
        text += f"{counted(entry.found - entry.difference, 'token')} asked for by "
        text += _grid_text(entry)
        if entry.difference:
            more = "many" if entry.difference > 0 else "few"
            text += f" {abs(entry.difference):,} too {more}."
        yield Check(entry.name, entry.difference == 0, text)
    for total in sums:
        if total.features is not None:
            text = f"{counted(total.found, 'placeholder')} take {counted(total.features, 'row')} of features."
            yield Check(f"{total.kind} features", total.found == total.features, text)
        if total.pixels is not None and total.patches is not None:
            text = (
                f"{counted(total.pixels, 'row')} of pixels, {counted(total.patches, 'patch', 'patches')} in the grids."
            )
            yield Check(f"{total.kind} patches", total.pixels == total.patches, text)


def pixel_values(trace: Trace, forward: Forward, kind: str) -> Tensor | None:
    """What the image processor made of the pictures of a forward, if it was kept."""
    calls = [trace.calls[forward.call]]
    tower = tower_of(trace, forward, kind)
    for call in calls:
        for port in PIXELS[kind]:
            value = kept(trace, call, port)
            if value is not None:
                return value
    return kept(trace, tower.call, "input.hidden_states") if tower is not None else None


def _with_grids(trace: Trace, how: Layout, placement: Placement, kind: str, spans: Sequence[Span]) -> Iterator[Entry]:
    tower = tower_of(trace, placement.forward, kind)
    whole = _feature_rows(trace, placement.forward, kind)
    sizes = placement.forward.sizes.get(kind, [])
    asked = sum(prod(size) for size in sizes) // how.merge**2
    for span in spans:
        if span.grid is None:
            yield Entry(kind, 0, placement.row, None, None, None, None, None, span.count, None, span, placement)
            continue
        grid = span.grid
        size = (grid.frames if span.frame is None else 1, grid.rows * how.merge, grid.columns * how.merge)
        resized = (size[2] * how.patch, size[1] * how.patch) if how.patch else None
        features = span.expected if tower is not None and whole == asked else None
        media = _media(trace, kind, grid.number)
        patches = prod(size)
        yield Entry(
            kind, grid.number, placement.row, media, size, resized, patches, span.expected, span.count, features, span,
            placement,
        )  # fmt: skip


def _without_grids(
    trace: Trace, how: Layout, placement: Placement, kind: str, spans: Sequence[Span]
) -> Iterator[Entry]:
    """Pictures of one size: as many tokens each, however they stand in the ids."""
    given = [(number, item) for number, item in enumerate(_of_kind(trace, kind)) if item.row == placement.row]
    found = sum(span.count for span in spans)
    rows = _feature_rows(trace, placement.forward, kind)
    pictures = len(given) or _pictures(trace, placement.forward, kind, found)
    if not found and not given:
        return
    every = len(_of_kind(trace, kind)) or pictures
    each = rows // every if rows is not None and every and rows % every == 0 else None
    side = (how.image_size, how.image_size) if how.image_size else None
    patches = (how.image_size // how.patch) ** 2 if how.image_size and how.patch else None
    for place in range(max(pictures, 1)):
        number, media = given[place] if place < len(given) else (place, None)
        share = found // max(pictures, 1) + (place < found % max(pictures, 1))
        span = spans[place] if len(spans) == pictures else None
        expected = each if rows is not None else how.tokens or None
        yield Entry(
            kind, number, placement.row, media, None, side, patches, expected, span.count if span else share, each,
            span, placement,
        )  # fmt: skip


def _pictures(trace: Trace, forward: Forward, kind: str, found: int) -> int:
    """How many pictures a forward was given, told from its pixels."""
    for port in PIXELS[kind]:
        info = trace.calls[forward.call].inputs.get(port)
        if isinstance(info, TensorInfo) and len(info.shape) >= 4:
            return info.shape[0] if found else 0
    return 0


def _feature_rows(trace: Trace, forward: Forward, kind: str) -> int | None:
    """Rows of features that a forward put in the place of placeholders."""
    tower = tower_of(trace, forward, kind)
    if tower is not None:
        return next((rows for port in ("output.pooler_output", "output") if (rows := _rows(tower.call, port))), None)
    if kind == "video" or forward.sizes:
        return None
    projected = [call for call in _inside(trace, forward) if call.role in ("projector", "merger")]
    return next((rows for call in reversed(_outermost(projected)) if (rows := _rows(call, "output"))), None)


def _rows(call: Call, port: str) -> int | None:
    info = call.outputs.get(port)
    return prod(info.shape[:-1]) if isinstance(info, TensorInfo) else None


def _inside(trace: Trace, forward: Forward) -> list[Call]:
    """The calls of a forward that are no part of a vision tower."""
    above = vision_towers(trace)
    paths = [module.path for module in trace.modules if module.role in ("projector", "merger")]
    own = [path for path in paths if not any(path.startswith(f"{tower}.") for tower in above)]
    calls = [trace.calls[index] for path in own for index in trace.occurrences(path)]
    return [call for call in calls if call.step == forward.step]


def _outermost(calls: Sequence[Call]) -> list[Call]:
    paths = [call.path for call in calls]
    return [call for call in calls if not any(call.path.startswith(f"{path}.") for path in paths)]


def _pixel_rows(trace: Trace, forward: Forward, kind: str, how: Layout) -> int | None:
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


def _grid_text(entry: Entry) -> str:
    if entry.size is None:
        return "the configuration." if entry.features is None else "its features."
    return f"a grid of {'×'.join(map(str, entry.size))} patches."


def _of_kind(trace: Trace, kind: str) -> list[Media]:
    return [item for item in trace.media if item.kind == kind]


def _media(trace: Trace, kind: str, number: int) -> Media | None:
    given = _of_kind(trace, kind)
    return given[number] if number < len(given) else None
