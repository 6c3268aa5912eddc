"""Where every token is: positions, how they come about, decoding steps, rotary embeddings; differences are marked."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.analysis.checks import Check
from inspector.analysis.conversation import Standing
from inspector.analysis.forwards import layout, placeholders
from inspector.analysis.placement import Placement, kept_apart, placements
from inspector.analysis.position_checks import position_checks
from inspector.analysis.projections import wanted
from inspector.analysis.regions import token_regions
from inspector.analysis.rotary import Rotary, rotaries, rotary_checks
from inspector.analysis.rotation_checks import layer_checks
from inspector.analysis.sequence import sequence
from inspector.errors import InputError
from inspector.parts import Column, Part, Table, Text, View
from inspector.trace import Trace
from inspector.views import position_tables as tables
from inspector.views import rope, turning
from inspector.views.asking import ordinal, whole
from inspector.views.place_words import square_facts, token_facts, token_table
from inspector.views.position_words import WIDTH, explanation
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
    held = held_by(trace, placed, placement.forward.step)
    turned, checks = cos_and_sin(trace, placement, held)
    asked_for, turning_checks = (
        turning.parts(trace, placement, held, token, layer, head) if token or layer or head else ([], [])
    )
    return [
        checked([*_checks(trace, placement, held), *checks, *turning_checks, *tower_positions(trace)[1]]),
        *([_token(trace, placement, token)] if token else []),
        *asked_for,
        *_picture(trace, placement, picture),
        *told(trace, placed, placement, held),
        *rotation(held),
        *turned,
        *tower_positions(trace)[0],
        tables.tokens(trace, placement),
    ]


def held_by(trace: Trace, placed: Sequence[Sequence[Placement]], step: int | None = None) -> list[Rotary]:
    """The rotary embeddings of a run in a step, by default the last."""
    return rotaries(trace, [forward[0].forward for forward in placed if forward], step)


def checks_of(trace: Trace, placed: Sequence[Sequence[Placement]], placement: Placement) -> list[Check]:
    """Everything that is checked about the positions of a row of a forward."""
    held = held_by(trace, placed, placement.forward.step)
    turned = cos_and_sin(trace, placement, held)[1]
    return [*_checks(trace, placement, held), *turned, *tower_positions(trace)[1]]


def told(
    trace: Trace,
    placed: Sequence[Sequence[Placement]],
    placement: Placement,
    held: Sequence[Rotary],
    *,
    width: int = WIDTH,
) -> list[Part]:
    """How the positions of a row come about, run by run, forward by forward; prose in lines of `width`, 0 for any."""
    axes = 1 if placement.actual is None else placement.actual.shape[0]
    if placement.actual is None and any(item.asked is not None and item.asked.sections for item in held):
        axes = 3
    return [
        Text("How the positions come about", explanation(trace, placement, layout(trace), axes=axes, width=width)),
        tables.runs(trace, placement, axes),
        *([tables.steps(placed, placement.row)] if len(placed) > 1 else []),
        tables.lengths(placed),
    ]


def rotation(held: Sequence[Rotary]) -> list[Part]:
    """The rotary embeddings: parameters, dimensions of a head by axis, wavelengths."""
    table = [rope.table(list(held))] if held else []
    return [*table, *(part for item in held if not item.vision for part in rope.head(item))]


def _checks(trace: Trace, placement: Placement, held: Sequence[Rotary]) -> list[Check]:
    timed = layout(trace).tokens_per_second > 0
    apart = kept_apart(trace, placement.forward.step) if placement.restarts else None
    return [
        *layer_checks(trace, placement, held),
        *position_checks(placement, typed=typed(trace), timed=timed, known=placeholders(trace), apart=apart),
        *(check for item in held for check in rotary_checks(item)),
    ]


def cos_and_sin(trace: Trace, placement: Placement, held: Sequence[Rotary]) -> tuple[list[Part], list[Check]]:
    """cos and sin of the decoder's first rotary embedding."""
    own = next((item for item in held if not item.vision), None)
    return rope.turns(trace, placement, own) if own is not None else ([], [])


def _token(trace: Trace, placement: Placement, token: str) -> Table:
    """Where a token of the forward stands, and why there."""
    index = whole(token, "token", placement.forward.tokens, "tokens")
    place = placement.tokens.index(index) if index in placement.tokens else None
    facts = list(token_facts(trace, Standing(placement, index, index, place), layout(trace)))
    tokens = sequence(trace, placement.forward.step, placement.row)
    return token_table([*facts, *square_facts(trace, placement.row, tokens, tokens.first + index)])


def checked(checks: Sequence[Check]) -> Table:
    """Checks as a table, what differs first."""
    order = {False: 0, None: 1, True: 2}
    rows = [(check.name, check.result, check.evidence) for check in sorted(checks, key=lambda item: order[item.ok])]
    return Table("Checks", (Column("check"), Column("result"), Column("evidence")), rows)


def chosen(placed: Sequence[Sequence[Placement]], step: str, row: str) -> Placement:
    """The row of the forward that was asked for: by default the first of the first. Raises `InputError`."""
    rows = rows_of(placed, step) if step else next(rows for rows in placed if rows)
    return rows[whole(row or "0", "row", len(rows), "rows")]


def rows_of(placed: Sequence[Sequence[Placement]], step: str) -> Sequence[Placement]:
    """The rows of the forward that was asked for. Raises `InputError`."""
    known = {str(rows[0].forward.step): rows for rows in placed if rows}
    if step not in known:
        raise InputError(f"There is no step {step!r}; there are {', '.join(list(known)[:20]) or 'none'}.")
    return known[step]


def typed(trace: Trace) -> bool:
    """Whether the model takes `mm_token_type_ids`: those that do name them in the call of their inner model."""
    name = "input.mm_token_type_ids"
    return any(name in trace.calls[index].inputs for root in trace.children(None) for index in trace.children(root))


def _picture(trace: Trace, placement: Placement, picture: str) -> list[Part]:
    """A picture or video that was asked for, by its number in the row: its grid, or where it has none, its tokens."""
    if not picture:
        return []
    spans = [span for span in placement.spans if span.grid is not None]
    tokens = sequence(trace, placement.forward.step, placement.row)
    regions = [] if spans else token_regions(trace, placement.row, tokens)
    squares = [region for region in regions if region.keys[0] >= tokens.first]
    number = ordinal(picture, "picture", len(spans or squares), "pictures with a grid in this row")
    if spans:
        return list(tables.picture(trace, placement, spans[number]))
    return [tables.square(trace, placement, squares[number], tokens.first)]


def _wanted(**asked: str) -> list[str]:
    """What is kept for a token beside cos and sin: the projections of its layer."""
    return wanted(asked.get("layer") or "0") if any(asked.get(name) for name in ("token", "layer", "head")) else []


VIEW = View(
    "positions",
    "Where every token is, how its position comes about, and by what queries and keys are turned",
    show,
    {
        "row": "The row of the batch, from 0",
        "step": "The step, from 0, the prefill",
        "picture": "A picture or video of the row, from 1, as a grid with its positions",
        "token": "A token: where it stands and why, its query and key before and after turning",
        "layer": "The decoder layer of --token, from 0",
        "head": "The head of --token, from 0",
    },
    values=("*rotary*:output*",),
    needs=_wanted,
)
