"""Two branches side by side, a step a line, with the place where they part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.segment import Segment
from textual.message import Message

from inspector.trace.steps import Choice, Step
from inspector.tui.widgets.cells import fit, visible
from inspector.tui.widgets.generation.pipeline import name_of, percent
from inspector.tui.widgets.generation.strip_tokens import FORCED
from inspector.tui.widgets.virtual_list import VirtualList

PERCENT = 7
"""Cells of a probability."""

WIDE = 20
"""Cells of a side from which on it shows probabilities."""

DIFFERS, PARTS = "≠", "▶"
"""The signs of a step in which the two took another token, and of the first such step."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: a branch's name and its steps from the first on."""

    name: str
    steps: Sequence[Step]

    def choice(self, step: int, row: int) -> Choice | None:
        """What a row chose; None beyond its end."""
        if step >= len(self.steps) or row >= len(self.steps[step].rows):
            return None
        taken = self.steps[step].rows[row]
        return None if taken.ended else taken.chosen


class BranchCompare(VirtualList):
    """Two branches, with the cursor on the first step that differs; `first` is that step, None where there is none.

    `»` stands before a token that was forced.
    """

    DEFAULT_CSS = """
    BranchCompare { height: 1fr; width: 1fr; }
    """
    headed = 1

    @dataclass
    class Chosen(Message):
        """Enter, or a second click, on a step."""

        step: int

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._left = self._right = Side("", ())
        self._row = 0
        self.first: int | None = None

    def compare(self, left: Side, right: Side, row: int = 0) -> None:
        """Show two branches beside each other."""
        self._left, self._right, self._row = left, right, row
        count = max(len(left.steps), len(right.steps))
        self.first = next((step for step in range(count) if self._differs(step)), None)
        self.set_rows(count, self.first or 0)

    @property
    def words(self) -> str:
        """Where they part, in a sentence."""
        return "They are the same." if self.first is None else f"They part at step {self.first}."

    def opened(self) -> None:
        self.post_message(self.Chosen(self.cursor))

    def head(self, width: int) -> str:
        step, room, number = self._shares(width)
        names = [fit(visible(side.name), room + number + bool(number)) for side in (self._left, self._right)]
        return f"{fit('step', step, right=True)} {names[0]}   {names[1]}"

    def draw(self, row: int, width: int) -> Iterator[Segment]:
        number, *shares = self._shares(width)
        differs = self._differs(row)
        sign = PARTS if row == self.first else DIFFERS if differs else " "
        yield Segment(f"{row:>{number}} ", self.ink("quiet"))
        yield from self._side(self._left, row, shares, differs=differs)
        yield Segment(f" {sign} ", self.ink("loud" if row == self.first else "accent"))
        yield from self._side(self._right, row, shares, differs=differs)

    def hint(self, row: int) -> str | None:
        return None if self.first is None else self.words

    def _side(self, side: Side, step: int, shares: Sequence[int], *, differs: bool) -> Iterator[Segment]:
        room, number = shares
        choice = side.choice(step, self._row)
        text = "" if choice is None else FORCED * choice.forced + name_of(choice)
        yield Segment(fit(text, room), self.ink("accent" if differs else ""))
        if number:
            told = "" if choice is None else percent(choice.probability)
            yield Segment(" " + fit(told, number, right=True), self.ink("quiet"))

    def _differs(self, step: int) -> bool:
        left, right = self._left.choice(step, self._row), self._right.choice(step, self._row)
        return (None if left is None else left.id) != (None if right is None else right.id)

    def _shares(self, width: int) -> tuple[int, int, int]:
        """Cells of the step's number, of a token, and of its probability where there is room."""
        step = max(4, len(str(self.row_count)))
        half = (width - step - 4) // 2
        return (step, half - PERCENT - 1, PERCENT) if half >= WIDE else (step, max(half, 3), 0)
