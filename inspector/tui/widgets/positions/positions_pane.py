"""The positions of a row beside its tokens: where one stands, how all come about, by what they are turned, patches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.style import Style
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from inspector.parts import Part, Text
from inspector.trace import Trace
from inspector.tui.widgets.cells import visible
from inspector.tui.widgets.masks.account import listed
from inspector.tui.widgets.patch_picture import PatchPicture
from inspector.tui.widgets.positions.look import PlacesLook
from inspector.tui.widgets.positions.parts_page import PartsPage
from inspector.tui.widgets.positions.picture_page import PicturePage
from inspector.tui.widgets.positions.place_page import PlacePage
from inspector.tui.widgets.positions.turning_page import TurningPage

PAGES = {
    "place": ("a", "Place", "Where the token under the cursor stands, and its place in its picture"),
    "told": ("x", "Explained", "How the positions come about, run by run and step by step"),
    "turned": ("t", "Turning", "By what the token's query and key are turned, and every rotary embedding"),
    "patches": ("b", "Patches", "The patches of the picture in the vision tower, with its windows"),
}
"""Each page with its key, its title and what it shows."""

REST = 0.03
"""Seconds that the cursor stands on a token before what is told of it follows."""


class PageLine(Static):
    """The pages with their keys; a click opens one."""

    DEFAULT_CSS = """
    PageLine {
        height: 1;
        padding: 0 1;
        background: $panel;
        link-color: $foreground;
        link-style: none;
        link-background-hover: $surface;
    }
    """

    page: reactive[str] = reactive("place")

    @dataclass
    class Chosen(Message):
        """A page is wanted."""

        page: str

    def render(self) -> Content:
        return Content(" ").join([self._label(name) for name in PAGES])

    def action_choose(self, name: str) -> None:
        self.post_message(self.Chosen(name))

    def _label(self, name: str) -> Content:
        key, title, _ = PAGES[name]
        label = f" {key} {title} "
        if name == self.page:
            return Content.styled(label, "bold $block-cursor-foreground on $block-cursor-background")
        return Content(label).stylize(Style.from_meta({"@click": f"choose({name!r})"}))


class PositionsPane(Vertical, can_focus=True):
    """Shows a `PlacesLook` and one token of it, on one of several pages; a page is filled when it is looked at."""

    DEFAULT_CSS = """
    PositionsPane {
        height: 1fr;
        & > ContentSwitcher { height: 1fr; }
    }
    """

    page: reactive[str] = reactive("place", init=False)

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self.trace = trace
        self.found: PlacesLook | None = None
        self.index = 0
        self.count = 1
        self._filled: set[str] = set()
        self._resting: Timer | None = None

    def compose(self) -> ComposeResult:
        yield PageLine()
        with ContentSwitcher(initial="place"):
            yield PlacePage(id="place")
            yield PartsPage(id="told")
            yield TurningPage(self.trace, id="turned")
            yield PicturePage(fine=True, id="patches")

    def watch_page(self, page: str) -> None:
        self.query_one(PageLine).page = page
        self.query_one(ContentSwitcher).current = page
        self._fill(page)

    def show(self, found: PlacesLook) -> None:
        """Show another step or row."""
        self.found = found
        self._filled.clear()
        self.query_one(PlacePage).show_pictures(found.pictures)
        self.query_one("#patches", PicturePage).show_pictures(found.pictures)

    def point(self, index: int, count: int = 1) -> None:
        """Show the token at an index of the row, the first of `count` that the cursor is on."""
        if (index, count) != (self.index, self.count):
            self._filled -= {"place", "turned", "patches"}
        self.index, self.count = index, count
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(REST, lambda: self._fill(self.page))

    def inside(self) -> Widget:
        """What can have the keyboard on the page in front; this pane itself where the page has nothing to show."""
        shown = self.query_one(f"#{self.page}")
        inside = [widget for widget in shown.query("*") if widget.can_focus and _is_shown(widget)]
        return next((widget for widget in inside if isinstance(widget, PatchPicture)), next(iter(inside), self))

    def _fill(self, page: str) -> None:
        """Fill a page that shows something else by now."""
        found = self.found
        if found is None or found.talk is None or page in self._filled:
            return
        self._filled.add(page)
        standing = found.talk.at(self.index)
        if page == "place":
            self._place()
        elif page == "told":
            trace = self.trace
            self.query_one("#told", PartsPage).show_parts(lambda: told(trace, found))
        elif page == "turned":
            self.query_one(TurningPage).show_token(found.placed, standing)
        else:
            self.query_one("#patches", PicturePage).point(standing if self.count == 1 else None)

    def _place(self) -> None:
        from inspector.views.place_words import square_facts, token_facts

        found = self.found
        if found is None or found.talk is None or found.how is None:
            return
        standing = found.talk.at(self.index)
        page = self.query_one(PlacePage)
        if standing is None:
            text = "The cache held them before this trace, which has neither their ids nor their positions."
            before = found.talk.sequenced.before
            page.show_token(
                f"tokens 0–{before - 1}" if before else "No token", [("known", text, False)] * bool(before), None
            )
            return
        place = found.talk.sequenced.places[self.index]
        text = f" “{visible(place.text, spaces=True)}”" if place.text else ""
        head = f"token {self.index}{text} · id {place.id} · {place.kind}"
        if self.count > 1:
            head = f"tokens {self.index}–{self.index + self.count - 1}, folded; of the first: {head}"
        facts = [*token_facts(self.trace, standing, found.how)]
        if standing.spot is None and place.kind == "image":
            facts += square_facts(self.trace, found.row, found.talk.sequenced, self.index)
        page.show_token(head, facts, standing if self.count == 1 else None)


def told(trace: Trace, found: PlacesLook) -> Sequence[Part]:
    """Checks, and how the positions of a step come about."""
    from inspector.views import positions

    if found.placement is None:
        return []
    held = positions.held_by(trace, found.placed, found.placement.forward.step)
    parts = positions.told(trace, found.placed, found.placement, held, width=0)
    return [*([Text("Checks", listed(found.checks))] if found.checks else []), *parts]


def _is_shown(widget: Widget) -> bool:
    """Whether a widget and all that it stands in are displayed."""
    return all(node.display for node in widget.ancestors_with_self if isinstance(node, Widget))
