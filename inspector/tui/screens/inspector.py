"""The main screen: one trace, under numbered tabs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Input

from inspector.parts import Tab, View
from inspector.trace import Trace
from inspector.tui.bars import HeaderLine, NoticeLine, TabLine
from inspector.tui.copying import Copied, choices
from inspector.tui.generate.tab import GenerateTab
from inspector.tui.moment import Moment
from inspector.tui.pages import Page, Pages, plugin_pages
from inspector.tui.panes import Pane
from inspector.tui.runs import Run
from inspector.tui.screens.attention import AttentionTab
from inspector.tui.screens.failure import FailureScreen
from inspector.tui.screens.forward import ForwardTab
from inspector.tui.screens.masks import MasksTab
from inspector.tui.screens.menu import Choice, MenuScreen
from inspector.tui.screens.message import MessageScreen
from inspector.tui.screens.save import SaveScreen, suggest
from inspector.tui.screens.tokens import TokensTab
from inspector.tui.widgets.views_pane import ViewsPane


class InspectorScreen(Screen[None]):
    """Shows a run. `views` gives those of tab 8 when it is opened, `extra` are the tabs of plugins."""

    BINDING_GROUP_TITLE = "Everywhere"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "tab('forward')", "Forward", id="tab.forward", tooltip="Modules, calls and tensors", show=False),
        Binding(
            "2", "tab('tokens')", "Tokens", id="tab.tokens", tooltip="Tokens, their kinds and positions", show=False
        ),
        Binding("3", "tab('masks')", "Masks", id="tab.masks", tooltip="Which keys each query could see", show=False),
        Binding("4", "tab('attention')", "Attention", id="tab.attention", tooltip="Where each query looks", show=False),
        Binding(
            "5", "tab('generate')", "Generate", id="tab.generate", tooltip="A generation, step by step", show=False
        ),
        Binding("8", "tab('views')", "Views", id="tab.views", tooltip="Every view, also those of plugins", show=False),
        Binding(
            "9", "tab('plugin-0')", "Plugin tab", id="tab.plugin_1", tooltip="The first tab of a plugin", show=False
        ),
        Binding(
            "0", "tab('plugin-1')", "Plugin tab 2", id="tab.plugin_2", tooltip="The second tab of a plugin", show=False
        ),
        # With priority, so that what is typed right behind the slash goes into the filter already.
        Binding("slash", "filter", "Filter", True, "/", True, "Filter the list in this pane", id="trace.filter"),
        Binding("y", "copy", "Copy", id="trace.copy", tooltip="Copy a path, a value, or Python that reproduces it"),
        Binding("r", "ask", "Ask again", id="trace.ask", tooltip="Run a forward with other inputs", show=False),
        Binding("S", "save", "Save trace", id="trace.save", tooltip="Save the trace as a directory", show=False),
        Binding("i", "notices", "Notices", id="trace.notices", tooltip="All there is to know of this run", show=False),
        Binding("f", "failure", "Failure", id="trace.failure", tooltip="Where the forward failed, and on which shapes"),
        Binding("o", "app.launcher", "Open another", id="trace.launcher", tooltip="Back to the launcher", show=False),
        Binding("s", "app.picture", "Picture", id="trace.picture", tooltip="Save the screen as an SVG", show=False),
        Binding("question_mark", "app.help", "Help", key_display="?", id="trace.help", tooltip="Explain this screen"),
        Binding("q", "app.quit", "Quit", id="trace.quit", tooltip="Leave the program", show=False),
    ]

    @dataclass
    class AskAgain(Message):
        """Another forward of the model of this run is wanted."""

        run: Run

    @dataclass
    class Saving(Message):
        """The trace is to be saved as `directory`."""

        run: Run
        directory: Path

    def __init__(self, run: Run, views: Callable[[], Mapping[str, View]], extra: Sequence[Tab] = ()) -> None:
        super().__init__()
        self.run = run
        self.moment = Moment()
        self._pages = [
            Page("forward", "1", "Forward", lambda: ForwardTab(run.trace, self.moment)),
            Page("tokens", "2", "Tokens", lambda: TokensTab(run, self.moment)),
            Page("masks", "3", "Masks", lambda: MasksTab(run, self.moment)),
            Page("attention", "4", "Attention", lambda: AttentionTab(run, self.moment)),
            Page("generate", "5", "Generate", lambda: GenerateTab(run)),
            Page("views", "8", "Views", lambda: Pane("Views", ViewsPane(views(), run.trace))),
            *plugin_pages(extra, run.trace),
        ]

    @property
    def trace(self) -> Trace:
        return self.run.trace

    @property
    def first(self) -> str:
        """The tab to begin on."""
        return "generate" if self.trace.generation is not None and not self.trace.calls else "forward"

    def compose(self) -> ComposeResult:
        yield HeaderLine(self.trace.model)
        yield NoticeLine(self._notices(), error=self.trace.failure is not None)
        yield TabLine(self._pages)
        yield Pages(self._pages)
        yield Footer(compact=True)

    async def on_mount(self) -> None:
        await self.begin()

    async def begin(self) -> None:
        """Show the tab to begin on, and the failure where there is one."""
        await self.action_tab("forward")
        if self.first != "forward":
            await self.action_tab(self.first)
        await self.action_failure()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "failure":
            return self.trace.failure is not None
        if action == "filter":
            return not isinstance(self.focused, Input) and bool(self.query_one(Pages).filterable())
        if action == "tab":
            return any(page.name == parameters[0] for page in self._pages)
        return True

    def selected(self) -> tuple[int, str | None] | None:
        """The selected call and the chosen port of it, None before anything was selected."""
        forward = self.query_one(ForwardTab)
        return None if forward.index is None else (forward.index, forward.port)

    async def go(self, call: int) -> None:
        """Select a call on the first tab."""
        await self.action_tab("forward")
        self.query_one(ForwardTab).go(call)

    async def action_go(self, call: int) -> None:
        await self.go(call)

    async def action_tab(self, name: str) -> None:
        """Bring a tab to the front. The views start from what is selected on the first one."""
        await self.query_one(Pages).show(name)
        self.query_one(TabLine).active = name
        selected, moment = self.selected(), self.moment
        for pane in self.query(ViewsPane):
            call = {} if selected is None else {"call": str(selected[0]), "port": selected[1] or ""}
            step = {} if moment.step is None else {"step": str(moment.step)}
            pane.defaults = {**call, **step, **({"row": str(moment.row)} if moment.row else {})}
        self.refresh_bindings()

    async def on_views_pane_wanted(self, event: ViewsPane.Wanted) -> None:
        """Show one of the views on their tab."""
        await self.action_tab("views")
        if not self.query_one(ViewsPane).choose(event.name, event.options):
            self.notify(f"There is no view {event.name!r} here.", severity="warning", markup=False)

    def action_filter(self) -> None:
        """Filter the list that has the focus, or else the calls, or else the first list in sight."""
        panes = [pane for pane in self.query_one(Pages).filterable() if pane.display]
        focused = [pane for pane in panes if pane.has_focus_within]
        pane = next(iter([*focused, *(pane for pane in panes if pane.id == "calls"), *panes]), None)
        if pane is not None:
            pane.open_filter()

    def action_ask(self) -> None:
        for tab in self.query(GenerateTab):
            tab.pause()
        self.post_message(self.AskAgain(self.run))

    @work
    async def action_save(self) -> None:
        directory = await self.app.push_screen_wait(SaveScreen(suggest(self.trace.model.reference)))
        page = self.query_one(Pages).visible_content
        if directory is not None and isinstance(page, GenerateTab) and page.steps and page.driver.live:
            page.save(directory)
        elif directory is not None:
            self.post_message(self.Saving(self.run, directory))

    @work
    async def action_copy(self) -> None:
        offered = self._copies()
        if not offered:
            self.notify("There is nothing to copy here yet.", markup=False)
            return
        chosen = await self.app.push_screen_wait(MenuScreen("Copy", offered))
        if chosen is not None:
            self.app.copy_to_clipboard(chosen.text)
            self.notify(f"Copied the {chosen.name}.", markup=False)

    def _copies(self) -> list[Choice]:
        """What the tab in front offers to be copied."""
        page, selected = self.query_one(Pages).visible_content, self.selected()
        if isinstance(page, ForwardTab) and selected is not None:
            return choices(self.run, *selected, page.pointed)
        if isinstance(page, Pane) and isinstance(page.content, ViewsPane):
            return page.content.copies(self.run)
        return page.copies() if isinstance(page, Copied) else []

    def action_notices(self) -> None:
        notices = self._notices() or ["There is nothing to know of this run but what the screen shows."]
        self.app.push_screen(MessageScreen("Notices", "\n\n".join(notices), error=False))

    async def action_failure(self) -> None:
        failure = self.trace.failure
        if failure is not None:
            if failure.call is not None:
                await self.go(failure.call)
            self.app.push_screen(FailureScreen(failure))

    def _notices(self) -> list[str]:
        failure = self.trace.failure
        failed = [] if failure is None else [f"{failure.error} in {failure.path or 'the model'}: {failure.message}"]
        return [*failed, *self.trace.notices]
