"""The tokens of one step under each other: what a table of them and bars for them have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.message import Message
from textual.reactive import reactive

from inspector.trace.stages import Stages
from inspector.trace.steps import Step
from inspector.tui.widgets.cells import width_of
from inspector.tui.widgets.generation.pipeline import Asked, Line, tokens_of
from inspector.tui.widgets.generation.pipeline_columns import SAMPLE
from inspector.tui.widgets.virtual_list import VirtualList
from inspector.views.generation import token_text

CHOSEN = "◂"
"""The sign behind the chosen token."""


class StepTokens(VirtualList):
    """The tokens at the top of `step` in its `row`, in the order after the processors, the chosen one, those `asked`.

    `other` is the pipeline of a what-if. A subclass draws what the pipelines made of a token, beside its name.
    """

    headed = 1
    names: ClassVar[tuple[int, int]]
    """Cells of the names, at least and at most: as many as they need, but no more than a third of the widget."""

    step: reactive[Step | None] = reactive(None, init=False, always_update=True)
    row: reactive[int] = reactive(0, init=False)
    other: reactive[Stages | None] = reactive(None, init=False)
    asked: reactive[Mapping[int, Asked]] = reactive({}, init=False)

    @dataclass
    class TokenChosen(Message):
        """Enter, or a second click, on a token."""

        token_id: int
        text: str

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._mine = Line(Stages())
        self._other: Line | None = None
        self._tokens: Sequence[int] = ()
        self._widest = 0

    @abstractmethod
    def lay_out(self) -> None:
        """The pipelines are others: make ready what is drawn of them."""

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

    def hint(self, row: int) -> str | None:
        token = self._tokens[row]
        return f"{token_text(self._text(token))}\ntoken {token}"

    def opened(self) -> None:
        if self.token is not None:
            self.post_message(self.TokenChosen(*self.token))

    def _read(self, at: tuple[int, str] | None) -> None:
        """Look up everything again, with the cursor on a token, by default on the chosen one."""
        self._mine, self._other, self._tokens = Line(Stages()), None, ()
        if self.step is not None and self.row < len(self.step.rows):
            taken = self.step.rows[self.row]
            choice = None if taken.ended else taken.chosen
            self._mine = Line(taken.processors, choice, self.asked)
            self._other = None if self.other is None else Line(self.other, choice)
            self._tokens = tokens_of(self._mine, self._other)
        self._widest = max((width_of(token_text(self._text(token))) for token in self._tokens[:SAMPLE]), default=0)
        self.lay_out()
        choice = self._mine.choice
        wanted = at[0] if at is not None else choice.id if choice is not None else -1
        self.set_rows(len(self._tokens), self._tokens.index(wanted) if wanted in self._tokens else 0)

    def _is_chosen(self, token: int) -> bool:
        return self._mine.choice is not None and self._mine.choice.id == token

    def _text(self, token: int) -> str:
        text = self._mine.text(token)
        if text is None and self._other is not None:
            text = self._other.text(token)
        return f"‹{token}›" if text is None else text

    def _name_width(self, width: int) -> int:
        least, most = self.names
        return max(min(least, width // 3), min(self._widest + 2, width // 3, most))
