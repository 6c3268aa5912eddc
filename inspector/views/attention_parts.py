"""The parts of the view of attention."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from inspector.analysis.attention import Attention, entropy, top
from inspector.analysis.checks import counted
from inspector.analysis.kernels import Kernel, in_vision, kernels
from inspector.analysis.layers import layer_names, picture_named, run_of
from inspector.analysis.layout import frames_named
from inspector.analysis.overlay import overlaid
from inspector.analysis.patches import CLASS, Patches
from inspector.analysis.regions import Region, regions
from inspector.analysis.sequence import Sequenced, key_offset
from inspector.analysis.tensors import cells, edges
from inspector.analysis.wording import visible
from inspector.errors import TraceError
from inspector.parts import Cell, Column, Heatmap, Part, Picture, Table
from inspector.trace import Trace
from inspector.views.backdrop import backdrop
from inspector.views.position_words import numbered

CELLS = (64, 128)
"""The most rows and columns of a heatmap."""

FACTS = (Column("field"), Column("value"))

WINDOWS = "Patches stand in window order, as the blocks have them."

NO_VALUES = (
    "The model ran without weights (shape-only): queries and keys have a shape and no values, so nothing can be said "
    "of where they look. Which keys they see is known all the same: the view of masks says so."
)


@dataclass(frozen=True)
class Look:
    """One query of one row in one attention call, by its place in the call, by the mean of some `heads`, or by one."""

    trace: Trace
    kernel: Kernel
    row: int
    heads: range
    query: int
    tokens: Sequenced
    patches: Patches | None = None

    @cached_property
    def attention(self) -> Attention:
        return Attention(self.kernel, self.row)

    @cached_property
    def of_heads(self) -> Tensor:
        """f32 [heads, keys]."""
        return self.attention.of_query(self.query)

    @cached_property
    def probabilities(self) -> Tensor:
        """f32 [keys] of the head that was asked for, or the mean over several."""
        return self.of_heads[self.heads.start : self.heads.stop].mean(0)

    @cached_property
    def offset(self) -> int:
        """The index of the token that the first key stands for."""
        return 0 if self.patches is not None else key_offset(self.kernel, self.tokens)

    @cached_property
    def regions(self) -> list[Region]:
        if self.patches is not None:
            return self.patches.regions
        return regions(self.trace, self.kernel, self.row, self.tokens)

    @property
    def who(self) -> str:
        if len(self.heads) == 1:
            return f"head {self.heads.start}"
        every = len(self.heads) == self.kernel.heads
        return "the mean of all heads" if every else f"the mean of heads {self.heads.start} to {self.heads.stop - 1}"

    @property
    def asker(self) -> str:
        """The query in words: its token, or its patch."""
        return self.named(self.query, asks=True)

    def named(self, key: int, *, asks: bool = False) -> str:
        """A key (or query) in words."""
        if self.patches is not None:
            return _patch(self.trace, self.patches, key)
        index = key + (self.tokens.first if asks else self.offset)
        token = self.tokens.at(index)
        return f"token {index}" + (f" {visible(token.text, spaces=True)!r}" if token is not None and token.text else "")


def _patch(trace: Trace, patches: Patches, key: int) -> str:
    found = patches.at(key)
    if found is None:
        return patches.name(key) or f"place {key}"
    region, row, column = found
    return f"row {row}, column {column} of {_name(trace, region)}"


def _name(trace: Trace, region: Region) -> str:
    frame = "" if region.frame is None else f", {frames_named(region.frame, region.temporal)}"
    return f"{numbered(trace, region.kind, region.number)}{frame}"


def facts(look: Look) -> Table:
    """What is looked at, and what the kernel was given for it."""
    kernel = look.kernel
    softcap, sinks, calls = kernel.number("softcap"), kernel.sinks(), kernel.number("calls")
    heads = f"{kernel.heads} heads"
    if kernel.group > 1:
        heads += f" in {counted(kernel.key_heads, 'group')} of {kernel.group} that share keys and values"
    rows: list[tuple[Cell, ...]] = [
        ("module", kernel.path),
        ("query", _query(look)),
        ("head", look.who),
        ("heads", heads),
        ("keys", _keys(look)),
        ("mask", look.attention.mask.pattern),
        ("kernel", f"{kernel.name} in {kernel.query.dtype}; worked out again in float32"),
        *([("calls", f"{calls:.0f}, with the same queries and keys, for other values")] if calls else []),
        ("scaling", kernel.scaling),
        *([("soft cap", softcap)] if softcap is not None else []),
        *([("sink", _sink(look, sinks))] if sinks is not None else []),
        ("entropy", _entropy(look)),
    ]
    return Table("Attention", FACTS, rows)


def _query(look: Look) -> str:
    if look.patches is None or not look.patches.regions:
        return f"{look.asker}, one of {look.kernel.queries:,}"
    number = look.patches.number(look.query)
    if number is None:
        return look.asker
    moved = f", at place {look.query} in window order" if look.patches.reordered else ""
    return f"patch {number}, {look.asker}{moved}"


def _keys(look: Look) -> str:
    if look.patches is None or not look.patches.regions:
        return f"{look.kernel.keys:,}" + (f", from token {look.offset} on" if look.offset else "")
    return look.patches.summary


def _sink(look: Look, sinks: Tensor) -> str:
    left = 1 - float(look.probabilities.sum())
    return f"takes {left:.1%} of what the query gives"


def _entropy(look: Look) -> str:
    found = float(entropy(look.probabilities[None]))
    return f"{found:.2f} nats, as if it looked at {torch.tensor(found).exp():.1f} keys alike"


def where(look: Look) -> Table:
    """How much of the attention goes to which kind of key."""
    given = look.probabilities
    rows: list[tuple[str, int, float]] = [
        (_name(look.trace, region), sum(key >= 0 for key in region.keys), region.share(given))
        for region in look.regions
    ]
    if look.patches is not None:
        rows += [(CLASS, 1, float(given[key])) for key in look.patches.others]
    else:
        in_pictures = {key for region in look.regions for key in region.keys}
        kinds: dict[str, list[int]] = {}
        for key in range(look.kernel.keys):
            token = look.tokens.at(key + look.offset)
            if key not in in_pictures:
                kinds.setdefault("empty places" if token is None else KINDS.get(token.kind, token.kind), []).append(key)
        rows += [(kind, len(keys), float(given[keys].sum())) for kind, keys in kinds.items()]
        own = look.query + look.tokens.first - look.offset
        rows.append(("of these, the query's own token", 1, float(given[own])))
        rows.append(("of these, the first key", 1, float(given[0])))
    table = [(name, count, 100 * share) for name, count, share in rows]
    columns = (Column("looks at"), Column("keys", "right", "count"), Column("share", "right", "percent"))
    return Table(f"Where {look.asker} looks", columns, table, f"By {look.who}.")


KINDS = {"text": "text", "special": "special tokens", "pad": "padding", "image": "other image tokens"}


def attended(look: Look, count: int) -> Table:
    """The keys with the largest probabilities, and the head that looks at each the most."""
    first, second = ("key", "token") if look.patches is None else ("patch", "where it is")
    columns = (
        Column(first, "right"),
        Column(second),
        Column("kind"),
        Column("probability", "right"),
        Column("most by head", "right"),
        Column("which gives", "right"),
    )
    rows = []
    for item in top(look.probabilities, count):
        token = None if look.patches is not None else look.tokens.at(item.key + look.offset)
        index = item.key + look.offset if look.patches is None else look.patches.number(item.key)
        most = int(look.of_heads[:, item.key].nan_to_num(0).argmax())
        text = look.named(item.key) if token is None else visible(token.text, spaces=True)
        kind = None if token is None else token.kind
        rows.append((index, text, kind, item.probability, most, float(look.of_heads[most, item.key])))
    return Table("Most attended", columns, rows, f"By {look.who}.")


def pictures(look: Look, picture: str) -> Iterator[Part]:
    """The attention over each picture: as numbers, and drawn over the picture itself."""
    found = look.regions
    if picture:
        wanted = picture_named(picture, [(region.kind, region.number) for region in found])
        found = [region for region in found if (region.kind, region.number) == wanted]
    most = max((region.most(look.probabilities) for region in look.regions), default=0.0)
    for region in found:
        heat = region.map(look.probabilities)
        share = f"{region.share(look.probabilities):.1%} of the attention of {look.who}"
        name = _name(look.trace, region)
        under = backdrop(look.trace, region)
        missing = " Neither its pixels were kept nor is its file at hand, to be drawn upon." if under is None else ""
        yield Heatmap(f"Attention over {name}", heat, "row", "column", f"{share}.{missing}")
        if under is not None:
            yield Picture(f"Attention drawn over {name}", *overlaid(heat, under, most))


def heads(look: Look) -> Heatmap:
    """Every head of the query over the keys."""
    kernel = look.kernel
    grouped = f"heads, {kernel.group} in a row share their keys" if kernel.group > 1 else "heads"
    columns = edges(kernel.keys, CELLS[1])
    values = cells(look.of_heads, edges(kernel.heads, CELLS[0]), columns, "max")
    notes = ["A cell shows the largest of what it covers."] if len(columns) - 1 < kernel.keys else []
    keys = f"keys from {look.offset}"
    if look.patches is not None:
        keys = _keys(look)
        notes += [WINDOWS] if look.patches.reordered else []
    return Heatmap(f"Heads of {look.asker}", values, grouped, keys, " ".join(notes))


def matrix(look: Look) -> list[Part]:
    """Queries by keys of the head that was asked for: all of them, or the last ones of many."""
    kernel = look.kernel
    if len(look.heads) > 1 or kernel.queries == 1:
        return []
    rows = range(max(0, min(look.query + 1, kernel.queries) - CELLS[0]), kernel.queries)
    rows = range(kernel.queries) if kernel.queries <= 4 * CELLS[0] else rows[: CELLS[0]]
    found = look.attention.probabilities(look.heads.start, rows)
    down, across = edges(len(rows), CELLS[0]), edges(kernel.keys, CELLS[1])
    notes = ["A cell shows the largest of what it covers."] if len(across) - 1 < kernel.keys else []
    if len(rows) < kernel.queries:
        notes.append(f"Some of {kernel.queries:,} queries; choose with --query.")
    first = rows.start + (0 if look.patches is not None else look.tokens.first)
    if look.patches is not None and look.patches.reordered:
        notes.append(WINDOWS)
    return [
        Heatmap(
            f"Head {look.heads.start} of {kernel.path}",
            cells(found, down, across, "max"),
            f"queries {first}–{first + len(rows) - 1}",
            f"keys from {look.offset}",
            " ".join(notes),
        )
    ]


def entropies(trace: Trace, step: int, look: Look) -> Heatmap:
    """The entropy of every head of every layer on the same side, for the same query."""
    run = run_of(look.kernel)
    side = [own for own in kernels(trace, step) if not in_vision(trace, own.path)] if run is None else run.kernels
    alike = [kernel for kernel in side if kernel.queries == look.kernel.queries]
    names = layer_names(alike) if run is None else []
    lines, missing = [], 0
    most = max(kernel.heads for kernel in alike)
    for kernel in alike:
        try:
            found = entropy(Attention(kernel, look.row % kernel.batch).of_query(look.query)).tolist()
        except TraceError:
            missing += 1
            continue
        lines.append([*found, *[float("nan")] * (most - len(found))])
    note = "In nats: 0 for a head that looks at one key alone."
    if names != [str(place) for place in range(len(names))]:
        note += f" From above: the layers {', '.join(names)}."
    if missing:
        note += f" Of {missing} layers queries and keys were not kept."
    return Heatmap(f"Entropy of {look.asker}", lines, "layers", "heads", note)


def calls(trace: Trace, step: int) -> Table:
    """The attention calls of a step, in shapes: all that there is without values."""
    columns = (Column("module"), Column("query"), Column("key"), Column("kernel"), Column("heads a key", "right"))
    rows: Sequence[tuple[Cell, ...]] = [
        (kernel.path, str(kernel.query), str(kernel.key), kernel.name, kernel.group) for kernel in kernels(trace, step)
    ]
    return Table("Attention calls", columns, rows, NO_VALUES)
