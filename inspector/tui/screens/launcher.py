"""The first screen: what can be opened here, narrowed as one types, with the facts of what is under the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Input, OptionList, Static
from textual.widgets.option_list import Option

from inspector.tui.entries import Entry, narrow, typed
from inspector.tui.messages import Painted
from inspector.tui.paths import PathInput
from inspector.tui.widgets.cells import fit, fit_end, visible

ROOM = 110
"""Cells in which the list and the facts can stand side by side."""


class LauncherScreen(Screen[None]):
    """Lists `entries`. Typing narrows them; what looks like a path or a hub's name can be opened as it is typed."""

    DEFAULT_CSS = """
    LauncherScreen #title { height: 1; padding: 0 2; margin-bottom: 1; }
    LauncherScreen Input { background: $surface; padding: 0 1; margin: 0 1; }
    LauncherScreen Horizontal { margin-top: 1; }
    LauncherScreen OptionList {
        width: 3fr; background: $background; margin: 0 1; text-wrap: nowrap; text-overflow: ellipsis;
    }
    LauncherScreen OptionList > .option-list--option-disabled { color: $primary; text-style: bold; }
    LauncherScreen OptionList > .option-list--option-highlighted { background: $block-cursor-background; }
    LauncherScreen #facts { width: 2fr; padding: 0 2; border-left: vkey $border-blurred; }
    LauncherScreen.-narrow Horizontal { layout: vertical; }
    LauncherScreen.-narrow OptionList { width: 1fr; height: 1fr; }
    LauncherScreen.-narrow #facts {
        width: 1fr; height: auto; max-height: 11; margin: 0 1; padding: 0 1;
        border-left: none; border-top: solid $border-blurred;
    }
    """
    BINDING_GROUP_TITLE = "Launcher"
    HELP = """Everything that can be opened here. Nothing is fetched from the network to list it.

Type to narrow the list. A directory, a saved trace or a name of the form owner/name can be typed whole; tab, or the
right arrow, completes a path. A preset is a published architecture without its weights: its forward runs on shapes."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move('cursor_down')", "Down", id="launcher.down", tooltip="Next entry", show=False),
        Binding("up", "move('cursor_up')", "Up", id="launcher.up", tooltip="Previous entry", show=False),
        Binding(
            "pagedown", "move('page_down')", "Page down", id="launcher.page_down", tooltip="One page down", show=False
        ),
        Binding("pageup", "move('page_up')", "Page up", id="launcher.page_up", tooltip="One page up", show=False),
        Binding("enter", "open", "Open", id="launcher.open", tooltip="Open what is under the cursor", priority=True),
        Binding(
            "escape",
            "clear",
            "Clear",
            id="launcher.clear",
            tooltip="Empty the filter; leave the program when it is empty",
        ),
        Binding("f5", "app.load_options", "Load with", id="launcher.options", tooltip="Device, dtype, kernel, weights"),
        Binding("f1", "app.help", "Help", id="launcher.help", tooltip="Explain this screen"),
    ]

    @dataclass
    class Opened(Message):
        """Something is to be opened."""

        reference: str

    @dataclass
    class Highlighted(Message):
        """The cursor stands on an entry whose facts are wanted."""

        reference: str

    def __init__(self) -> None:
        super().__init__()
        self._entries: Sequence[Entry] = ()
        self._shown: list[Entry] = []
        self._narrowed = ""
        self._state = "Looking for models …"

    def compose(self) -> ComposeResult:
        self.set_class(self.app.size.width < ROOM, "-narrow")
        title = (("Inspector", "bold $primary"), ("  see a forward pass of a vision-language model", "$text-muted"))
        yield Static(Content.assemble(*title), id="title")
        yield PathInput(placeholder="Type to filter, or a directory, a trace, owner/name", id="filter")
        with Horizontal():
            yield OptionList(compact=True)
            with VerticalScroll(id="facts", can_focus=False):
                yield Static(Content(""))
        yield Footer(compact=True)

    def on_mount(self) -> None:
        self.query_one(OptionList).can_focus = False
        self.query_one(Input).focus()
        self._narrow()
        self.call_after_refresh(self.app.post_message, Painted())

    def show(self, entries: Sequence[Entry]) -> None:
        """List `entries`, keeping what was typed."""
        self._entries = entries
        self._state = "Nothing here holds these words. A directory, or owner/name, can be typed whole."
        self._narrow()

    def show_facts(self, reference: str, facts: Sequence[tuple[str, str]]) -> None:
        """Show the facts of an entry, if the cursor still stands on it."""
        entry = self._current()
        if entry is not None and entry.reference == reference:
            lines = [Content.styled(visible(reference), "bold")]
            lines += [Content.assemble((fit(name, 13), "$text-muted"), visible(value)) for name, value in facts]
            self.query_one("#facts Static", Static).update(Content("\n").join(lines))

    def on_input_changed(self) -> None:
        self._narrow()

    def on_resize(self) -> None:
        self.set_class(self.size.width < ROOM, "-narrow")
        if self._entries:
            self._narrow()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        entry = self._current()
        if entry is not None:
            self.post_message(self.Highlighted(entry.reference))

    def on_option_list_option_selected(self) -> None:
        self.action_open()

    async def action_move(self, way: str) -> None:
        await self.query_one(OptionList).run_action(way)

    def action_open(self) -> None:
        """Open what is under the cursor once the field has taken the keys that came before this one."""
        self.query_one(Input).call_later(self._open)

    def _open(self) -> None:
        if self.query_one(Input).value.strip() != self._narrowed:
            self._narrow()
        entry = self._current()
        if entry is not None:
            self.post_message(self.Opened(entry.reference))

    def action_clear(self) -> None:
        field = self.query_one(Input)
        if field.value:
            field.value = ""
        else:
            self.app.exit()

    def _current(self) -> Entry | None:
        menu = self.query_one(OptionList)
        option = menu.highlighted_option
        return None if option is None or option.id is None else self._shown[int(option.id)]

    def _narrow(self) -> None:
        """Fill the list with the entries that hold every word that was typed, under their groups."""
        self._narrowed = text = self.query_one(Input).value.strip()
        self._shown = [*narrow(self._entries, text), *typed(text, self._entries)]
        menu = self.query_one(OptionList)
        menu.clear_options()
        menu.add_options(self._options())
        if self._shown:
            menu.highlighted = 1
        else:
            self.query_one("#facts Static", Static).update(Content(self._state))

    def _options(self) -> list[Option]:
        options: list[Option] = []
        width = max((cell_len(entry.reference) for entry in self._shown), default=0)
        width = min(width, max(self.size.width * 3 // 5 - 30, 30))
        group = ""
        for number, entry in enumerate(self._shown):
            if entry.group != group:
                options += [Option(Content(""), disabled=True)] if group else []
                group = entry.group
                options.append(Option(Content(f" {group}"), disabled=True))
            name = fit_end(visible(entry.reference), width)
            line = Content.assemble(f"  {name}  ", (visible(entry.detail), "$text-muted"))
            options.append(Option(line, id=str(number)))
        return options
