"""How probable the first tokens were by the model, after the logits processors, and in a what-if: bars side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment

from inspector.tui.widgets.cells import fit
from inspector.tui.widgets.generation.pipeline import REMOVED, Line, percent
from inspector.tui.widgets.generation.step_tokens import CHOSEN, StepTokens
from inspector.views.generation import token_text

NUMBER, BRIEF = 8, 4
"""Cells of a probability, and of one in whole percents."""

TIGHT = 14
"""Series with fewer cells have brief numbers."""

GONE = "−"
"""What stands in place of a probability where the token was removed."""


@dataclass(frozen=True)
class Series:
    """Bars of one kind: what stands above them, and the stage of a pipeline that they show."""

    title: str
    line: Line
    place: int


class Chances(StepTokens):
    """A bar for each token, by the model and after the processors; in a what-if, by that too.

    The head says what a full bar stands for, so that a flat distribution shows its differences too.
    """

    DEFAULT_CSS = """
    Chances {
        height: 1fr;
        width: 1fr;
        & > .chances--model { color: $primary; }
        & > .chances--final { color: $accent; }
        & > .chances--what-if { color: $success; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"chances--model", "chances--final", "chances--what-if"}

    names = 10, 20

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._series: list[Series] = []
        self._full = 1.0

    def head(self, width: int) -> str:
        name, room = self._shares(width)
        scale = f"to {100 * self._full:g}%" if self._series else ""
        return fit(scale, name) + "".join(f" {fit(series.title, room)}" for series in self._series)

    def draw(self, row: int, width: int) -> Iterator[Segment]:
        token = self._tokens[row]
        name, room = self._shares(width)
        is_chosen = self._is_chosen(token)
        text = fit(token_text(self._text(token)), name - 2)
        yield Segment(f"{text} {CHOSEN if is_chosen else ' '}", self.ink("accent" if is_chosen else ""))
        for series in self._series:
            yield Segment(" ")
            yield from self._bar(series, token, room)

    def _bar(self, series: Series, token: int, room: int) -> Iterator[Segment]:
        """A bar and its number, `room` cells together. Nothing where the record does not tell."""
        standing = series.line.standing(series.place, token)
        share = 0.0 if standing is None or standing is REMOVED else standing.probability
        number = NUMBER if room >= TIGHT else BRIEF
        words = percent(share) if number == NUMBER else whole_percent(share)
        text = "" if standing is None else GONE if standing is REMOVED else words
        yield Segment(fit(text, number, right=True) + " ", self.ink("quiet"))
        colour = self.get_component_rich_style(f"chances--{series.title}", partial=True)
        yield Segment(fit(bar(share / self._full, room - number - 1), room - number - 1), colour)

    def lay_out(self) -> None:
        mine, other = self._mine, self._other
        self._series = [Series("model", mine, 0)] if mine.stages else []
        if len(mine.stages) > 1:
            self._series.append(Series("final", mine, len(mine.stages) - 1))
        if other is not None:
            self._series.append(Series("what-if", other, len(other.stages) - 1))
        stages = [series.line.stages[series.place] for series in self._series]
        self._full = full_bar(max((item.probability for stage in stages for item in stage.top[:1]), default=1.0))

    def _shares(self, width: int) -> tuple[int, int]:
        """Cells of the token, and of each series without the blank before it."""
        name = self._name_width(width)
        return name, max((width - name) // max(len(self._series), 1) - 1, BRIEF + 2)


def full_bar(largest: float) -> float:
    """What the longest bar stands for: the least of 100, 50, 20, 10, 5, 2, 1, … percent that holds every bar."""
    ends = (1.0, *(float(f"{first}e-{digits}") for digits in range(1, 8) for first in (5, 2, 1)))
    return min(end for end in ends if end >= min(largest, 1.0))


def whole_percent(probability: float) -> str:
    """`62%`; `<1%` for what is more than nothing."""
    return "<1%" if 0 < probability < 0.005 else f"{100 * probability:.0f}%"


def bar(share: float, width: int) -> str:
    """A line that fills a share of `width` cells, to half a cell; a thin one for what is more than nothing."""
    halves = round(share * width * 2)
    return "━" * (halves // 2) + "╸" * (halves % 2) if halves else "╴" if share > 0 else ""
