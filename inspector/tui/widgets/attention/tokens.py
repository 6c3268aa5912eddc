"""The tokens of a conversation under the attention of one of them; the cursor chooses the one that looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message

from inspector.analysis.wording import number
from inspector.trace import Token
from inspector.tui.widgets.attention.looking import Sight
from inspector.tui.widgets.attention.shaded import ShadedFlow
from inspector.tui.widgets.attention.survey import Conversation
from inspector.tui.widgets.line import Line
from inspector.tui.widgets.token_flow import TokenFlow
from inspector.tui.widgets.token_items import Item, items, matches, run_of


class LitTokens(Vertical):
    """Running text. Placeholders stand as one, with all that they get together, until they are unfolded."""

    DEFAULT_CSS = """
    LitTokens {
        height: 1fr;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "unfold", "Fold", False, id="attention.fold", tooltip="Unfold a run of placeholders, or fold"),
    ]

    @dataclass
    class Asked(Message):
        """Another token is to look, by its index in the row."""

        token: int

    def __init__(self) -> None:
        super().__init__()
        self._conversation: Conversation | None = None
        self._tokens: list[Token] = []
        self._items: list[Item] = []
        self._unfolded: set[int] = set()
        self._query = -1
        self._asked: int | None = None

    @property
    def ahead(self) -> bool:
        """Whether the cursor was moved since the last look was asked for: what comes then must not take it back."""
        flow = self.query_one(ShadedFlow)
        return self._asked is not None or (bool(self._items) and flow.cursor != self._number(self._query))

    def compose(self) -> ComposeResult:
        yield ShadedFlow()
        yield Line()

    def show_sight(self, sight: Sight, *, lead: bool) -> None:
        """Shade by a look. With `lead` the cursor goes to its query."""
        flow, conversation = self.query_one(ShadedFlow), sight.conversation
        if conversation is None:
            return
        if conversation is not self._conversation:
            self._conversation = conversation
            self._tokens = [
                Token(place.index, place.id, place.text, place.kind) for place in conversation.tokens.places
            ]
            self._unfolded = set()
            self._lay_out(sight.spot.token or 0)
        elif lead and sight.spot.token != self._query:
            self._point(sight.spot.token or 0)
        flow.light(sight)
        self.query_one(Line).say(*_legend(sight, flow.most))

    def filter(self, text: str) -> None:
        """Leave those tokens lit whose text, id and kind hold every word of `text`."""
        terms = text.lower().split()
        quiet = {number for number, item in enumerate(self._items) if terms and not matches(item, terms)}
        self.query_one(ShadedFlow).quieten(quiet)

    def action_unfold(self) -> None:
        cursor = self.query_one(ShadedFlow).cursor
        if cursor < len(self._items):
            start = run_of(self._tokens, self._items[cursor].token.index)
            self._unfolded ^= {start}
            self._lay_out(start)

    @on(TokenFlow.Moved)
    def _moved(self, event: TokenFlow.Moved) -> None:
        event.stop()
        item = self._items[event.number]
        if not item.token.index <= self._query <= item.end.index:
            self._query = self._asked = item.token.index
            self.post_message(self.Asked(self._query))

    def taken(self, token: int) -> None:
        """What was asked for is being looked at."""
        self._asked = None if self._asked == token else self._asked

    def _lay_out(self, token: int) -> None:
        self._items = items(self._tokens, self._unfolded)
        self._query = token
        self.query_one(ShadedFlow).show_items(self._items, self._number(token))

    def _point(self, token: int) -> None:
        self._query = token
        flow = self.query_one(ShadedFlow)
        with flow.prevent(TokenFlow.Moved):
            flow.cursor = self._number(token)

    def _number(self, token: int) -> int:
        """The item that a token stands in."""
        low, high = 0, len(self._items)
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self._items[middle].end.index < token else (low, middle)
        return low


def _legend(sight: Sight, most: float) -> tuple[str, ...]:
    if sight.probabilities is None:
        return ("not known",)
    if sight.offset:
        return (f"brightest: {number(most)}",)
    first = number(float(sight.probabilities[0]))
    return f"brightest: {number(most)} · first token {first}", f"brightest {number(most)} · first {first}"
