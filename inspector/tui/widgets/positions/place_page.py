"""Where the token under the cursor stands: in words, and in its picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from inspector.tui.widgets.cells import visible
from inspector.tui.widgets.positions.picture_page import PicturePage

if TYPE_CHECKING:
    from inspector.analysis.conversation import Standing
    from inspector.tui.widgets.positions.picture_page import Look
    from inspector.views.place_words import Fact


class PlacePage(Vertical):
    """Facts of a token above the picture that it belongs to."""

    DEFAULT_CSS = """
    PlacePage {
        height: 1fr;
        & > VerticalScroll { height: auto; max-height: 50%; padding: 0 1; scrollbar-size-vertical: 1; }
        & > VerticalScroll:focus { background: $panel 30%; }
        & > PicturePage { height: 1fr; }
    }
    """

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(id="facts")
        yield PicturePage()

    def show_pictures(self, pictures: Sequence[Look]) -> None:
        page = self.query_one(PicturePage)
        page.display = bool(pictures)
        page.show_pictures(pictures)

    def show_token(self, head: str, facts: Iterable[Fact], standing: Standing | None) -> None:
        """Show what is known of a token, and its place in its picture."""
        lines = [Content.styled(visible(head), "bold"), *map(_line, facts)]
        self.query_one("#facts", Static).update(Content("\n").join(lines))
        self.query_one(PicturePage).point(standing)


def _line(fact: Fact) -> Content:
    name, text, wrong = fact
    if wrong:
        return Content.assemble((f"≠ {name}: ", "bold $text-error"), (visible(text), "$text-error"))
    return Content.assemble((f"{name}: ", "$text-muted"), visible(text))
