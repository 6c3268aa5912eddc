"""The contents of the tabs, one in front of the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from inspector.parts import Tab
from inspector.trace import Trace
from inspector.tui.panes import Pane

SPARE_KEYS = ("9", "0")
"""Keys for the tabs of plugins: 3 to 7 are spoken for."""


@dataclass(frozen=True, slots=True)
class Page:
    """A tab: built when it is first looked at. `key` is empty where no number is left."""

    name: str
    key: str
    title: str
    build: Callable[[], Widget]


class Pages(ContentSwitcher):
    """Shows one page at a time. A page that comes back has the focus where it had it."""

    DEFAULT_CSS = """
    Pages { height: 1fr; }
    """

    def __init__(self, pages: Sequence[Page]) -> None:
        super().__init__()
        self.pages = {page.name: page for page in pages}
        self._focused: dict[str, Widget] = {}

    async def show(self, name: str) -> None:
        """Bring a page to the front and the focus into it. An unknown name shows nothing new."""
        if name not in self.pages:
            return
        if self.current is not None and self.screen.focused is not None:
            self._focused[self.current] = self.screen.focused
        if not self.query_children(f"#{name}"):
            page = self.pages[name].build()
            page.id = name
            await self.mount(page)
        self.current = name
        self._focus(name)

    def filterable(self) -> list[Pane]:
        """The panes of the page in front that can be filtered, the one with the focus first."""
        focused, page = self.screen.focused, self.visible_content
        chain = [] if focused is None else focused.ancestors_with_self
        others = [] if page is None else page.walk_children(Pane, with_self=True)
        return [node for node in (*chain, *others) if isinstance(node, Pane) and node.filterable]

    def _focus(self, name: str) -> None:
        known = self._focused.get(name)
        if known is None or not known.is_attached:
            inside = list(self.query_one(f"#{name}").walk_children(Widget, with_self=True))
            if self.screen.focused in inside:  # the page has put it there itself
                return
            known = next((widget for widget in inside if widget.can_focus and widget.display), None)
        self.screen.set_focus(known)


def plugin_pages(tabs: Sequence[Tab], trace: Trace) -> list[Page]:
    """The tabs of plugins. One that raises when it is built says so in its place, and nothing else is touched."""
    keys = [*SPARE_KEYS, *[""] * len(tabs)]
    return [Page(f"plugin-{number}", keys[number], tab.title, _builder(tab, trace)) for number, tab in enumerate(tabs)]


def _builder(tab: Tab, trace: Trace) -> Callable[[], Widget]:
    def build() -> Widget:
        try:
            widget = tab.widget(trace)
        except Exception as error:  # a plugin may raise anything, and the screen goes on
            return Static(Content(f"The tab {tab.name!r} could not be built: {type(error).__name__}: {error}"))
        if isinstance(widget, Widget):
            return widget
        return Static(Content(f"The tab {tab.name!r} is no Textual widget but a {type(widget).__name__}."))

    return build
