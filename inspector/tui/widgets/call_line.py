"""One call as one line: index, place in the hierarchy, what it is, what came out, how long it took."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style

from inspector.analysis.wording import in_seconds
from inspector.trace import Call, TensorInfo
from inspector.tui.widgets.cells import fit, fit_end, visible, width_of
from inspector.tui.widgets.outline import Outline

Ink = Callable[[str], Style]

NAME = 56
"""Cells that a name can use; a wider list gives the rest to what the module is."""

ROOMY = 34
"""Cells of a name from which on the lines of the tree are drawn with gaps."""

BOTH = 36
"""Cells from which on a kind is written as role and class."""


@dataclass(frozen=True, slots=True)
class Line:
    """A call with its `label`, and whether the failure began with it."""

    call: Call
    label: str
    broken: bool


@dataclass(frozen=True, slots=True)
class Around:
    """What a line needs to know of its list: the outline, whether there are several steps, and whether times."""

    outline: Outline
    stepped: bool
    timed: bool


@dataclass(frozen=True, slots=True)
class Columns:
    """Cells for each column; 0 leaves one out."""

    name: int
    kind: int
    shape: int
    time: int


def columns(width: int, *, timed: bool) -> Columns:
    """How `width` cells are shared: the name first, then the shape, the time (if there is one) and the kind."""
    shape = 24 if width >= 80 else 20 if width >= 54 else 15 if width >= 32 else 0
    time = 7 if timed and width >= 44 else 0
    kind = 17 if width >= 66 else 0
    rest = width - sum(column + 1 for column in (shape, time, kind) if column)
    more = max(0, rest - NAME) if kind else 0
    return Columns(max(rest - more, 1), kind + more, shape, time)


def draw(line: Line, around: Around, width: int, ink: Ink) -> Iterator[Segment]:
    """The segments of a line, `width` cells in all."""
    call = line.call
    number = f"{call.index:>{len(str(len(around.outline) - 1))}} " + (
        f"{f's{call.step}':<4} " if around.stepped else ""
    )
    shares = columns(width - width_of(number), timed=around.timed)
    yield Segment(number, ink("quiet"))
    yield from _name(line, around.outline, shares, ink)
    if shares.kind:
        yield Segment(" " + fit(kind(line, shares.kind), shares.kind), ink("second"))
    if shares.shape:
        yield from _outcome(line, shares.shape, ink)
    if shares.time:
        took = "" if call.seconds is None else in_seconds(call.seconds)
        yield Segment(" " + fit(took, shares.time, right=True), ink("quiet"))


def kind(line: Line, width: int) -> str:
    """Role and class where there is room for both in most lines, else the one that the label does not already say."""
    role, name = line.call.role or "", visible(line.call.class_name)
    if not role:
        return name
    if width >= BOTH:
        return f"{role} · {name}"
    return name if line.label.rpartition(".")[2] == role else role


def haystack(call: Call) -> str:
    """What a filter is matched against, in lower case. The path stands first, up to a line break."""
    tensors = made(call)
    words = [call.path, call.class_name, call.role or "", "failed" if call.error else ""]
    return "\n".join([*words, *map(str, tensors), *badges(tensors)]).lower()


def made(call: Call) -> list[TensorInfo]:
    """The tensors that came out of a call."""
    return [value for value in call.outputs.values() if isinstance(value, TensorInfo)]


def badges(tensors: list[TensorInfo]) -> list[str]:
    """`nan` and `inf`, where a tensor holds some, as far as that was measured."""
    found = [value.stats for value in tensors if value.stats is not None]
    if not found:
        return []
    return [name for name, there in (("nan", any(s.nan for s in found)), ("inf", any(s.inf for s in found))) if there]


def outcome(call: Call) -> str:
    """The shape of the first output, and how many more tensors there are."""
    tensors = made(call)
    if not tensors:
        return "–"
    return f"{tensors[0]}" + (f" +{len(tensors) - 1}" if len(tensors) > 1 else "")


def describe(call: Call) -> str:
    """A call in a few lines, for a tooltip."""
    lines = [call.path or "the model", f"{call.class_name}{f' · {call.role}' if call.role else ''}"]
    lines += [f"{port}  {value}" for port, value in call.outputs.items() if isinstance(value, TensorInfo)][:4]
    return "\n".join(map(visible, [*lines, call.error] if call.error else lines))


def _name(line: Line, outline: Outline, shares: Columns, ink: Ink) -> Iterator[Segment]:
    item = line.call.index
    style = ink("loud") if line.call.error else ink("")
    label = visible(line.label)
    if outline.filtered:
        yield Segment(fit_end(label, shares.name), style)
        return
    gap = " " if shares.name >= ROOMY else ""
    marker = "▸" if outline.is_folded(item) else "▾" if outline.has_children(item) else " "
    head = label if gap and marker == " " else marker + gap + label
    guides = outline.guides(item, gap=gap)
    guides = fit(guides, min(len(guides), max(shares.name - 4, 0)))
    room = shares.name - width_of(guides)
    head = fit(head, min(room, width_of(head)))
    hidden = f" +{outline.end(item) - item - 1:,}" if outline.is_folded(item) else ""
    yield Segment(guides, ink("quiet"))
    yield Segment(head, style)
    yield Segment(_beside(line, hidden, room - width_of(head), with_kind=not shares.kind), ink("second"))


def _beside(line: Line, hidden: str, room: int, *, with_kind: bool) -> str:
    """What stands after a name, in exactly `room` cells: how much is folded away, and the kind if it fits."""
    both = f"{hidden}  {kind(line, room - len(hidden) - 2)}" if with_kind else hidden
    return fit(both if width_of(both) <= room else hidden, room)


def _outcome(line: Line, width: int, ink: Ink) -> Iterator[Segment]:
    call = line.call
    text, style = outcome(call), ink("accent")
    if call.error:
        text, style = f"✗ {call.error.partition(':')[0]}" if line.broken else "✗ inside", ink("loud")
    badge = " ".join(badges(made(call)))
    if badge and width_of(text) + len(badge) + 2 < width:
        badge = f" {badge} "
    room = width - len(badge) - bool(badge)
    if width_of(text) > room:
        text = text[max(text.find("["), 0) :]  # the dtype gives way before the shape does
    yield Segment(" " + fit(visible(text), max(room, 0)) + " " * bool(badge), style)
    if badge:
        yield Segment(badge, ink("badge"))
