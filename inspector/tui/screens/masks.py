"""Tab 3: the masks that the attention calls of a step applied, drawn and explained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static

from inspector.tui.ends import say_end
from inspector.tui.jobs import Job
from inspector.tui.leaving import leaving
from inspector.tui.moment import Moment, MomentTab
from inspector.tui.panes import Pane
from inspector.tui.runs import Run
from inspector.tui.screens.menu import Choice
from inspector.tui.widgets.cells import visible
from inspector.tui.widgets.line import Line
from inspector.tui.widgets.masks.account import Account, WorstLine
from inspector.tui.widgets.masks.copies import copies
from inspector.tui.widgets.masks.groups_list import GroupsList
from inspector.tui.widgets.masks.look import MaskLook, Seen, look
from inspector.tui.widgets.masks.map import MaskMap
from inspector.tui.widgets.masks.panel import MaskPanel

ROOM = 110
"""Cells in which the list, the account and the mask can stand side by side."""

TALL, SHORT = 12, 3
"""Masks that are listed without scrolling, at most: beside the mask, and above it."""

REST = 0.05
"""Seconds without another mask after which the account follows."""

FRAME = 3
"""Lines around them: the border and the names of columns."""

KEYS = (
    ("n", "mask(1)", "Mask", "mask", "To the next mask"),
    ("p", "mask(-1)", "Mask before", "mask_before", "To the mask before"),
    ("x", "told", "Explain", "told", "Why the mask is so and what is wrong, or the mask"),
    ("z", "zoom", "Enlarge", "zoom", "Give the mask all the room, or give it back"),
    ("escape", "out", "Out", "out", "Back to the list of masks"),
)
FOOTER = ("mask", "told")


class MasksTab(MomentTab):
    """Keeps the list of masks, the account of one and its picture on the same mask."""

    DEFAULT_CSS = """
    MasksTab {
        & #left { width: 2fr; max-width: 66; height: 1fr; }
        & #account { height: 1fr; }
        & #drawn { width: 3fr; }
        & #nothing { display: none; padding: 1 2; height: 1fr; }
        &.-nothing #nothing { display: block; }
        &.-nothing #both { display: none; }
        &.-narrow #both { layout: vertical; }
        &.-narrow #left { width: 1fr; max-width: 100%; height: auto; }
        &.-narrow #account { display: none; }
        &.-narrow #drawn { width: 1fr; height: 1fr; }
        &.-told.-narrow #left { height: 1fr; }
        &.-told.-narrow #account { display: block; height: 1fr; }
        &.-told.-narrow #drawn { display: none; }
        &.-zoomed #left { display: none; }
    }
    """
    BINDING_GROUP_TITLE = "Masks"
    HELP = """Which keys each query could see, in every attention call: queries go down, keys go across. Layers with the
same mask stand on one line. The mask is the one that the kernel applied: read off the tensor that it got, or worked out
from what it was told instead, with the reason in words.

