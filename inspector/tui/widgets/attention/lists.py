"""What can be chosen from a list: layers, heads, steps, rows, queries, each line in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from inspector.analysis.layers import layer_names
from inspector.analysis.wording import number, visible
from inspector.tui.widgets.attention import moves
from inspector.tui.widgets.attention.looking import Sight
from inspector.tui.widgets.attention.spot import choices, named
from inspector.tui.widgets.attention.survey import Survey
from inspector.tui.widgets.attention.words import key_words

LAYERS = -1
"""Stands for the decoder where runs of the vision tower are counted."""


@dataclass(frozen=True)
class Offer:
    """Lines to pick from, the one that is looked at, and what picking one changes in the spot."""

    title: str
    lines: Sequence[str]
    at: int
    changes: Callable[[int], dict[str, Any]]


def offered(what: str, sight: Sight, survey: Survey) -> Offer:
    """The list of `what`: layer, head, step, row, query or picture."""
    lists = {"layer": _layers, "head": _heads, "step": _steps, "row": _rows, "query": _queries, "picture": _pictures}
    return lists[what](sight, survey)


def _layers(sight: Sight, survey: Survey) -> Offer:
    spot, runs = sight.spot, survey.runs(sight.spot.step)
    decoder = survey.decoder(spot.step)
    names = layer_names(decoder)
    found = [("", LAYERS, place, kernel) for place, kernel in enumerate(decoder)]
    wide = max((len(run.name) for run in runs), default=0) + 2
    for which, run in enumerate(runs):
        on = f"{run.name:<{wide}}" if len(runs) > 1 else ""
        found += [(on, which, place, kernel) for place, kernel in enumerate(run.kernels)]
    labels = [names[place] if run == LAYERS else f"vision.{place}" for _, run, place, _ in found]
    width = max(map(len, labels), default=0)
    lines = [
        f"{label:<{width}}  {on}{kernel.path}  {kernel.queries:,} × {kernel.keys:,}"
        for label, (on, _, _, kernel) in zip(labels, found, strict=True)
    ]
    own = (spot.run if spot.vision else LAYERS), spot.layer
    at = next((at for at, (_, run, place, _) in enumerate(found) if (run, place) == own), 0)

    def changes(picked: int) -> dict[str, Any]:
        _, run, place, _ = found[picked]
        if run in (LAYERS, spot.run):
            return {"vision": run != LAYERS, "layer": place}
        return {"vision": True, "layer": place, **moves.into(run)}

    return Offer("Layer", lines, at, changes)


def _pictures(sight: Sight, survey: Survey) -> Offer:
    """The pictures that the vision tower ran on in this step, frame by frame, each in the run that it was in."""
    found: list[tuple[str, int, int]] = []
    at = 0
    for which, run in enumerate(sight.runs):
        if which == sight.spot.run:
            at = len(found) + sight.spot.picture
            found += [(region.name, which, place) for place, region in enumerate(sight.regions)]
        else:
            found.append((run.name, which, 0))
    return Offer("Picture", [name for name, _, _ in found], at, lambda picked: moves.into(*found[picked][1:]))


def _heads(sight: Sight, survey: Survey) -> Offer:
    count, group = sight.kernel.heads, sight.kernel.group
    found = list(choices(count, group))
    known = sight.entropies[sight.spot.layer] if sight.entropies else []

    def line(choice: tuple[str, int]) -> str:
        kind, place = choice
        entropy = f"  entropy {number(known[place])}" if kind == "head" and place < len(known) else ""
        return f"{'  ' if kind == 'head' and group > 1 else ''}{named(choice, count, group)}{entropy}"

    at = found.index(sight.spot.heads) if sight.spot.heads in found else 0
    return Offer("Heads", [line(choice) for choice in found], at, lambda picked: {"heads": found[picked]})


def _steps(sight: Sight, survey: Survey) -> Offer:
    steps = survey.vision_steps if sight.spot.vision else survey.decoder_steps

    def line(step: int) -> str:
        kernel = (survey.runs(step)[0].kernels if sight.spot.vision else survey.decoder(step))[0]
        asked = None if sight.conversation is None else sight.conversation.of_step(step)
        texts = "" if asked is None or sight.conversation is None else _texts(sight, asked.start, asked.stop)
        return f"step {step:<4} {kernel.queries:>6,} queries × {kernel.keys:>6,} keys  {texts}"

    at = steps.index(sight.spot.step) if sight.spot.step in steps else 0
    changed = {"token": None, **moves.into(0)}
    return Offer("Step", [line(step) for step in steps], at, lambda picked: {"step": steps[picked], **changed})


def _rows(sight: Sight, survey: Survey) -> Offer:
    texts = [" ".join(token.text for token in row if token.kind == "text") for row in survey.trace.tokens]
    lines = [
        f"row {row}  {visible((texts[row] if row < len(texts) else '')[:60])}" for row in range(sight.kernel.batch)
    ]
    return Offer("Row", lines, sight.spot.row, lambda picked: {"row": picked})


def _queries(sight: Sight, survey: Survey) -> Offer:
    if sight.patches is not None:
        own = [key_words(sight, place) for place in sight.patches.order]
        lines = [f"patch {item.index:<5} {item.text}" if item.index else item.text for item in own]
        return Offer("Patch", lines, sight.spot.patch or 0, lambda picked: {"patch": picked})
    assert sight.conversation is not None
    places = sight.conversation.tokens.places
    lines = [f"{place.index:>6} {place.kind:<8} {place.text}" for place in places]
    return Offer("Query", lines, sight.spot.token or 0, lambda picked: {"token": picked})


def _texts(sight: Sight, start: int, stop: int) -> str:
    assert sight.conversation is not None
    return visible("".join(place.text for place in sight.conversation.tokens.places[start:stop][:12]))[:40]
