"""Tab 5: a generation of what the run was asked, or the one that a saved trace holds; the keys that go on from it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from inspector.errors import ForwardError
from inspector.trace.steps import Step
from inspector.tui.bars import InfoLine
from inspector.tui.generate import actions, asking, copying, looking, words
from inspector.tui.generate.bindings import BINDINGS
from inspector.tui.generate.driver import Driver
from inspector.tui.generate.moment import Moment, recorded
from inspector.tui.generate.moves import Changes
from inspector.tui.generate.view import GenerationView
from inspector.tui.messages import Advanced, Ended
from inspector.tui.opening import show_error
from inspector.tui.runs import Run
from inspector.tui.screens.menu import Choice
from inspector.tui.widgets.generation.branch_tree import BranchTree
from inspector.tui.widgets.generation.step_strip import StepStrip
from inspector.tui.widgets.generation.step_tokens import StepTokens

if TYPE_CHECKING:
    from inspector.trace import Trace
    from inspector.tui.app import InspectorApp
    from inspector.tui.screens.inspector import InspectorScreen

PICTURE = 0.1
"""Seconds between two looks at a run: it is to have the processor for itself."""

GLANCE = 0.5
"""The same while an earlier step is looked at: the keyboard comes first."""

TICK = 0.5
"""Seconds between two looks at a step that takes long."""


class Nothing(Static, can_focus=True):
    """Stands in the middle before there is anything to show, and takes the keys."""


class StateLine(InfoLine):
    """Which step is looked at, and what goes on."""

    said: reactive[tuple[Content, Content]] = reactive((Content(""), Content("")))

    def render(self) -> Content:
        return self.spread(*self.said)


class GenerateTab(Vertical):
    """Holds the generation of a run: `driver` makes it go on, the view shows where it stands.

    `lens` are settings through which every step is looked at, `followed` tokens that are followed through each. So many
    things that were asked for are `waiting` to be done.
    """

    DEFAULT_CSS = """
    GenerateTab {
        & Nothing { padding: 1 2; height: 1fr; }
    }
    """
    BINDING_GROUP_TITLE = "Generate"
    HELP = """The generation, step by step. On top the tokens, coloured by how sure the model was; below, for the token
under the cursor, the tokens at the top with their probability after each logits processor, from the model's own to the
one that was drawn from.

Nothing runs ahead of you: n makes a step, c runs, p pauses. Looking back with b or the arrows loses nothing, and n goes
forward again. t takes another token, e changes settings, B begins a branch: what comes after is a branch, and the steps
that were there stay. w shows what other settings would have made of this very step, without the model; W makes
the step anew with them. F goes to the model's calls of this step, and esc comes back.