Below the picture: the query and the key under the cursor, whether the one may see the other, and why."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, action, text, name in FOOTER, id=f"masks.{name}", tooltip=tooltip)
        for key, action, text, name, tooltip in KEYS
    ]

    @dataclass
    class Looked(Message):
        """The masks of a step and row were worked out, or could not be."""

        look: MaskLook | None
        error: str = ""

    def __init__(self, run: Run, moment: Moment) -> None:
        super().__init__(moment)
        self.run = run
        self.trace = run.trace
        self.found: MaskLook | None = None
        self.seen: Seen | None = None
        self._resting: Timer | None = None

    def compose(self) -> ComposeResult:
        yield Line(id="where")
        yield WorstLine(id="worst")
        with Horizontal(id="both"):
            with Vertical(id="left"):
                yield Pane("Masks", GroupsList(), id="groups")
                yield Pane("Why", Account(), id="account")
            yield Pane("Mask", MaskPanel(), id="drawn")
        yield Static(id="nothing", markup=False)

    @property
    def shown(self) -> MaskLook | None:
        return self.found

    def copies(self) -> list[Choice]:
        """What can be copied of the mask."""
        if self.found is None or self.seen is None:
            return []
        return copies(self.run, self.found, self.seen, self.query_one(MaskPanel).cell())

    def on_resize(self) -> None:
        self._arrange()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "mask":
            return self.found is not None and len(self.found.seen) > 1
        return super().check_action(action, parameters)

    def action_mask(self, by: int) -> None:
        """To another mask; at the end of the list, say so."""
        listed = self.query_one(GroupsList)
        if listed.validate_cursor(listed.cursor + by) == listed.cursor:
            say_end(self, "mask", by)
        listed.cursor += by

    def action_told(self) -> None:
        """Where room is short, the account in place of the mask; else the keyboard goes there."""
        told = not self.has_class("-told")
        self.remove_class("-zoomed")
        self.set_class(told, "-told")
        self.screen.set_focus(self.query_one(Account if told else GroupsList))

    def action_zoom(self) -> None:
        self.remove_class("-told")
        self.toggle_class("-zoomed")
        self.screen.set_focus(self.query_one(MaskMap))

    def action_out(self) -> None:
        if self.query_one(GroupsList).has_focus and not self.has_class("-told"):
            raise SkipAction  # the screen may have been gone into from another
        self.remove_class("-zoomed", "-told")
        self.screen.set_focus(self.query_one(GroupsList))

    def _arrange(self) -> None:
        """Stack what there is no room for beside each other; the list of masks is as high as it has to be."""
        narrow = (self.size.width or self.app.size.width) < ROOM
        self.set_class(narrow, "-narrow")
        masks = 0 if self.found is None else len(self.found.seen)
        self.query_one("#groups").styles.height = min(masks, SHORT if narrow else TALL) + FRAME

    def look(self) -> None:
        self.run_worker(self._work(self.moment.step or 0, self.moment.row), group="masks", exclusive=True)

    async def _work(self, step: int, row: int) -> None:
        try:
            found = await Job("masks", lambda _: look(self.trace, step, row)).start().result()
        except Exception as error:  # a file of the trace that has gone: said in place of the masks
            self.post_message(self.Looked(None, f"The masks cannot be read: {error}"))
        else:
            self.post_message(self.Looked(found))

    def on_masks_tab_looked(self, event: MasksTab.Looked) -> None:
        event.stop()
        if leaving(self):
            return
        before, self.found = self.found, event.look
        nothing = event.error if event.look is None else event.look.nothing
        self.set_class(bool(nothing), "-nothing")
        self.query_one("#nothing", Static).update(visible(nothing))
        if event.look is not None:
            self.query_one("#where", Line).say(_where(event.look))
            self.query_one(WorstLine).show(event.look.checks)
            self._arrange()
            listed = self.query_one(GroupsList)
            listed.show(event.look.seen, event.look.first if before is None else listed.cursor)
        self.refresh_bindings()

    @on(GroupsList.Chosen)
    def _chosen(self, event: GroupsList.Chosen) -> None:
        event.stop()
        if self.found is None:
            return
        self.seen = self.found.seen[event.number]
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(REST, self._tell)  # the picture first: its account is laid out anew
        pane = self.query_one("#drawn", Pane)
        pane.border_title = Content(visible(f"{self.seen.label}: {self.seen.group.applied.pattern}"))
        self.query_one(MaskPanel).show(self.seen)

    def _tell(self) -> None:
        """Say what is known of the mask that is shown by now."""
        if self.seen is not None and self.found is not None:
            self.query_one(Account).show(self.seen.facts, self.found.checks)

    @on(GroupsList.Opened)
    def _opened(self, event: GroupsList.Opened) -> None:
        event.stop()
        self.remove_class("-told")
        self.screen.set_focus(self.query_one(MaskMap))


def _where(found: MaskLook) -> str:
    """Which step and row this is, and how the row is padded."""
    last = found.steps[-1] if found.steps else 0
    parts = [f"step {found.step} of 0–{last}, {found.kind}" if last else f"step 0, {found.kind}"]
    if found.rows > 1:
        parts.append(f"row {found.row} of 0–{found.rows - 1}")
    if found.padding is not None:
        sides = [f"{count:,} {side}" for side in ("left", "inside", "right") if (count := getattr(found.padding, side))]
        parts.append(f"padding: {', '.join(sides)}" if sides else "no padding")
    return " · ".join(parts)
