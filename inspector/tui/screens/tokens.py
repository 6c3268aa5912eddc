"""Tab 2: the tokens of the prompt and what was decoded, with their kinds, their positions and how these come about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message

from inspector.tui.jobs import Job
from inspector.tui.leaving import leaving
from inspector.tui.moment import Moment, MomentTab
from inspector.tui.panes import Pane
from inspector.tui.runs import Run
from inspector.tui.screens.menu import Choice
from inspector.tui.widgets.line import Line
from inspector.tui.widgets.masks.account import WorstLine
from inspector.tui.widgets.positions import asking
from inspector.tui.widgets.positions.look import PlacesLook, look, where
from inspector.tui.widgets.positions.picture_page import PicturePage
from inspector.tui.widgets.positions.positions_pane import PAGES, PageLine, PositionsPane
from inspector.tui.widgets.tokens_pane import TokensPane
from inspector.tui.widgets.views_pane import ViewsPane

ROOM = 110
"""Cells in which tokens and positions can stand side by side."""

KEYS = (
    *((key, f"page('{name}')", title, name, help_text) for name, (key, title, help_text) in PAGES.items()),
    ("C", "view('cache')", "Cache", "cache", "The key-value cache, among the views"),
    ("V", "view('vision')", "Vision ledger", "vision", "What became of each picture, among the views"),
    ("T", "view('template')", "Template", "template", "Messages, text and ids, among the views"),
    ("z", "zoom", "Enlarge", "zoom", "Give the pane all the room, or give it back"),
    ("escape", "out", "Out", "out", "Out of the zoom, or back to the tokens"),
)
FOOTER = ("place", "told", "turned", "patches")


class TokensTab(MomentTab):
    """Keeps the list of tokens and what is told of positions on one token, whichever of them it was chosen in."""

    DEFAULT_CSS = """
    TokensTab {
        & #places { width: 1fr; }
        &.-narrow #places { display: none; }
        &.-narrow.-placed #places { display: block; }
        &.-narrow.-placed #list { display: none; }
        &.-zoomed #places { display: none; }
        &.-zoomed.-placed #places { display: block; }
        &.-zoomed.-placed #list { display: none; }
    }
    """
    BINDING_GROUP_TITLE = "Tokens"
    HELP = """The tokens that the model was given, and what it decoded: number, id, text, kind and position, as the
decoder really received them. Characters that cannot be seen are shown by a stand-in. Under M-RoPE a position is time,
height and width.

Beside them where the token under the cursor stands and how that comes about, its place in its picture (pointing at a
patch goes to its token), what is turned by positions, and the patches and windows of the vision tower. Positions are
worked out independently; what differs is marked with ≠."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, action, text, name in FOOTER, id=f"positions.{name}", tooltip=tooltip)
        for key, action, text, name, tooltip in KEYS
    ]

    @dataclass
    class Looked(Message):
        """The positions of a step and row were worked out, or could not be."""

        look: PlacesLook | None
        error: str = ""

    def __init__(self, run: Run, moment: Moment) -> None:
        super().__init__(moment)
        self._run = run
        self._trace = run.trace
        self.found: PlacesLook | None = None

    def compose(self) -> ComposeResult:
        yield Line(id="where")
        yield WorstLine(id="worst")
        with Horizontal():
            yield Pane("Tokens", TokensPane(), id="list")
            yield Pane("Positions", PositionsPane(self._trace), id="places")

    def on_mount(self) -> None:
        self.query_one(TokensPane).trace = self._trace

    def on_resize(self) -> None:
        self.set_class((self.size.width or self.app.size.width) < ROOM, "-narrow")

    @property
    def shown(self) -> PlacesLook | None:
        return self.found

    def copies(self) -> list[Choice]:
        """What can be copied of the token under the cursor."""
        return [] if self.found is None else asking.copies(self._run, self.found, self.query_one(PositionsPane).index)

    def action_view(self, name: str) -> None:
        """Go to one of the views, at the step, row and token that are looked at."""
        found, index = self.found, self.query_one(PositionsPane).index
        options = {} if found is None else asking.options(self._trace, found, index, name)
        self.post_message(ViewsPane.Wanted(name, options))

    def action_page(self, name: str) -> None:
        """Bring a page of the positions to the front, and the keyboard to it."""
        self.query_one(PositionsPane).page = name
        self.add_class("-placed")
        self.call_after_refresh(self._enter)

    def action_zoom(self) -> None:
        """Give all the room to the pane that has the keyboard."""
        self.set_class(self.query_one("#places").has_focus_within, "-placed")
        self.toggle_class("-zoomed")

    def action_out(self) -> None:
        if self.has_class("-zoomed") and not self.has_class("-narrow"):
            self.remove_class("-zoomed")
        elif self.query_one("#list").has_focus_within:
            raise SkipAction  # the screen may have been gone into from another
        else:
            self.remove_class("-zoomed", "-placed")
            self.call_after_refresh(self._back)

    def _enter(self) -> None:
        self.screen.set_focus(self.query_one(PositionsPane).inside())

    def _back(self) -> None:
        inside = next((widget for widget in self.query("#list *") if widget.can_focus and widget.display), None)
        self.screen.set_focus(inside)

    def look(self) -> None:
        self.query_one(TokensPane).row = self.moment.row
        self.run_worker(self._work(self.moment.step, self.moment.row, self.found), group="places", exclusive=True)

    async def _work(self, step: int | None, row: int, before: PlacesLook | None) -> None:
        try:
            found = await Job("places", lambda _: look(self._trace, step, row, before)).start().result()
        except Exception as error:  # a file of the trace that has gone: said in place of the positions
            self.post_message(self.Looked(None, f"The positions cannot be read: {error}"))
        else:
            self.post_message(self.Looked(found))

    def on_tokens_tab_looked(self, event: TokensTab.Looked) -> None:
        event.stop()
        if leaving(self):
            return
        found, pane = event.look, self.query_one(PositionsPane)
        if found is None:
            self.query_one("#where", Line).say(event.error)
            self.notify(event.error, severity="error", markup=False)
            return
        self.found = found
        self.query_one("#where", Line).say(found.nothing or " · ".join(where(found)))
        self.query_one(WorstLine).show(found.checks)
        pane.show(found)
        tokens = self.query_one(TokensPane)
        if found.talk is not None and (
            len(found.steps) > 1 or found.talk.sequenced.before or found.row >= len(self._trace.tokens)
        ):
            # Of a step that was chosen by hand one wants to see what it added.
            first = None if self.moment.step is None and not found.talk.sequenced.before else found.talk.sequenced.first
            tokens.show_row(found.row, found.rows, found.talk.tokens, first)
        tokens.tell()
        self.refresh_bindings()

    @on(TokensPane.Selected)
    def _selected(self, event: TokensPane.Selected) -> None:
        event.stop()
        if self.found is None or event.row != self.found.row:
            return  # said again when the row has been looked at
        item = self.query_one(TokensPane).current
        self.query_one(PositionsPane).point(event.index, 1 if item is None else item.count)

    @on(PicturePage.Pointed)
    def _pointed(self, event: PicturePage.Pointed) -> None:
        event.stop()
        self.query_one(TokensPane).reveal(event.index)
        if event.taken:
            self.action_out()

    @on(PageLine.Chosen)
    def _page(self, event: PageLine.Chosen) -> None:
        event.stop()
        self.action_page(event.page)
