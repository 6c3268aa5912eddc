"""The panes of a generation: its tokens on top, the processors of one step, what is known of that step, the branches.

It shows a record and moves about in it; it cannot make a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from inspector.trace.stages import Stages
from inspector.trace.steps import Step, StepRow
from inspector.tui.generate.moment import Moment
from inspector.tui.panes import Pane
from inspector.tui.widgets.cells import visible
from inspector.tui.widgets.generation.beam_tree import BeamTree
from inspector.tui.widgets.generation.branch_tree import BranchTree
from inspector.tui.widgets.generation.chances import Chances
from inspector.tui.widgets.generation.pipeline import Asked
from inspector.tui.widgets.generation.pipeline_table import PipelineTable
from inspector.tui.widgets.generation.step_facts import StepFacts
from inspector.tui.widgets.generation.step_strip import StepStrip
from inspector.tui.widgets.generation.step_tokens import StepTokens

PANES = ("tokens", "pipeline", "chances", "facts", "beams", "branches")

WIDE = 130
"""Cells in which all panes can stand beside each other."""

LEAST, SHARE = 5, 2 / 7
"""Lines of the pane of tokens, at least, and how much of the height it takes at most."""


class GenerationView(Vertical):
    """Keeps its panes on one step (`at`) of one row. Where room is short one pane stands below the tokens."""

    DEFAULT_CSS = """
    GenerationView {
        & #lower { height: 1fr; }
        & #pipeline { width: 6fr; }
        & #chances { width: 3fr; }
        & #side { width: 3fr; }
        & #facts { height: 3fr; }
        & #beams { height: 3fr; }
        & #branches { height: 2fr; }
    }
    """
    BINDING_GROUP_TITLE = "Steps"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "back", "Back", id="steps.back", tooltip="Look at the step before; nothing is lost"),
        Binding("comma", "row(-1)", "Row before", id="steps.row_before", tooltip="The row or beam before", show=False),
        Binding("full_stop", "row(1)", "Next row", id="steps.row_after", tooltip="The next row or beam", show=False),
        Binding("m", "measure", "Scores", id="steps.measure", tooltip="Scores, or probabilities again", show=False),
        Binding("tab", "move(1)", "Next pane", id="steps.next_pane", tooltip="To the next pane", show=False),
        Binding("shift+tab", "move(-1)", "Pane before", id="steps.pane_before", tooltip="The pane before", show=False),
        Binding("z", "zoom", "Enlarge", id="steps.zoom", tooltip="Give the pane all the room", show=False),
        Binding("escape", "out", "Out", id="steps.out", tooltip="Out of a what-if, the zoom, or the pane", show=False),
    ]

    at: reactive[int] = reactive(-1, init=False, repaint=False)
    row: reactive[int] = reactive(0, init=False, repaint=False)
    zoomed: reactive[bool] = reactive(False, init=False, repaint=False)

    class Moved(Message):
        """Another step, or another row, is looked at."""

    class WhatIfLeft(Message):
        """The reader has seen enough of other settings."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.moment: Moment | None = None
        self._pane = "tokens"
        self._told = 0

    def compose(self) -> ComposeResult:
        yield Pane("Tokens", StepStrip(), id="tokens")
        with Horizontal(id="lower"):
            yield Pane("Processors", PipelineTable(), id="pipeline")
            yield Pane("Chances", Chances(), id="chances")
            with Vertical(id="side"):
                yield Pane("Step", StepFacts(), id="facts")
                yield Pane("Beams", BeamTree(), id="beams")
                yield Pane("Branches", BranchTree(), id="branches")

    @property
    def step(self) -> Step | None:
        """The step that is looked at."""
        steps = () if self.moment is None else self.moment.steps
        return steps[self.at] if 0 <= self.at < len(steps) else None

    @property
    def taken(self) -> StepRow | None:
        """What the row that is looked at did in that step."""
        step = self.step
        return None if step is None else step.rows[self.row_of_step]

    @property
    def row_of_step(self) -> int:
        """Which of the step's rows that is: in beam search what leads to a beam changes rows on its way."""
        return self.query_one(StepStrip).row_of(self.at)

    def show(self, moment: Moment) -> None:
        """Show a generation as it stands, on the step that it says."""
        self.moment = moment
        self.row = min(self.row, moment.rows - 1)
        self._tell_steps(moment)
        self.query_one(BranchTree).record = moment.record
        self._arrange()
        self.go(moment.at)

    def grown(self, moment: Moment) -> None:
        """There are more steps. Who looks at the last one goes along."""
        if self.moment is None or self.moment.steps is not moment.steps:
            self.show(replace(moment, at=len(moment.steps) - 1))
            return
        follows, self.moment = self.follows, moment
        self._tell_steps(moment)
        if follows:
            self.go(self._told - 1)

    @property
    def follows(self) -> bool:
        """Whether the last step is looked at, also when there are more."""
        return self.at >= self._told - 1

    def go(self, at: int) -> None:
        """Look at a step of the branch."""
        if self.at == at:
            self._show_step()
        self.at = at

    def compare_with(self, stages: Stages | None, words: str = "") -> None:
        """Show what other settings would have made of this step beside the record; None leaves it at that."""
        for widget in self._tables:
            widget.other = stages
        title = "Processors" if stages is None else f"Processors · what if {words}"
        self.query_one("#pipeline", Pane).border_title = Content(visible(title))

    def show_last_processors(self) -> None:
        """Scroll the processors to the last ones, where the effect of all is seen."""
        self.query_one(PipelineTable).action_sideways(99)

    @property
    def _tables(self) -> tuple[StepTokens, ...]:
        """What shows the tokens of the step."""
        return self.query_one(PipelineTable), self.query_one(Chances)

    @property
    def panes(self) -> list[str]:
        """The panes that there is something to show in; only a beam search has beams."""
        beams = self.moment is not None and self.moment.is_beam_search
        return [pane for pane in PANES if beams or pane != "beams"]

    @property
    def has_what_if(self) -> bool:
        """Whether anything is shown beside the record."""
        table = self.query_one(PipelineTable)
        return table.other is not None or bool(table.asked)

    def follow(self, asked: Mapping[int, Asked]) -> None:
        """Follow some tokens through the processors of this step, beside those of the tables."""
        for widget in self._tables:
            widget.asked = asked

    def colour_by(self, measure: str) -> None:
        self.query_one(StepStrip).colour = measure

    def watch_at(self) -> None:
        self.query_one(StepStrip).look_at(max(self.at, 0))
        self._show_step()

    def watch_row(self) -> None:
        self.query_one(StepStrip).row = self.row
        self._show_step()

    def watch_zoomed(self) -> None:
        self._arrange()

    def on_mount(self) -> None:
        self.watch(self.query_one(StepStrip), "virtual_size", self._fit_tokens, init=False)
        self._arrange()

    def on_resize(self) -> None:
        self._arrange()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._pane = next((node.id for node in event.widget.ancestors if node.id in PANES), self._pane)
        self._arrange()

    @on(BeamTree.Chosen)
    def _beam_chosen(self, event: BeamTree.Chosen) -> None:
        event.stop()
        self.row = self.row if event.row is None else event.row
        self.at = event.step

    @on(StepStrip.Chosen)
    def _chosen(self, event: StepStrip.Chosen) -> None:
        event.stop()
        self.at = event.step

    def action_back(self) -> None:
        if self.at > 0:
            self.at -= 1

    def action_row(self, by: int) -> None:
        rows = 1 if self.moment is None else self.moment.rows
        self.row = (self.row + by) % rows

    def action_measure(self) -> None:
        table = self.query_one(PipelineTable)
        table.measure = "score" if table.measure == "probability" else "probability"

    def action_move(self, by: int) -> None:
        panes = self.panes
        self._visit(panes[(panes.index(self._pane) + by) % len(panes)])

    def action_zoom(self) -> None:
        self.zoomed = not self.zoomed

    def action_out(self) -> None:
        if self.has_what_if:
            self.post_message(self.WhatIfLeft())
        elif self.zoomed:
            self.zoomed = False
        else:
            self._visit("tokens")

    def _tell_steps(self, moment: Moment) -> None:
        strip = self.query_one(StepStrip)
        strip.steps = moment.steps
        self._told = len(moment.steps)
        self.query_one("#tokens", Pane).count(self._told, self._told)
        if moment.is_beam_search:
            self.query_one(BeamTree).steps = moment.steps

    def _show_step(self) -> None:
        step, row = self.step, self.row_of_step
        self.query_one(BeamTree).at = self.at
        self.query_one(BranchTree).row = self.row
        for widget in self._tables:
            widget.other = None  # of another step
            widget.row, widget.step = row, step
        facts = self.query_one(StepFacts)
        facts.row, facts.step = row, step
        self.post_message(self.Moved())

    def _visit(self, pane: str) -> None:
        """Unfold a pane and put the keyboard into it."""
        self._pane = pane
        self._arrange()
        content = self.query_one(f"#{pane}", Pane).content
        self.screen.set_focus(next(node for node in _inside(content) if node.can_focus))

    def _arrange(self) -> None:
        """Display what there is room for: all panes, the tokens and one below, or one alone when zoomed."""
        wide, panes = (self.size.width or self.app.size.width) >= WIDE, self.panes
        seen = (pane for pane in panes[1:] if self.query_one(f"#{pane}").display)
        below = next(seen, panes[1]) if self._pane == "tokens" else self._pane
        shown = {self._pane} if self.zoomed else set(panes) if wide else {"tokens", below}
        for pane in PANES:
            self.query_one(f"#{pane}").display = pane in shown
        self.query_one("#lower").display = bool(shown - {"tokens"})
        self.query_one("#side").display = bool(shown & {"facts", "beams", "branches"})
        self._fit_tokens()

    def _fit_tokens(self) -> None:
        """Give the tokens the lines that they fill; the rest is for what is below."""
        lines = self.query_one(StepStrip).virtual_size.height + 2  # with the border
        most = max(LEAST, round((self.size.height or self.app.size.height) * SHARE))
        self.query_one("#tokens").styles.height = "1fr" if self.zoomed else max(LEAST, min(lines, most))


def _inside(widget: Widget) -> list[Widget]:
    return list(widget.walk_children(Widget, with_self=True))
