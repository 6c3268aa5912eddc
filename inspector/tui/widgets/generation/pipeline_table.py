"""What each logits processor made of the scores: tokens under each other, processors beside each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.reactive import reactive

from inspector.tui.widgets.cells import fit
from inspector.tui.widgets.generation.pipeline import paired
from inspector.tui.widgets.generation.pipeline_columns import FACTS, Column, Measure
from inspector.tui.widgets.generation.step_tokens import CHOSEN, StepTokens
from inspector.views.generation import token_text

GAP = "  "

TOKENS = 6
"""Lines that are left for tokens before the head of a column tells anything but the name."""

WIDEST = ((110, 34), (70, 20), (0, 11))
"""From how many cells of the widget on names and parameters may widen a column to how many."""

ASKED = "?"
"""The sign behind a token that was asked for."""


class PipelineTable(StepTokens):
    """The tokens at the top of a step, the chosen one and those in `asked`, through the pipeline of `row`.

    A cell has probability or score (`measure`) and rank, `−` where the token was removed, nothing where the record does
    not tell. `other` is the pipeline of a what-if, shown behind an arrow.
    """

    DEFAULT_CSS = """
    PipelineTable { height: 1fr; width: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "sideways(-1)", "Left", show=False, id="pipeline.left", tooltip="To the processor before"),
        Binding("right,l", "sideways(1)", "Right", show=False, id="pipeline.right", tooltip="To the next processor"),
    ]

    names = 13, 24

    measure: reactive[Measure] = reactive("probability", init=False)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._columns: list[Column] = []
        self._first = 0

    def watch_measure(self) -> None:
        self._read(self.token)

    def on_resize(self) -> None:
        self.headed = max(1, min(1 + len(FACTS), self.scrollable_content_region.height - TOKENS))
        self._read(self.token)

    def draw_head(self, row: int, width: int) -> Iterator[Segment]:
        fact = FACTS[row - 1] if row else None
        name = self._name_width(width)
        hidden = self._first, len(self._columns) - self._first - len(self._shown(width))
        more = f"‹{hidden[0]} " * (hidden[0] > 0) + f"{hidden[1]}›" * (hidden[1] > 0)
        measure = "%" if self.measure == "probability" else "score"
        yield Segment(fit(f"{measure}, rank", name - len(more)) + more if fact is None else fit(fact, name))
        for column in self._shown(width):
            text = column.name if fact is None else column.facts[fact]
            yield Segment(GAP + fit(text, column.width, right=True), self.ink("" if row else "accent"))

    def draw(self, row: int, width: int) -> Iterator[Segment]:
        token = self._tokens[row]
        is_chosen = self._is_chosen(token)
        sign = CHOSEN if is_chosen else ASKED if token in self.asked else " "
        name = fit(token_text(self._text(token)), self._name_width(width) - 2)
        yield Segment(f"{name} {sign}", self.ink("accent" if is_chosen else ""))
        for column in self._shown(width):
            yield Segment(GAP)
            yield from (Segment(text, self.ink(ink)) for text, ink in column.cell(token))

    def action_sideways(self, by: int) -> None:
        """Show the columns from the next processor on, or from the one before."""
        self._first = max(0, min(self._first + by, self._last_first))
        self.refresh()

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        event.stop()
        self.action_sideways(1)

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        event.stop()
        self.action_sideways(-1)

    def lay_out(self) -> None:
        lines, widest = (self._mine, self._other), next(most for wide, most in WIDEST if self.size.width >= wide)
        pairs = paired(self._mine.stages, self.other) if self._mine.stages else []
        self._columns = [Column(pair, lines, self._tokens, self.measure, widest) for pair in pairs]
        self._first = min(self._first, self._last_first)

    @property
    def _last_first(self) -> int:
        """The first column from which on all others are in sight: to go further would show nothing more."""
        width = self.scrollable_content_region.width
        room, first = width - self._name_width(width), len(self._columns)
        for column in reversed(self._columns):
            room -= len(GAP) + column.width
            if room < 0:
                break
            first -= 1
        return max(0, min(first, len(self._columns) - 1))

    def _shown(self, width: int) -> Sequence[Column]:
        """The columns that there is room for, from the first that is shown on; at least that one."""
        room = width - self._name_width(width)
        count = 0
        for column in self._columns[self._first :]:
            room -= len(GAP) + column.width
            if room < 0 < count:
                break
            count += 1
        return self._columns[self._first : self._first + count]
