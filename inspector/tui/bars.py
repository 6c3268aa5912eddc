"""The lines around the panes: what runs, what must be known, which tab, which call. Each is one line high."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget

from inspector.analysis.wording import in_seconds, in_short
from inspector.trace import ModelInfo, Trace
from inspector.tui.pages import Page
from inspector.tui.places import chain
from inspector.tui.widgets.cells import fit_end, visible

SHORTEST = 12
"""Cells that the name of a model keeps, however little room there is."""


class InfoLine(Widget):
    """A line with something on its left and something on its right; the left gives way."""

    DEFAULT_CSS = """
    InfoLine {
        width: 1fr;
        height: 1;
        padding: 0 1;
        background: $background;
        text-wrap: nowrap;
        link-color: $text-muted;
        link-style: none;
        link-color-hover: $foreground;
        link-background-hover: $panel;
    }
    """

    def spread(self, left: Content, right: Content) -> Content:
        gap = self.content_size.width - left.cell_length - right.cell_length
        if gap < 1:
            left = left.truncate(max(self.content_size.width - right.cell_length - 1, 0), ellipsis=True)
            gap = max(self.content_size.width - left.cell_length - right.cell_length, 0)
        return Content("").join([left, Content(" " * gap), right])


class HeaderLine(InfoLine):
    """The model, its size, and where and how it ran."""

    def __init__(self, model: ModelInfo) -> None:
        super().__init__()
        self._model = model

    def render(self) -> Content:
        model = self._model
        size = f" · {in_short(model.parameters)} parameters"
        where = [model.device, model.dtype, *([model.attention] if model.attention else [])]
        how = [("shape-only", "$text-warning"), (" · ", "$text-muted")] if model.shape_only else []
        right = Content.assemble(*how, (visible(" · ".join(where)), "$text-muted"))
        room = self.content_size.width - right.cell_length - len(size) - 2
        name = visible(model.reference)
        name = name if cell_len(name) <= room else fit_end(name, max(room, SHORTEST))
        return self.spread(Content.assemble((name, "bold $primary"), (size, "$text-muted")), right)


class NoticeLine(InfoLine):
    """What the reader must know: a failure, a stand-in tokenizer, values that went to disk. Takes no room without."""

    DEFAULT_CSS = """
    NoticeLine { background: $warning 15%; color: $text-warning; display: none; }
    NoticeLine.-some { display: block; }
    NoticeLine.-error { background: $error 15%; color: $text-error; }
    NoticeLine:hover { text-style: underline; }
    """

    def __init__(self, notices: Sequence[str], *, error: bool = False) -> None:
        super().__init__()
        self._notices = notices
        self.set_class(bool(notices), "-some")
        self.set_class(error, "-error")

    def render(self) -> Content:
        first = visible(self._notices[0]) if self._notices else ""
        more = f"  {len(self._notices)} notices: i" if len(self._notices) > 1 else ""
        return self.spread(Content(first), Content(more))

    async def on_click(self) -> None:
        await self.run_action("screen.notices")


class TabLine(InfoLine):
    """The tabs with their keys. A click opens one."""

    active: reactive[str] = reactive("")

    def __init__(self, pages: Sequence[Page]) -> None:
        super().__init__()
        self._pages = pages

    def render(self) -> Content:
        return Content(" ").join([self._tab(page) for page in self._pages])

    def _tab(self, page: Page) -> Content:
        chosen = page.name == self.active
        click = Style.from_meta({"@click": f"screen.tab({page.name!r})"})
        label = f" {page.key} {visible(page.title)} ".replace("  ", " ")
        if chosen:
            return Content.styled(label, "bold $block-cursor-foreground on $block-cursor-background")
        return Content(label).stylize(click)


class Breadcrumb(InfoLine):
    """Where the selected call stands: the calls around it, which one it is, how long it took."""

    index: reactive[int | None] = reactive(None)

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self._trace = trace

    def render(self) -> Content:
        if self.index is None:
            return Content("")
        calls = chain(self._trace, self.index)
        call = calls[-1]
        facts = [
            f"call {self.index}",
            call.role or "",
            "" if call.seconds is None else in_seconds(call.seconds),
        ]
        right = " · ".join(visible(fact) for fact in facts if fact)
        room = self.content_size.width - cell_len(right) - 2
        names = _names([(each.path, each.class_name) for each in calls])
        crumbs = [(name, each.index) for name, each in zip(names, calls, strict=True)]
        while len(crumbs) > 1 and sum(cell_len(name) + 3 for name, _ in crumbs) > room:
            crumbs.pop(0)
        parts = [_crumb(name, index, last=index == call.index) for name, index in crumbs]
        if len(crumbs) < len(calls):
            parts.insert(0, Content.styled("…", "$text-muted"))
        return self.spread(Content.styled(" › ", "$text-muted").join(parts), Content.styled(right, "$text-muted"))


def _crumb(name: str, index: int, *, last: bool) -> Content:
    if last:
        return Content.styled(visible(name), "bold")
    return Content(visible(name)).stylize(Style.from_meta({"@click": f"screen.go({index})"}))


def _names(calls: Sequence[tuple[str, str]]) -> list[str]:
    """Each path as seen from the one before it; the class's name for the whole model."""
    names: list[str] = []
    before = ""
    for path, class_name in calls:
        below = path.removeprefix(f"{before}.") if before else path
        names.append(below or class_name)
        before = path
    return names