v shows the generation under all tabs, at this step: there attention can be followed from each generated token to the
picture. It runs the steps again to record the model's calls; K, before the first step, records them on the way."""
    BINDINGS: ClassVar[list[BindingType]] = [*BINDINGS]

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run
        self.lens: Changes | None = None
        self.followed: list[int] = []
        self.condition = ""
        self.driver = Driver(self)
        self._since = monotonic()
        self._shown: Moment | None = None
        self._doing = ""
        self._painted = 0.0
        self._turn = asyncio.Lock()
        self.waiting = 0

    def compose(self) -> ComposeResult:
        yield Nothing(words.nothing_yet(self.run))
        yield GenerationView(id="steps")
        yield StateLine()

    def on_mount(self) -> None:
        if self.run.trace.generation is not None:
            self.driver.moment = recorded(self.run.trace.generation)
        for name in ("at", "row"):  # at once, for one paint with the rest
            self.watch(self.view, name, self._moved_to, init=False)
        self.set_interval(TICK, self._show_state)
        self.show()

    def on_unmount(self) -> None:
        self.driver.close()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "pause":
            return self.driver.running
        if action == "cancel":
            return bool(self.driver.doing)
        return action != "ask" or actions.leads_on(self, str(parameters[0]))

    @property
    def inspector(self) -> InspectorApp:
        """The program."""
        return cast("InspectorApp", self.app)

    @property
    def view(self) -> GenerationView:
        return self.query_one(GenerationView)

    @property
    def moment(self) -> Moment | None:
        return self.driver.moment

    def show(self) -> None:
        """Show where the generation stands now that something was done."""
        moment = self.moment
        empty = moment is None or not moment.steps
        self._show_nothing(nothing=empty)
        if moment is not None and not empty and moment is not self._shown:
            self._shown = moment
            self.view.show(moment)
        self._show_state()

    @property
    def at(self) -> int:
        """The step that is looked at, -1 where there is none."""
        return -1 if self.moment is None or not self.moment.steps else self.view.at

    @property
    def steps(self) -> Sequence[Step]:
        return () if self.moment is None else self.moment.steps

    @property
    def branches(self) -> list[str]:
        return [] if self.moment is None else list(self.moment.record.branches)

    def leave_lens(self) -> None:
        """Look at the record alone again."""
        self.lens, self.followed = None, []
        self.view.compare_with(None)
        self.view.follow({})

    @property
    def inspector_screen(self) -> InspectorScreen:
        """The screen that this tab is on."""
        return cast("InspectorScreen", self.screen)

    def show_within(self, trace: Trace, title: str, made: Sequence[str] = (), call: int | None = None) -> None:
        """Show a trace over this screen, with the Python that arrives at it; escape comes back."""
        from inspector.tui.screens.within import WithinScreen

        run = Run(trace, self.run.session, self.run.question, self.run.options, made=tuple(made))
        library = self.inspector.library
        self.app.push_screen(WithinScreen(run, lambda: library.views, library.tabs, title=title, call=call))

    def say(self, text: str, *, warn: bool = False) -> None:
        self.notify(text, severity="warning" if warn else "information", markup=False)

    def save(self, directory: Path) -> None:
        """Save the generation with all its branches."""
        self.follow(looking.save(self, directory))

    def copies(self) -> list[Choice]:
        """What there is to copy of the step that is looked at."""
        return copying.choices(self)

    def pause(self) -> None:
        """Something else wants the model."""
        self.driver.pause()

    def follow(self, steps: Coroutine[Any, Any, None]) -> None:
        """Let the generation do something, after what was asked for before; a run is paused for it."""
        self.driver.pause()
        self.run_worker(self._in_turn(steps), group="generation")

    def action_ask(self, name: str) -> None:
        """What a key asks for, by its name in `actions`. A key that is held asks for no more than is done."""
        if name in ("step", "run") and self.waiting > 1:
            return
        self.follow(actions.ACTIONS[name](self))

    def action_colour(self) -> None:
        self.run_worker(self._told(looking.colour(self)))

    def action_compare(self) -> None:
        self.run_worker(self._told(looking.compare(self)))

    def action_pause(self) -> None:
        self.driver.pause()

    def action_cancel(self) -> None:
        self.driver.cancel()

    @on(StepTokens.TokenChosen)
    def _token_chosen(self, event: StepTokens.TokenChosen) -> None:
        event.stop()
        self.follow(asking.take(self, event.token_id))

    @on(BranchTree.Chosen)
    def _branch_chosen(self, event: BranchTree.Chosen) -> None:
        event.stop()
        self.follow(looking.look_at_branch(self, event.name))

    @on(GenerationView.Moved)
    def _moved(self, event: GenerationView.Moved) -> None:
        event.stop()
        self._show_state()
        if self.lens or self.followed:
            self.run_worker(self._told(looking.look(self)), group="looking", exclusive=True)

    @on(GenerationView.WhatIfLeft)
    def _what_if_left(self, event: GenerationView.WhatIfLeft) -> None:
        event.stop()
        self.leave_lens()

    def on_advanced(self, event: Advanced) -> None:
        event.stop()
        moment, now = self.moment, monotonic()
        if now - self._painted < (PICTURE if self.view.follows else GLANCE):
            return
        self._painted = now
        if self.driver.running and moment is not None and moment.steps:
            self._show_nothing(nothing=False)
            self.view.grown(moment)
        self._show_state()

    def on_ended(self, event: Ended) -> None:
        event.stop()

    async def _in_turn(self, steps: Coroutine[Any, Any, None]) -> None:
        self.waiting += 1
        try:
            async with self._turn:
                await self._told(steps)
                if self.is_mounted:
                    self.show()
        finally:
            self.waiting -= 1

    async def _told(self, steps: Coroutine[Any, Any, None]) -> None:
        """What goes wrong becomes a message, and the generation stays."""
        try:
            await steps
        except ForwardError as error:
            self.show_within(error.trace, "The forward failed; the steps before are kept.")
        except Exception as error:  # a plugin's processor may raise anything, and the generation goes on
            await show_error(self.inspector, error, "The generation did not go on as asked")

    def _moved_to(self) -> None:
        if not self.view.follows:
            self.driver.give_way()
        self._show_state()

    def _show_state(self) -> None:
        if self._doing != self.driver.doing:
            self._doing, self._since = self.driver.doing, monotonic()
            self.refresh_bindings()
        moment = self.moment
        left = "" if moment is None else words.place(moment, self.view.at, self.view.row)
        right = words.state(self.driver, moment, monotonic() - self._since)
        self.query_one(StateLine).said = (Content(left), right)

    def _show_nothing(self, *, nothing: bool) -> None:
        """Show the steps, or what to press in their place, and keep the keyboard in what is shown."""
        words, view = self.query_one(Nothing), self.view
        if words.display == nothing and view.display != nothing:
            return
        words.display, view.display = nothing, not nothing
        focused = self.screen.focused
        if self.display and (focused is None or focused is words or view in focused.ancestors):
            self.screen.set_focus(words if nothing else view.query_one(StepStrip))
