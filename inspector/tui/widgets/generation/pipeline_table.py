"""What each logits processor made of the scores: tokens under each other, processors beside each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive

from inspector.trace.stages import Stages
from inspector.trace.steps import Step
from inspector.tui.widgets.cells import fit, width_of
from inspector.tui.widgets.generation.pipeline import Asked, Line, paired, tokens_of
from inspector.tui.widgets.generation.pipeline_columns import FACTS, SAMPLE, Column, Measure
from inspector.tui.widgets.virtual_list import VirtualList
from inspector.views.generation import token_text

GAP = "  "

NAME = 13, 24
"""Cells of the column of tokens, at least and at most: as many as they need, but no more than a third of the widget."""

TOKENS = 6
"""Lines that are left for tokens before the head of a column tells anything but the name."""

WIDEST = ((110, 34), (70, 20), (0, 11))
"""From how many cells of the widget on names and parameters may widen a column to how many."""

CHOSEN, ASKED = "◂", "?"
"""The signs behind the chosen token and behind one that was asked for."""


class PipelineTable(VirtualList):
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

    step: reactive[Step | None] = reactive(None, init=False, always_update=True)
    row: reactive[int] = reactive(0, init=False)
    other: reactive[Stages | None] = reactive(None, init=False)
    asked: reactive[Mapping[int, Asked]] = reactive({}, init=False)
    measure: reactive[Measure] = reactive("probability", init=False)

    @dataclass
    class TokenChosen(Message):
        """Enter, or a second click, on a token."""

        token_id: int
        text: str

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.headed = 1
        self._mine = Line(Stages())
        self._other: Line | None = None
        self._tokens: Sequence[int] = ()
        self._columns: list[Column] = []
        self._widest = 0
        self._first = 0

    @property
    def token(self) -> tuple[int, str] | None:
        """Id and text of the token under the cursor."""
        if self.cursor >= len(self._tokens):
            return None
        token = self._tokens[self.cursor]
        return token, self._text(token)

    def watch_step(self) -> None:
        self._read(None)

    def watch_row(self) -> None:
        self._read(None)

    def watch_other(self) -> None:
        self._read(self.token)

    def watch_asked(self, before: Mapping[int, Asked], asked: Mapping[int, Asked]) -> None:
        new = [(token, found.text) for token, found in asked.items() if token not in before]
        self._read(new[-1] if new else self.token)

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
        is_chosen = self._mine.choice is not None and self._mine.choice.id == token
        sign = CHOSEN if is_chosen else ASKED if token in self.asked else " "
        name = fit(token_text(self._text(token)), self._name_width(width) - 2)
        yield Segment(f"{name} {sign}", self.ink("accent" if is_chosen else ""))
        for column in self._shown(width):
            yield Segment(GAP)
            yield from (Segment(text, self.ink(ink)) for text, ink in column.cell(token))

    def hint(self, row: int) -> str | None:
        token = self._tokens[row]
        return f"{token_text(self._text(token))}\ntoken {token}"

    def opened(self) -> None:
        if self.token is not None:
            self.post_message(self.TokenChosen(*self.token))

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

    def _read(self, at: tuple[int, str] | None) -> None:
        """Look up everything again, with the cursor on a token, by default on the chosen one."""
        if self.step is None or self.row >= len(self.step.rows):
            self._mine, self._other, self._tokens, self._columns = Line(Stages()), None, (), []
        else:
            taken = self.step.rows[self.row]
            choice = None if taken.ended else taken.chosen
            self._mine = Line(taken.processors, choice, self.asked)
            self._other = None if self.other is None else Line(self.other, choice)
            self._tokens = tokens_of(self._mine, self._other)
            pairs = paired(taken.processors, self.other)
            lines, widest = (self._mine, self._other), next(most for wide, most in WIDEST if self.size.width >= wide)
            self._columns = [Column(pair, lines, self._tokens, self.measure, widest) for pair in pairs]
        self._widest = max((width_of(token_text(self._text(token))) for token in self._tokens[:SAMPLE]), default=0)
        self._first = min(self._first, self._last_first)
        choice = self._mine.choice
        wanted = at[0] if at is not None else choice.id if choice is not None else -1
        self.set_rows(len(self._tokens), self._tokens.index(wanted) if wanted in self._tokens else 0)

    def _text(self, token: int) -> str:
        text = self._mine.text(token)
        if text is None and self._other is not None:
            text = self._other.text(token)
        return f"‹{token}›" if text is None else text

    def _name_width(self, width: int) -> int:
        return max(min(NAME[0], width // 3), min(self._widest + 2, width // 3, NAME[1]))

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
