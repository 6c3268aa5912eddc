"""The tokens of a row as running text, each on a ground of its own, so that one sees where they part."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.message import Message

from inspector.tui.widgets.flow import Flow
from inspector.tui.widgets.token_items import Item, Piece, lines


class TokenFlow(Flow):
    """Items in lines."""

    DEFAULT_CSS = """
    TokenFlow {
        & > .flow--even { background: $foreground 7%; }
        & > .flow--odd { background: $foreground 15%; }
        & > .flow--text { color: $foreground; }
        & > .flow--special { color: $text-secondary; }
        & > .flow--image { color: $text-accent; text-style: bold; }
        & > .flow--video { color: $text-success; text-style: bold; }
        & > .flow--pad { color: $text-muted; }
        & > .flow--cursor { color: $block-cursor-blurred-foreground; background: $primary 45%; text-style: bold; }
        &:focus > .flow--cursor { color: $background; background: $primary; text-style: bold; }
        &:nocolor > .flow--cursor { color: $foreground; background: $surface; text-style: reverse; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "flow--even",
        "flow--odd",
        "flow--text",
        "flow--special",
        "flow--image",
        "flow--video",
        "flow--pad",
        "flow--cursor",
    }

    @dataclass
    class Moved(Message):
        """The cursor stands on an item."""

        number: int

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._items: Sequence[Item] = []
        self._quiet: Collection[int] = ()

    def show_items(self, items: Sequence[Item], cursor: int = 0) -> None:
        """Show other items, with the cursor on one of them."""
        self._items = items
        self.set_reactive(TokenFlow.cursor, self.validate_cursor(cursor))
        self.break_lines()

    def quieten(self, numbers: Collection[int]) -> None:
        """Draw these items faintly: those that a filter leaves out."""
        self._quiet = numbers
        self.refresh()

    @property
    def count(self) -> int:
        return len(self._items)

    def break_lines(self) -> None:
        self.lines = lines(self._items, self.room)
        self.starts = [line[0].number for line in self.lines]
        self.arranged()

    def draw(self, piece: Piece, row: int) -> Segment:
        return Segment(piece.text, self._style(piece))

    def moved(self) -> None:
        self.post_message(self.Moved(self.cursor))

    def hint(self, number: int) -> str | None:
        return describe(self._items[number])

    def _style(self, piece: Piece) -> Style:
        if piece.number == self.cursor:
            return self.ink("flow--cursor")
        kind = "pad" if piece.number in self._quiet else self._items[piece.number].token.kind
        ground = self.ink("flow--even" if piece.number % 2 else "flow--odd")
        front = self.ink(f"flow--{kind}")
        return Style(color=front.color, bgcolor=ground.bgcolor, bold=front.bold)


def describe(item: Item) -> str:
    """A token in a few lines, for a tooltip."""
    position = f"\nposition {', '.join(item.position)}" if item.position else ""
    return f"{item.text.strip()}\ntoken {item.index} · id {item.token.id} · {item.token.kind}{position}"
