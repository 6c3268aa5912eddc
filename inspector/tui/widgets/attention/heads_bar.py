"""The heads of a layer by the keys that they share, in a line: one, a group, or all of them is chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from inspector.tui.widgets.attention.spot import MEAN, Choice, chosen

Field = tuple[str, Choice]


class HeadsBar(Widget):
    """`mean │ 0 1 2 3 │ 4 5 6 7`: a bar stands before the heads that share keys, and chooses them all."""

    DEFAULT_CSS = """
    HeadsBar {
        height: 1;
        background: $panel;
        & > .heads--chosen { color: $block-cursor-foreground; background: $block-cursor-background; text-style: bold; }
        & > .heads--quiet { color: $text-muted; }
        &:nocolor > .heads--chosen { text-style: reverse; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"heads--chosen", "heads--quiet"}

    heads: reactive[tuple[int, int]] = reactive((0, 1))
    """How many there are, and how many share their keys."""

    choice: reactive[Choice] = reactive(MEAN)

    @dataclass
    class Chosen(Message):
        """Other heads are to be looked at."""

        choice: Choice

    def on_mount(self) -> None:
        self.tooltip = "Click a head, a bar for the heads that share their keys, or the mean of all"

    @property
    def fields(self) -> list[Field]:
        """What stands on the line, from the left."""
        count, group = self.heads
        found: list[Field] = [(" mean ", MEAN)]
        for head in range(count):
            if head % group == 0 and group > 1:
                found.append((f" │{head // group}│", ("group", head // group)))
            found.append((f" {head} ", ("head", head)))
        return found

    def render_line(self, y: int) -> Strip:
        base, (_, group) = self.rich_style, self.heads
        lit = set(chosen(self.choice, *self.heads)) if self.choice != MEAN else set()
        marked, quiet = (self.get_component_rich_style(f"heads--{name}", partial=True) for name in ("chosen", "quiet"))
        segments = [Segment(" heads ", quiet)]
        for text, choice in self.fields:
            own = choice == self.choice or (choice[0] == "head" and choice[1] in lit)
            segments.append(Segment(text, marked if own else quiet if choice[0] == "group" else base))
        start = self._start()
        whole = Strip(segments).apply_style(base)
        return whole.crop_extend(start, start + self.size.width, base) if group else whole

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        at = None if offset is None else offset.x + self._start() - len(" heads ")
        for text, choice in self.fields:
            if at is not None and 0 <= at < len(text):
                self.post_message(self.Chosen(choice))
                return
            at = None if at is None else at - len(text)

    def _start(self) -> int:
        """The first cell of the line that is shown: as far as it takes to see what is chosen."""
        end = len(" heads ")
        for text, choice in self.fields:
            end += len(text)
            if choice == self.choice:
                break
        return max(0, end + 4 - self.size.width)
