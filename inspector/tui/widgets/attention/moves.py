"""What single keys change in a look: the next layer, head, step or row, more heads at once, the other side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from inspector.analysis.regions import Region
from inspector.tui.widgets.attention.looking import Sight
from inspector.tui.widgets.attention.spot import Spot, choices, widened
from inspector.tui.widgets.attention.survey import Survey

LAST = 10**9

Changes = dict[str, Any]


def changes(name: str, by: int, spot: Spot, sight: Sight, survey: Survey) -> Changes:
    """What a key changes in `spot`; `sight` is the look that was shown last."""
    return MOVES[name](by, spot, sight, survey)


def stays(name: str, changed: Changes, spot: Spot) -> bool:
    """Whether a key that steps through something has come to its end."""
    field = {"layer": "layer", "step": "step", "row": "row", "head": "heads"}.get(name)
    return field is not None and changed[field] == getattr(spot, field)


def possible(name: str, sight: Sight, survey: Survey) -> bool:
    """Whether there is more than one to choose from."""
    return {
        "row": sight.kernel.batch > 1,
        "tower": bool(survey.vision_steps and survey.decoder_steps),
        "picture": len(sight.regions) > 1 or len(sight.runs) > 1,
        "step": len(_steps(sight.spot, survey)) > 1,
    }.get(name, True)


def into(run: int, picture: int = 0) -> Changes:
    """Another run of the vision tower: the middle of one of its pictures is to look."""
    return {"run": run, "picture": picture, "patch": None}


def onto(region: Region | None, spot: Spot, survey: Survey) -> Changes:
    """What leads to a picture in the vision tower; nothing where the tower did not run on it."""
    step = survey.vision_step(spot.step)
    for number, run in enumerate(survey.runs(step)):
        if region is not None and (region.kind, region.number) in run.pictures:
            row = {} if run.tower is not None else {"row": region.number - run.first}
            return {**into(number, run.region(region.number, region.frame)), **row}
    return {}


def _layer(by: int, spot: Spot, sight: Sight, survey: Survey) -> Changes:
    return {"layer": max(0, min(spot.layer + by, len(sight.kernels) - 1))}


def _head(by: int, spot: Spot, sight: Sight, survey: Survey) -> Changes:
    found = list(choices(sight.kernel.heads, sight.kernel.group))
    at = found.index(spot.heads) if spot.heads in found else 0
    return {"heads": found[max(0, min(at + by, len(found) - 1))]}


def _average(by: int, spot: Spot, sight: Sight, survey: Survey) -> Changes:
    return {"heads": widened(spot.heads, sight.kernel.group)}


def _step(by: int, spot: Spot, sight: Sight, survey: Survey) -> Changes:
    steps = _steps(spot, survey)
    at = steps.index(spot.step) if spot.step in steps else 0
    return {"step": steps[max(0, min(at + by, len(steps) - 1))], "token": None, **into(0)}


def _row(by: int, spot: Spot, sight: Sight, survey: Survey) -> Changes:
    return {"row": max(0, min(spot.row + by, sight.kernel.batch - 1))}


def _tower(by: int, spot: Spot, sight: Sight, survey: Survey) -> Changes:
    return {"vision": not spot.vision, "layer": LAST}


def _picture(by: int, spot: Spot, sight: Sight, survey: Survey) -> Changes:
    """In a vision tower: the next picture of the run, then those of the next run, and the first again."""
    picture, run = spot.picture + by, spot.run
    if 0 <= picture < len(sight.regions):
        return into(run, picture)
    return into((run + by) % len(sight.runs), 0 if by > 0 else LAST)


def _steps(spot: Spot, survey: Survey) -> list[int]:
    return survey.vision_steps if spot.vision else survey.decoder_steps


MOVES: dict[str, Callable[[int, Spot, Sight, Survey], Changes]] = {
    "layer": _layer,
    "head": _head,
    "average": _average,
    "step": _step,
    "row": _row,
    "tower": _tower,
    "picture": _picture,
}
