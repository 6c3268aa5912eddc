"""Where every token is: positions, how they come about, decoding steps, rotary embeddings; differences are marked."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.analysis.checks import Check
from inspector.analysis.forwards import layout, placeholders
from inspector.analysis.placement import Placement, placements
from inspector.analysis.position_checks import position_checks
from inspector.analysis.projections import wanted
from inspector.analysis.rotary import rotaries, rotary_checks
from inspector.errors import InputError
from inspector.parts import Column, Part, Table, Text, View
from inspector.trace import Trace
from inspector.views import position_tables as tables
from inspector.views import rope, turning
from inspector.views.asking import ordinal, whole
from inspector.views.position_words import explanation
from inspector.views.vision_positions import tower_positions

NONE = "No forward of this trace was given tokens, so that there are no positions."


def show(
    trace: Trace,
    *,
    row: str = "",
    step: str = "",
    picture: str = "",
    token: str = "",
    layer: str = "",
    head: str = "",
) -> Sequence[Part]:
    placed = placements(trace)
    if not placed:
        return [Text("Positions", NONE)]
    placement = chosen(placed, step, row)
    held = rotaries(trace, [forward[0].forward for forward in placed if forward])
    axes = 1 if placement.actual is None else placement.actual.shape[0]
    if placement.actual is None and any(item.asked is not None and item.asked.sections for item in held):
        axes = 3
    own = next((item for item in held if not item.vision), None)
    how = layout(trace)
    turned, turn_checks = rope.turns(trace, placement, own) if own is not None else ([], [])
    asked_for, turning_checks = (
        turning.parts(trace, placement, held, token, layer, head) if token or layer or head else ([], [])
    )
    tower, tower_checks = tower_positions(trace)
    checks = [
        *position_checks(placement, typed=typed(trace), timed=how.tokens_per_second > 0, known=placeholders(trace)),
        *(check for item in held for check in rotary_checks(item)),
        *turn_checks,
        *turning_checks,
        *tower_checks,
    ]
    return [
        checked(checks),
        *asked_for,
        *_picture(trace, placement, picture),
        Text("How the positions come about", explanation(trace, placement, how, axes=axes)),
        tables.runs(trace, placement, axes),
        *([tables.steps(placed, placement.row)] if len(placed) > 1 else []),
        tables.lengths(placed),
        *([rope.table(held)] if held else []),
        *(part for item in held if not item.vision for part in rope.head(item)),
        *turned,
        *tower,
        tables.tokens(trace, placement),
    ]


def checked(checks: Sequence[Check]) -> Table:
    """Checks as a table, what differs first."""
    order = {False: 0, None: 1, True: 2}
    rows = [(check.name, check.result, check.evidence) for check in sorted(checks, key=lambda item: order[item.ok])]
    return Table("Checks", (Column("check"), Column("result"), Column("evidence")), rows)


def chosen(placed: Sequence[Sequence[Placement]], step: str, row: str) -> Placement:
    """The row of the forward that was asked for: by default the first of the first. Raises `InputError`."""
    forwards = {forward[0].forward.step: forward for forward in placed if forward}
    if step and (not step.isdecimal() or int(step) not in forwards):
        raise InputError(f"There is no step {step!r}; there are {', '.join(map(str, list(forwards)[:20]))}.")
    forward = forwards[int(step)] if step else next(iter(forwards.values()))
    return forward[whole(row or "0", "row", len(forward), "rows")]


def typed(trace: Trace) -> bool:
    """Whether the model takes `mm_token_type_ids`: those that do name them in the call of their inner model."""
    name = "input.mm_token_type_ids"
    return any(name in trace.calls[index].inputs for root in trace.children(None) for index in trace.children(root))


def _picture(trace: Trace, placement: Placement, picture: str) -> list[Part]:
    """The grid of a picture or video that was asked for, by its number in the row."""
    if not picture:
        return []
    spans = [span for span in placement.spans if span.grid is not None]
    span = spans[ordinal(picture, "picture", len(spans), "pictures with a grid in this row")]
    return list(tables.picture(trace, placement, span))


def _wanted(**asked: str) -> list[str]:
    """What is kept for a token beside cos and sin: the projections of its layer."""
    return wanted(asked.get("layer") or "0") if any(asked.get(name) for name in ("token", "layer", "head")) else []


VIEW = View(
    "positions",
    "Where every token is, how its position comes about, and by what queries and keys are turned",
    show,
    {
        "row": "The row of the batch, from 0",
        "step": "The forward, from 0, the prefill",
        "picture": "A picture or video of the row, from 1, as a grid with its positions",
        "token": "A token, whose query and key are shown before and after turning",
        "layer": "The decoder layer of --token, from 0",
        "head": "The head of --token, from 0",
    },
    values=("*rotary*:output*",),
    needs=_wanted,
)
