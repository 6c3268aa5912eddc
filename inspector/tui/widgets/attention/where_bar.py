"""What is looked at: layer, heads, step, row and query, each of which can be clicked to choose another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.style import Style

from inspector.tui.widgets.attention import words
from inspector.tui.widgets.attention.looking import Sight
from inspector.tui.widgets.line import Line

What = Literal["layer", "head", "step", "row", "query", "picture"]


class WhereBar(Line):
    """One line: names of what can be chosen, and what is chosen."""

    DEFAULT_CSS = """
    WhereBar { background: $panel; link-color: $foreground; link-background-hover: $surface; }
    """

    sight: reactive[Sight | None] = reactive(None, always_update=True)

    @dataclass
    class Choosing(Message):
        """Another one is to be chosen from a list."""

        what: What

    def render(self) -> Content:
        sight = self.sight
        if sight is None:
            return Content.styled("Working out where the last token looks …", "$text-muted")
        ways = (("   ", False, True), ("   ", False, False), ("  ", False, False), ("  ", True, False))
        return self.fitted([self._fields(sight, gap, short, after) for gap, short, after in ways])

    def _fields(self, sight: Sight, gap: str, short: bool, after: bool) -> Content:
        spot = sight.spot
        fields: list[tuple[What, str, str]] = [
            ("layer", "layer", words.layer_of(sight)),
            ("head", "", words.heads_words(sight, short=short)),
            ("query", "", words.query_words(sight)),
            ("step", "step", str(spot.step)),
        ]
        if spot.vision and words.several(sight):
            fields.insert(2, ("picture", "", words.picture_words(sight, short=short)))
        if sight.kernel.batch > 1:
            fields.append(("row", "row", f"{spot.row} of 0–{sight.kernel.batch - 1}"))
        found = [self._field(*field) for field in fields]
        if after and words.next_words(sight):
            query = next(number for number, field in enumerate(fields) if field[0] == "query")
            found[query] += Content.styled(f" {words.next_words(sight)}", "$text-muted")
        return Content(gap).join(found)

    def action_choose(self, what: What) -> None:
        self.post_message(self.Choosing(what))

    def _field(self, what: What, name: str, text: str) -> Content:
        click = Style.from_meta({"@click": f"choose({what!r})"})
        label = Content.styled(f"{name} ", "$text-muted") if name else Content("")
        return Content("").join([label, Content.styled(text, "bold").stylize(click)])
