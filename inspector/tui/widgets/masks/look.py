"""What the tab of masks shows of one step and row: worked out in a thread, painted from here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inspector.trace import Trace

if TYPE_CHECKING:
    from inspector.analysis.checks import Check
    from inspector.analysis.mask_report import Group, Padding
    from inspector.analysis.mask_words import Names
    from inspector.analysis.sequence import Sequenced
    from inspector.tui.widgets.masks.plane import MaskPlane

NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Seen:
    """Attention calls with the same mask, as they are listed and drawn. `plane` is None where the mask is not known.

    `wrong` are those with queries that see nothing, and vision blocks of another kind than the configuration asks for.
    """

    group: Group
    label: str
    names: Names
    plane: MaskPlane | None
    facts: Sequence[tuple[str, str]]
    vision: bool
    wrong: bool


@dataclass(frozen=True, slots=True)
class MaskLook:
    """One step of a trace and one of its `rows`. `kind` says what the step does; `nothing` says why there is no mask to
    show, empty where there is.
    """

    step: int
    row: int
    steps: Sequence[int]
    rows: int
    seen: Sequence[Seen]
    checks: Sequence[Check]
    padding: Padding | None
    kind: str = "prefill"
    nothing: str = ""

    @property
    def first(self) -> int:
        """The mask to begin with: one with a fault, or else the decoder's first."""
        wrong = [number for number, item in enumerate(self.seen) if item.wrong]
        decoder = [number for number, item in enumerate(self.seen) if not item.vision]
        return next(iter([*wrong, *decoder]), 0)


def look(trace: Trace, step: int, row: int) -> MaskLook:
    """Which masks were applied to a row in a step, and what is wrong with them."""
    from inspector.analysis.kernels import kernels, nothing
    from inspector.analysis.mask_checks import mask_checks
    from inspector.analysis.mask_report import forward_of, groups, paddings
    from inspector.analysis.sequence import sequence

    steps = sorted({trace.calls[index].step for index in trace.children(None)})
    own = kernels(trace, step)
    if not own:
        return MaskLook(step, 0, steps, 1, (), (), None, nothing=_without(trace, nothing(trace, step)))
    rows = max(kernel.batch for kernel in own)
    row = min(row, rows - 1)
    found = groups(trace, step, row)
    order = {False: 0, None: 1, True: 2}
    checks = sorted(mask_checks(trace, step, found), key=lambda check: order[check.ok])
    padding = next((item for item in paddings(trace, step) if item.row == row), None)
    tokens = sequence(trace, step, row)
    seen = [_seen(group, row, tokens) for group in found]
    forward = forward_of(trace, step)
    return MaskLook(step, row, steps, rows, seen, checks, padding, "prefill" if forward is None else forward.kind)


def _without(trace: Trace, reason: str) -> str:
    if trace.failure is None:
        return reason
    return f"The forward failed in {trace.failure.path or 'the model'}, before any attention that could be shown."


def _seen(group: Group, row: int, tokens: Sequenced) -> Seen:
    import numpy as np

    from inspector.analysis.kernels import in_vision
    from inspector.analysis.mask_words import blocks_of, names_of
    from inspector.tui.widgets.masks.plane import MaskPlane

    kernel, spans = group.kernels[0], group.applied.spans
    plane = None
    if spans is not None:
        blind = np.zeros(spans.queries, np.bool_)
        blind[list(group.blind)] = True
        plane = MaskPlane(spans, blind)
    vision = in_vision(kernel.trace, kernel.path)
    wrong = bool(group.blind) or any(block.wrong for block in blocks_of(group.kernels))
    return Seen(group, label(group), names_of(kernel, row, tokens), plane, list(_facts(group)), vision, wrong)


def _asked(group: Group) -> str:
    """What the configuration asks of the vision blocks of a group; empty for other calls."""
    from inspector.analysis.mask_checks import SEEN
    from inspector.analysis.mask_words import blocks_of

    found = blocks_of(group.kernels)
    if not found:
        return ""
    ran, asked = ({getattr(block, name) for block in found} for name in ("kind", "asked"))
    words = [" and ".join(SEEN[kind] for kind in sorted(kinds)) for kinds in (ran, asked)]
    return f"attend to {words[0]}; the configuration asks for {words[1]}"


def label(group: Group) -> str:
    """The calls of a group in short: `layers 0–27`, `layers 0–3, heads 0, 2`, `vision blocks 0–6, 8–14 of video 1`."""
    from inspector.analysis.kernels import in_vision
    from inspector.analysis.layers import ran_on
    from inspector.analysis.wording import listed

    paths = [kernel.path for kernel in group.kernels]
    numbers = [NUMBER.findall(path) for path in paths]
    columns = [list(map(int, column)) for column in zip(*numbers, strict=False)]
    varying = next((column for column in columns if len(set(column)) > 1), columns[-1] if columns else None)
    heads = f",{group.of_heads}" if group.heads else ""
    if varying is None:
        return paths[0] + heads
    vision, places = in_vision(group.kernels[0].trace, paths[0]), sorted(set(varying))
    unit = ("vision block" if vision else "layer") + ("s" if len(places) > 1 else "")
    pictures = ran_on(group.kernels)
    return f"{unit} {listed(places)}{heads}{f' of {pictures}' if pictures else ''}"


def _facts(group: Group) -> Iterator[tuple[str, str]]:
    """What there is to know of a group's mask, as names and sentences."""
    from inspector.analysis.checks import counted, some
    from inspector.analysis.mask_words import pieces

    kernel, found = group.kernels[0], group.applied
    yield "modules", f"{group.name} ({counted(len(group.kernels), 'call')})"
    yield "mask", found.pattern
    yield "why", found.reason
    yield "kernel", kernel.name
    yield "dtype and values", group.encoding or "none: the kernel got no mask tensor"
    if found.rule:
        yield "made by the rule", found.rule
    if lengths := pieces(kernel):
        yield "cumulative lengths", lengths
    if asked := _asked(group):
        yield "vision blocks", asked
    if group.blind:
        yield "see nothing", f"{counted(len(group.blind), 'query', 'queries')}: {some(group.blind, 12)}"
    if group.blind_padding:
        yield "padding", f"{counted(group.blind_padding, 'query', 'queries')} of padding see nothing, as it should be"
