"""The token that is looked at, as views are asked for it and as `y` copies it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from inspector.trace import Trace
from inspector.tui.commands import view_copies
from inspector.tui.screens.menu import Choice
from inspector.tui.screens.row import as_text
from inspector.tui.widgets.positions.look import PlacesLook

if TYPE_CHECKING:
    from inspector.analysis.conversation import Standing
    from inspector.tui.runs import Run


def copies(run: Run, found: PlacesLook, index: int) -> list[Choice]:
    """The choices for the token at an index of its row, the likeliest first."""
    from inspector.views import BUILT_IN
    from inspector.views.place_words import token_facts

    standing = None if found.talk is None else found.talk.at(index)
    choices = view_copies(run, BUILT_IN["positions"], options(run.trace, found, index, "positions"))
    if found.talk is None or found.how is None or standing is None:
        return choices
    place = found.talk.sequenced.places[index]
    facts = [(name, text) for name, text, _ in token_facts(run.trace, standing, found.how)]
    token = [Choice("token", place.text)] if place.text else []
    return [*token, Choice("token id", str(place.id)), Choice("place", as_text(facts)), *choices]


def options(trace: Trace, found: PlacesLook, index: int, view: str) -> dict[str, str]:
    """What a view is to show, so that it shows the row, the step and the token that are looked at."""
    standing = None if found.talk is None else found.talk.at(index)
    row = {"row": str(found.row)} if found.rows > 1 else {}
    if view == "vision":
        return _picture(trace, found, standing, row)
    if view == "positions" and standing is not None:
        return {"step": str(standing.placement.forward.step), **row, "token": str(standing.local)}
    return row if view == "template" else {"step": str(found.step), **row}


def _picture(trace: Trace, found: PlacesLook, standing: Standing | None, row: Mapping[str, str]) -> dict[str, str]:
    """The picture that a token belongs to, or else the first of its row; nothing where the row has none."""
    from inspector.analysis.ledger import entries

    span = None if standing is None else standing.span
    pictured = [rows for rows in found.placed if any(each.kind != "text" for row in rows for each in row.spans)]
    for rows in sorted(pictured, key=lambda rows: span not in [each for row in rows for each in row.spans]):
        every = list(enumerate(entries(trace, rows), start=1))
        mine = next((number for number, entry in every if span is not None and entry.span is span), None)
        first = next((number for number, entry in every if entry.row == found.row), None)
        if mine or first:
            token = {"token": str(standing.local), **row} if mine and standing is not None and standing.spot else {}
            return {"picture": str(mine or first), "step": str(rows[0].forward.step), **token}
    return {}
