"""What the model was given, token by token: as running text and as a table, a row of the batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static

from inspector.trace import Token, Trace
from inspector.tui.widgets.token_flow import TokenFlow
from inspector.tui.widgets.token_items import Item, counted, folds, in_run, items, matches, run_of
from inspector.tui.widgets.token_table import TokenTable

WIDE = 120
"""Cells from which on text and table stand side by side."""

NONE = "This trace holds no tokens: the model was not given input_ids."


class TokensPane(Vertical):
    """Text above, table below, on the same token; runs of placeholders folded into one."""

    DEFAULT_CSS = """
    TokensPane {
        height: 1fr;
        & > #row { height: 1; padding: 0 1; background: $panel; color: $text-muted; }
        & > #both { layout: vertical; height: 1fr; }
        & TokenFlow { height: 2fr; }
        & TokenTable { height: 3fr; }
        &.-wide > #both { layout: horizontal; }
        &.-wide TokenFlow { width: 1fr; height: 1fr; }
        &.-wide TokenTable { width: 1fr; height: 1fr; max-width: 70; margin-left: 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "unfold", "Fold", id="tokens.fold", tooltip="Unfold a run of placeholders, or fold it"),
        Binding("enter", "unfold", "Fold", show=False, id="tokens.open", tooltip="Unfold a run, or fold it"),
    ]

    trace: reactive[Trace | None] = reactive(None, init=False)
    row: reactive[int] = reactive(0, init=False)

    @dataclass
    class Selected(Message):
        """The cursor stands on a token: a row of the batch, and an index in it."""

        row: int
        index: int

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._items: list[Item] = []
        self._unfolded: set[int] = set()
        self._terms: list[str] = []
        self._longer: dict[int, Sequence[Token]] = {}
        self._rows = 0
        self._foldable = False

    def compose(self) -> ComposeResult:
        yield Static(id="row", markup=False)
        with Container(id="both"):
            yield TokenFlow()
            yield TokenTable()

    @property
    def rows(self) -> int:
        """Rows of the batch: those of the prompt, or as many as were said to be there (beams have one each)."""
        return max(self._rows, len(self.trace.tokens) if self.trace is not None else 0)

    @property
    def tokens(self) -> Sequence[Token]:
        """The tokens of the row: of the prompt, or as many as were given to be shown."""
        if self.row in self._longer:
            return self._longer[self.row]
        rows = self.trace.tokens if self.trace is not None else []
        return rows[self.row] if self.row < len(rows) else []

    @property
    def current(self) -> Item | None:
        """The token, or the run, under the cursor."""
        cursor = self.query_one(TokenFlow).cursor
        return self._items[cursor] if cursor < len(self._items) else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Folding is for a run of tokens that can be folded, and for a token of one."""
        item = self.current
        return action != "unfold" or (item is not None and in_run(self.tokens, item.token.index))

    def select(self, index: int) -> None:
        """Put the cursor on the token at `index` of the row, or on the run that holds it."""
        number = next((number for number, item in enumerate(self._items) if item.end.index >= index), None)
        if number is not None:
            self.query_one(TokenFlow).cursor = number

    def show_row(self, row: int, rows: int, tokens: Sequence[Token], index: int | None = None) -> None:
        """Show one of `rows` rows, with other tokens than those of the prompt and the cursor at `index`, or where it
        was.
        """
        self._longer[row] = tokens
        self._rows = rows
        if row == self.row:
            self._show(index)
        else:
            self.row = row

    def reveal(self, index: int) -> None:
        """Put the cursor on the very token at `index`, and unfold the run that hides it."""
        if not 0 <= index < len(self.tokens):
            return
        start = run_of(self.tokens, index)
        if start not in self._unfolded and folds(self.tokens[start]):
            self._unfolded |= {start}
            self._show(index)
            self.tell()
        else:
            self.select(index)

    def tell(self) -> None:
        """Say again what the cursor stands on."""
        foldable = bool(self.check_action("unfold", ()))
        if foldable != self._foldable:
            self._foldable = foldable
            self.refresh_bindings()
        if self.current is not None:
            self.post_message(self.Selected(self.row, self.current.token.index))

    def filter(self, text: str) -> None:
        """List the tokens whose text, id and kind hold every word of `text`; the others grow faint in the text."""
        self._terms = text.lower().split()
        self._show()

    def watch_trace(self) -> None:
        self._terms = []
        self._unfolded = set()
        self._longer = {}
        self._rows = 0
        self.set_reactive(TokensPane.row, 0)
        self._show(0)

    def watch_row(self) -> None:
        self._unfolded = set()
        self._show(0)
        self.tell()

    def validate_row(self, row: int) -> int:
        return max(0, min(row, self.rows - 1))

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= WIDE, "-wide")

    def action_unfold(self) -> None:
        """Unfold the run under the cursor; on one of its tokens, fold it."""
        item = self.current
        if item is None:
            return
        start = run_of(self.tokens, item.token.index)
        self._unfolded ^= {start}
        self._show(start)
        self.tell()

    @on(TokenFlow.Moved)
    def _flowed(self, event: TokenFlow.Moved) -> None:
        event.stop()
        table = self.query_one(TokenTable)
        with table.prevent(TokenTable.Moved):
            table.show_item(event.number)
        self.tell()

    @on(TokenTable.Moved)
    def _listed(self, event: TokenTable.Moved) -> None:
        event.stop()
        flow = self.query_one(TokenFlow)
        if flow.cursor != event.number:
            with flow.prevent(TokenFlow.Moved):
                flow.cursor = event.number
            self.tell()

    @on(TokenTable.Opened)
    def _opened(self, event: TokenTable.Opened) -> None:
        event.stop()
        self.action_unfold()

    def _show(self, index: int | None = None) -> None:
        """Work out the items again, and show them with the cursor on token `index`, or where it was."""
        if index is None:
            index = self.current.token.index if self.current is not None else 0
        self._items = items(self.tokens, self._unfolded)
        last = max(len(self._items) - 1, 0)
        number = next((number for number, item in enumerate(self._items) if item.end.index >= index), last)
        rows: Sequence[int] = range(len(self._items))
        if self._terms:
            rows = [place for place in rows if matches(self._items[place], self._terms)]
        flow = self.query_one(TokenFlow)
        flow.show_items(self._items, number)
        flow.quieten(set(range(len(self._items))) - set(rows) if self._terms else ())
        self.query_one(TokenTable).show_items(self._items, rows, number)
        self.query_one("#row", Static).update(summary(self.tokens, self.row, self.rows))
        self.refresh_bindings()


def summary(tokens: Sequence[Token], row: int, rows: int) -> str:
    """Which row this is, and how many tokens of each kind it has."""
    if not tokens:
        return NONE
    place = f"row {row} of 0–{rows - 1}  " if rows > 1 else ""
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in counted(tokens))
    plural = "" if len(tokens) == 1 else "s"
    return f"{place}{len(tokens):,} token{plural}: {kinds}"
