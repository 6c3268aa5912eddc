"""What there is to say of one step beside its scores, in short lines. No drawing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from inspector.analysis.checks import counted
from inspector.analysis.wording import in_bytes, in_seconds, number
from inspector.trace.steps import Choice, Draft, Step, StepRow
from inspector.tui.widgets.generation.pipeline import name_of, percent
from inspector.views.beams import text as text_of
from inspector.views.generation import token_text

AXES = {1: ("",), 3: ("t ", "h ", "w ")}
"""What stands before the parts of a position, by their number."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A line: `name` stands on the left, `ink` is that of `text`, loud for what the reader must not miss."""

    name: str
    text: str = ""
    ink: str = ""


def facts(step: Step, row: int, texts: Mapping[int, str]) -> list[Fact]:
    """Everything about one row of a step. `texts` are those of drafted tokens and beams, as far as known."""
    taken = step.rows[row]
    found = [*_chosen(taken), *_beams(taken, texts), *_stopping(taken)]
    if step.draft is not None:
        found += _draft(step.draft, texts)
    return [*found, *_place(step, taken), *_timings(step)]


def _chosen(taken: StepRow) -> Iterator[Fact]:
    choice = taken.chosen
    if taken.ended:
        yield Fact("chosen", "none: this row had ended before, it only takes padding", "quiet")
        return
    if choice is None:
        yield Fact("chosen", "none: no continuation of this beam was taken up", "quiet")
        return
    name = "forced" if choice.forced else "best" if taken.beams else "chosen"
    yield Fact(name, f"{name_of(choice)}  ({choice.id})", "accent")
    first = taken.processors[0].chosen
    yield Fact("  probability", percent(choice.probability) + _of_model(percent(first.probability) if first else None))
    yield Fact("  rank", f"{choice.rank:,}" + _of_model(f"{first.rank:,}" if first else None))
    if not taken.beams:
        yield from _greedy(taken, choice)


def _of_model(text: str | None) -> str:
    return "" if text is None else f"  (model {text})"


def _greedy(taken: StepRow, choice: Choice) -> Iterator[Fact]:
    if choice.is_greedy:
        yield Fact("  greedy", "would choose the same", "quiet")
        return
    best = next((item for item in taken.processors[-1].top if item.id == choice.greedy), None)
    other = f"‹{choice.greedy}›" if best is None else f"{token_text(best.text)} with {percent(best.probability)}"
    yield Fact("  greedy", f"≠ {other}", "loud")


def _beams(taken: StepRow, texts: Mapping[int, str]) -> Iterator[Fact]:
    """What continues a beam: where it goes on, or what ended it."""
    found = [beam for beam in taken.beams if not beam.only_fills]
    if found:
        yield Fact("continued by", f"{len(found)}")
    for beam in found:
        where = f"row {beam.row}" if beam.state == "live" else f"{beam.state}: {beam.reason}"
        yield Fact(f"  {text_of(texts, beam.id)}", f"{number(beam.score, 4)}  {where}")


def _stopping(taken: StepRow) -> Iterator[Fact]:
    yield Fact("stopping", "" if taken.stopping else "no criterion was asked", "quiet")
    for criterion in taken.stopping:
        words, ink = ("■ stops here", "loud") if criterion.done else ("no", "quiet")
        yield Fact(f"  {criterion.name}", words, ink)


def _draft(draft: Draft, texts: Mapping[int, str]) -> Iterator[Fact]:
    accepted = draft.drafted[: draft.accepted]
    yield Fact("drafted", counted(len(draft.drafted), "token"))
    yield Fact("  accepted", f"{len(accepted)}  {_tokens(accepted, texts)}", "accent")
    yield Fact("  rejected", f"{len(draft.rejected)}  {_tokens(draft.rejected, texts)}", "quiet")


def _tokens(tokens: Sequence[int], texts: Mapping[int, str]) -> str:
    return " ".join(text_of(texts, token) for token in tokens)


def _place(step: Step, taken: StepRow) -> Iterator[Fact]:
    if taken.position is not None:
        names = AXES.get(len(taken.position), ("",) * len(taken.position))
        yield Fact("position", "  ".join(f"{name}{place}" for name, place in zip(names, taken.position, strict=True)))
    yield Fact("input", f"{step.input_length:,} tokens before it")
    if step.cache is not None:
        yield Fact("cache", f"{step.cache[0]:,} tokens, {in_bytes(step.cache[1])}")
    yield Fact("forward", f"{step.forward}")


def _timings(step: Step) -> Iterator[Fact]:
    times = step.timings
    if not times.total:
        yield Fact("time", "its token was drafted, and checked by the forward of a step before", "quiet")
        return
    yield Fact("time", in_seconds(times.total))
    for name, seconds in (("forward", times.forward), ("processors", times.processors), ("recording", times.recording)):
        yield Fact(f"  {name}", in_seconds(seconds), "quiet")
