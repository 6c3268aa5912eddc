"""A column of the pipeline: one processor, as it was and in a what-if. Texts of a known width, no drawing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal

from inspector.analysis.wording import number
from inspector.trace.stages import Stage, Standing
from inspector.tui.widgets.cells import fit, visible, width_of
from inspector.tui.widgets.generation.pipeline import REMOVED, Line, Pair, in_percent

Measure = Literal["probability", "score"]

FACTS = ("parameters", "left", "changed", "removed", "entropy")
"""What the head of a column tells below the name, as far as there is room."""

GONE, ARROW, OFF = "−", " → ", "off"

PARAMETERS = 13
"""Cells that parameters widen a column to where columns are not to be twice as wide; the rest of them is cut."""

SAMPLE = 50
"""Tokens that are looked at for the widths of columns."""


class Column:
    """One processor. What a what-if has otherwise stands behind an arrow; what it has the same is not repeated.

    The name widens a column to `widest` cells at most, parameters where there is much room too.
    """

    def __init__(
        self,
        pair: Pair,
        lines: tuple[Line, Line | None],
        tokens: Sequence[int],
        measure: Measure,
        widest: int,
    ) -> None:
        mine, other = lines
        self._measure = measure
        sides = [None if pair.mine is None else (mine, pair.mine)]
        if other is not None:
            sides.append(None if pair.other is None else (other, pair.other))
        stages = [None if side is None else side[0].stages[side[1]] for side in sides]
        if len(stages) == 2 and _same(*stages):
            del sides[1], stages[1]
        self._sides = [side for side in sides if side is not None]
        self.name = visible(next(stage.name for stage in stages if stage is not None))
        self.facts = {fact: _behind_arrow([_fact(stage, fact) for stage in stages]) for fact in FACTS}
        texts = [text for token in islice(tokens, SAMPLE) for text in self._texts(token)]
        self._value = max((width_of(value) for value, _ in texts), default=0)
        self._rank = max((width_of(rank) for _, rank in texts), default=0)
        count = len(self._sides)
        self._cells = (self._value + 1 + self._rank) * count + len(ARROW) * (count - 1)
        told = min(width_of(self.facts["parameters"]), PARAMETERS if widest < 2 * PARAMETERS else widest)
        counts = (width_of(text) for fact, text in self.facts.items() if fact != "parameters")
        self.width = max(self._cells, min(width_of(self.name), widest), told, *counts)

    def cell(self, token: int) -> Iterator[tuple[str, str]]:
        """Where a token stands, as texts of `width` cells together, each with the name of its ink."""
        texts = self._texts(token)
        shown = texts[:1] if len(texts) == 2 and texts[0] == texts[1] else texts
        yield " " * (self.width - self._cells), ""
        for place, (value, rank) in enumerate(shown):
            yield (ARROW, "quiet") if place else ("", "")
            yield fit(value, self._value, right=True), "accent" if place else ""
            yield " " + fit(rank, self._rank, right=True), "quiet"
        yield " " * (self._cells // 2 + 2 if len(shown) < len(texts) else 0), ""

    def _texts(self, token: int) -> list[tuple[str, str]]:
        """Value and rank of a token on each side; nothing where the record does not tell."""
        return [self._text(line.standing(place, token)) for line, place in self._sides]

    def _text(self, standing: Standing | None) -> tuple[str, str]:
        if standing is None:
            return "", ""
        if standing is REMOVED:
            return GONE, ""
        value = in_percent(standing.probability) if self._measure == "probability" else number(standing.score, 4)
        return value, f"{standing.rank:,}"


def parameters(stage: Stage) -> str:
    """What a processor was made with: a value alone where its name says nothing new, nothing of what was not set."""
    given = {key: value for key, value in stage.parameters.items() if value is not None}
    return ", ".join(str(value) if stage.name.endswith(key) else f"{key}={value}" for key, value in given.items())


def _fact(stage: Stage | None, fact: str) -> str | None:
    if stage is None:
        return OFF if fact == "parameters" else None
    if fact == "parameters":
        return visible(parameters(stage))
    if fact == "entropy":
        return f"{stage.entropy:.2f}"
    count: int = {"left": stage.kept, "changed": stage.changed, "removed": stage.removed}[fact]
    return f"{count:,}" if count or fact == "left" else ""


def _behind_arrow(texts: Sequence[str | None]) -> str:
    found = [text for text in texts if text is not None]
    return found[0] if len(set(found)) == 1 else ARROW.join(text or "0" for text in found)


def _same(mine: Stage | None, other: Stage | None) -> bool:
    if mine is None or other is None:
        return False
    return (mine.parameters, mine.kept, mine.top) == (other.parameters, other.kept, other.top)
