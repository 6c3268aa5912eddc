"""The generated tokens as running text, coloured by how sure the model was of each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import work
from textual.message import Message
from textual.reactive import reactive

from inspector.trace.steps import Step
from inspector.tui.widgets.cells import fit, width_of
from inspector.tui.widgets.flow import Flow
from inspector.tui.widgets.generation.measures import MEASURES
from inspector.tui.widgets.generation.strip_text import StripText
from inspector.tui.widgets.generation.strip_tokens import FORCED, describe
from inspector.tui.widgets.token_items import Piece

SHADES = (("foreground", 4, 9), ("primary", 24, 32), ("accent", 30, 40), ("warning", 42, 52), ("error", 48, 60))
"""The ground of each level: a colour, and how much of it lies under every other token, so that one sees them part."""

GROUNDS = {
    f"strip--{level}-{place}": f"${colour} {share}%"
    for level, (colour, *shares) in enumerate(SHADES)
    for place, share in enumerate(shares)
}

UNDERLINED, BOLD = Style(underline=True), Style(bold=True)

AT_ONCE = 400
"""So many new tokens are laid out on the spot; more of them beside the keyboard."""

SLICE, PAUSE = 0.005, 0.2
"""Seconds of reading between two looks at the keyboard, and between two looks at what has been read."""


class StepStrip(Flow):
    """What one row generated. In a beam search, what leads to the live beam in that row.

    `steps` may be the list that a generation appends to: set it again after each step, and only the new ones are read.
    A cursor on the last token goes along. What differs from the greedy choice is underlined; a bar above each token
    (`bars`) says the same as its colour.
    """

    DEFAULT_CSS = (
        "StepStrip {\n"
        + "\n".join(f"& > .{name} {{ background: {ground}; }}" for name, ground in GROUNDS.items())
        + """
        & > .strip--quiet { color: $text-muted; }
        & > .strip--bar { color: $text-muted; }
        & > .strip--cursor { color: $block-cursor-blurred-foreground; background: $primary 45%; text-style: bold; }
        &:focus > .strip--cursor { color: $background; background: $primary; text-style: bold; }
        &:nocolor > .strip--cursor { color: $foreground; background: $surface; text-style: reverse; }
    }
    """
    )
    COMPONENT_CLASSES: ClassVar[set[str]] = {*GROUNDS, "strip--quiet", "strip--bar", "strip--cursor"}

    row: reactive[int] = reactive(0, init=False)
    colour: reactive[str] = reactive("probability", init=False)
    """One of `MEASURES`: `probability`, `entropy` or `rank`."""
    bars: reactive[bool | None] = reactive(None, init=False)
    """None: where there are no colours."""

    @dataclass
    class Chosen(Message):
        """The reader went to the token of a step, counted from 0; `row` is the row of that step which chose it."""

        step: int
        row: int

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.foot = 1
        self._text = StripText()
        self._wanted: int | None = None
        """Where the cursor is to be; None for the last token, also when there are more."""

    @property
    def steps(self) -> Sequence[Step]:
        return self._text.steps

    @steps.setter
    def steps(self, steps: Sequence[Step]) -> None:
        self._show(steps, self.row)

    @property
    def count(self) -> int:
        """How many tokens have been laid out."""
        return len(self._text.tokens)

    def look_at(self, step: int) -> None:
        """Put the cursor on the token of a step, without a message."""
        self._wanted = step
        self._settle()

    def row_of(self, step: int) -> int:
        """Which of a step's rows chose its token: in a beam search not the same in every step."""
        return self._text.tokens[step].row if step < self.count else self.row

    def watch_row(self, row: int) -> None:
        self._show(self.steps, row)

    def validate_colour(self, colour: str) -> str:
        return colour if colour in MEASURES else "probability"

    def watch_bars(self) -> None:
        self.break_lines()

    def moved(self) -> None:
        self._wanted = None if self.cursor == self.count - 1 else self.cursor
        self.post_message(self.Chosen(self.cursor, self.row_of(self.cursor)))

    def hint(self, number: int) -> str | None:
        return describe(number, self._text.tokens[number])

    def break_lines(self) -> None:
        self.tall = 2 if self._has_bars else 1
        if self.room != self._text.lines.width:
            self._text.break_at(self.room)
        self._show_lines()

    def draw(self, piece: Piece, row: int) -> Segment:
        token, measure = self._text.tokens[piece.number], MEASURES[self.colour]
        level = measure.level(token.value(self.colour))
        if row < self.tall - 1:
            bar = " " if token.has_ended else measure.bars[level]
            width = width_of(piece.text)
            return Segment(fit(bar * max(width - 1, 1), width), self.ink("strip--bar"))
        if piece.number == self.cursor:
            style = self.ink("strip--cursor")
        else:
            style = self.ink("strip--quiet") if token.has_ended else self.ink(f"strip--{level}-{piece.number % 2}")
        style = style if token.is_greedy else style + UNDERLINED
        return Segment(piece.text, style + BOLD if token.is_forced else style)

    def draw_foot(self, row: int, width: int) -> list[Segment]:
        """The legend."""
        measure, quiet = MEASURES[self.colour], self.ink("strip--quiet")
        levels = [(measure.bars[level] if self._has_bars else "") + word for level, word in enumerate(measure.words)]
        gap = " " if len(f"{measure.name}  {'  '.join(levels)} ") <= width else ""
        segments = [Segment(f"{measure.name} ", quiet)]
        segments += [Segment(f" {text}{gap}", self.ink(f"strip--{level}-1")) for level, text in enumerate(levels)]
        signs = [
            Segment("  "),
            Segment("not greedy", quiet + UNDERLINED),
            Segment(f"  {FORCED}forced", quiet),
        ]
        room = width - sum(len(segment.text) for segment in segments)
        return [*segments, *(signs if sum(len(segment.text) for segment in signs) <= room else [])]

    @property
    def _has_bars(self) -> bool:
        return self.app.no_color if self.bars is None else self.bars

    def _show(self, steps: Sequence[Step], row: int) -> None:
        self._text.show(steps, row)
        since = len(self.lines) - 1 if self._text.tokens else 0  # the last line may give a word to the next one
        self.workers.cancel_group(self, "read")
        if self._text.unread > AT_ONCE:
            self._read()
        else:
            self._text.read()
            self._show_lines(since)

    @work(group="read", exclusive=True)
    async def _read(self) -> None:
        """Read what there is much of, beside the keyboard."""
        since, shown = 0, 0.0
        while self._text.unread:
            self._text.read(SLICE)
            if not self._text.unread or time.perf_counter() - shown > PAUSE:
                self._show_lines(since)
                since, shown = len(self.lines) - 1, time.perf_counter()
            await asyncio.sleep(0)

    def _show_lines(self, since: int = 0) -> None:
        self.lines, self.starts = self._text.lines.lines, self._text.lines.starts
        self._settle()
        self.arranged(since)

    def _settle(self) -> None:
        """Put the cursor where it is wanted, by default at the end, as far as the tokens have been read."""
        last, wanted = self.count - 1, self._wanted
        if last < 0 or (self._text.unread and (wanted is None or wanted > last)):
            return
        with self.prevent(self.Chosen):
            self.cursor = last if wanted is None else wanted
        self._wanted = None if self.cursor == last else self.cursor
