"""What can be chosen from a list: layers, heads, steps, rows, queries, each line in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from inspector.analysis.wording import number, visible
from inspector.tui.widgets.attention.looking import Sight
from inspector.tui.widgets.attention.spot import choices, named
from inspector.tui.widgets.attention.survey import Survey
from inspector.tui.widgets.attention.words import key_words


@dataclass(frozen=True)
class Offer:
    """Lines to pick from, the one that is looked at, and what picking one changes in the spot."""

    title: str
    lines: Sequence[str]
    at: int
    changes: Callable[[int], dict[str, Any]]


def offered(what: str, sight: Sight, survey: Survey) -> Offer:
    """The list of `what`: layer, head, step, row or query."""
    return {"layer": _layers, "head": _heads, "step": _steps, "row": _rows, "query": _queries}[what](sight, survey)


def _layers(sight: Sight, survey: Survey) -> Offer:
    step, vision = sight.spot.step, sight.spot.vision
    sides = [(False, survey.kernels(step, vision=False)), (True, survey.kernels(step, vision=True))]
    found = [(side, place, kernel) for side, kernels in sides for place, kernel in enumerate(kernels)]
    lines = [
        f"{'vision.' if side else ''}{place:<4} {kernel.path}  {kernel.queries:,} × {kernel.keys:,}"
        for side, place, kernel in found
    ]
    at = next((at for at, (side, place, _) in enumerate(found) if (side, place) == (vision, sight.spot.layer)), 0)
    return Offer("Layer", lines, at, lambda picked: {"vision": found[picked][0], "layer": found[picked][1]})


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
        kernel = survey.kernels(step, vision=sight.spot.vision)[0]
        asked = None if sight.conversation is None else sight.conversation.of_step(step)
        texts = "" if asked is None or sight.conversation is None else _texts(sight, asked.start, asked.stop)
        return f"step {step:<4} {kernel.queries:>6,} queries × {kernel.keys:>6,} keys  {texts}"

    at = steps.index(sight.spot.step) if sight.spot.step in steps else 0
    changed = {"token": None, "patch": None}
    return Offer("Step", [line(step) for step in steps], at, lambda picked: {"step": steps[picked], **changed})


def _rows(sight: Sight, survey: Survey) -> Offer:
    texts = [" ".join(token.text for token in row if token.kind == "text") for row in survey.trace.tokens]
    lines = [
        f"row {row}  {visible((texts[row] if row < len(texts) else '')[:60])}" for row in range(sight.kernel.batch)
    ]
    return Offer("Row", lines, sight.spot.row, lambda picked: {"row": picked})


def _queries(sight: Sight, survey: Survey) -> Offer:
    if sight.conversation is None:
        lines = [f"patch {patch:<5} {key_words(sight, key)[1]}" for patch, key in enumerate(sight.places)]
        return Offer("Patch", lines, sight.spot.patch or 0, lambda picked: {"patch": picked})
    places = sight.conversation.tokens.places
    lines = [f"{place.index:>6} {place.kind:<8} {place.text}" for place in places]
    return Offer("Query", lines, sight.spot.token or 0, lambda picked: {"token": picked})


def _texts(sight: Sight, start: int, stop: int) -> str:
    assert sight.conversation is not None
    return visible("".join(place.text for place in sight.conversation.tokens.places[start:stop][:12]))[:40]
