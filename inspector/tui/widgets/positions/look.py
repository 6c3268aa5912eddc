"""What the tab of tokens knows of positions: of one step and row, worked out in a thread and painted from here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inspector.trace import Trace

if TYPE_CHECKING:
    from inspector.analysis.checks import Check
    from inspector.analysis.conversation import Conversation
    from inspector.analysis.layout import Layout
    from inspector.analysis.placement import Placement
    from inspector.tui.widgets.positions.picture_page import Look

NONE = "No forward of this trace was given tokens, so that there are no positions."


@dataclass(frozen=True)
class PlacesLook:
    """The conversation of a row up to a step, its pictures, and what is wrong with the positions of that step.

    `placed` are the placements of the whole trace, worked out once. `nothing` says why there is nothing to show.
    """

    step: int
    row: int
    steps: Sequence[int]
    rows: int
    placed: Sequence[Sequence[Placement]]
    talk: Conversation | None = None
    pictures: Sequence[Look] = ()
    checks: Sequence[Check] = ()
    how: Layout | None = None
    nothing: str = ""

    @property
    def placement(self) -> Placement | None:
        """The row in the forward of the step."""
        return self.talk.placements[-1] if self.talk is not None and self.talk.placements else None


def look(trace: Trace, step: int | None, row: int, before: PlacesLook | None = None) -> PlacesLook:
    """The positions of a row up to a step (the one before where it gave the model no tokens), by default the last.

    What `before` knows is not worked out again.
    """
    from inspector.analysis.conversation import conversation
    from inspector.analysis.forwards import layout
    from inspector.analysis.placement import placements
    from inspector.tui.widgets.positions.picture import grids
    from inspector.tui.widgets.positions.square import squares
    from inspector.views import vision
    from inspector.views.positions import checks_of

    placed = placements(trace) if before is None else before.placed
    own = {rows[0].forward.step: rows for rows in placed if rows}
    if not own:
        rows = max(1, len(trace.tokens))
        return PlacesLook(0, min(row, rows - 1), (), rows, placed, nothing=_without(trace))
    steps = list(own)
    step = max((each for each in steps if step is None or each <= step), default=steps[0])
    rows = len(own[step])
    row = min(row, rows - 1)
    talk = conversation(trace, placed, step, row)
    checks = [
        *vision.checks_of(trace, own[step]),  # first: tokens of a picture that are missing are behind much else
        *checks_of(trace, placed, own[step][row]),
        *_elsewhere(placed, step, row),
    ]
    pictures: list[Look] = [*grids(trace, talk)] or [*squares(trace, talk)]
    return PlacesLook(step, row, steps, rows, placed, talk, pictures, _worst_first(checks), layout(trace))


def _worst_first(checks: Sequence[Check]) -> list[Check]:
    """Checks by how bad they are, each name once."""
    order = {False: 0, None: 1, True: 2}
    found: dict[str, Check] = {}
    for check in sorted(checks, key=lambda check: order[check.ok]):
        found.setdefault(check.name, check)
    return list(found.values())


def _elsewhere(placed: Sequence[Sequence[Placement]], step: int, row: int) -> Iterator[Check]:
    """The other forwards in which tokens of the row stand where they should not."""
    from inspector.analysis.checks import Check, some

    others = [rows[row] for rows in placed if row < len(rows) and rows[row].forward.step != step]
    wrong = [placement.forward.step for placement in others if placement.wrong]
    if wrong:
        yield Check("other steps", False, f"Tokens stand elsewhere in step {some(wrong)}.")


def _without(trace: Trace) -> str:
    if trace.failure is None:
        return NONE
    return f"The forward failed in {trace.failure.path or 'the model'}, before it was known where its tokens stand."


def where(found: PlacesLook) -> Iterator[str]:
    """Which forward this is: what it added, behind how much, and the rope delta that it had."""
    from inspector.analysis.checks import counted

    placement = found.placement
    if placement is None:
        return
    forward = placement.forward
    last = found.steps[-1]
    yield f"step {forward.step} of 0–{last}, {forward.kind}" if last else f"step 0, {forward.kind}"
    if last or forward.past:
        new = f"{forward.tokens:,} new behind {forward.past:,} cached"
        yield new if forward.past else counted(forward.tokens, "token")
    if placement.offset:
        yield f"the row stands {placement.offset} further"
    held = forward.before if forward.past else forward.after
    if held is not None:
        yield f"rope delta {held.of(placement.row)}, written {'in' if held.inside else 'before'} step {held.step}"
