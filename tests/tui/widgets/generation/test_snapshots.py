"""What shows the steps of a generation, all at once: small and large, dark and light, and without colours.

`pytest --snapshot-update` takes new pictures. The steps are written by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from inspector.tui.panes import Pane
from inspector.tui.theme import THEMES
from inspector.tui.widgets.generation.beam_tree import BeamTree
from inspector.tui.widgets.generation.branch_tree import BranchTree
from inspector.tui.widgets.generation.chances import Chances
from inspector.tui.widgets.generation.compare import BranchCompare, Side
from inspector.tui.widgets.generation.pipeline_table import PipelineTable
from inspector.tui.widgets.generation.step_facts import StepFacts
from inspector.tui.widgets.generation.step_strip import StepStrip
from tests.tui.widgets.generation.records import IDS, beam_steps, drafted, pipeline, record, row, step, steps

Compare = Callable[..., bool]

STEP = step(5, [row(IDS[" foam"], 9)])
WHAT_IF = pipeline(IDS[" foam"], 9, [("raw", {}), ("temperature", {"temperature": 1.4}), ("top_k", {"top_k": 50})])


def strip() -> StepStrip:
    made = StepStrip()
    made.steps = steps()
    made.look_at(20)
    return made


def table() -> PipelineTable:
    made = PipelineTable()
    made.step, made.other = STEP, WHAT_IF
    return made


def chances() -> Chances:
    made = Chances()
    made.step, made.other = STEP, WHAT_IF
    return made


def facts() -> StepFacts:
    made = StepFacts()
    made.step = drafted()
    return made


def branches() -> BranchTree:
    made = BranchTree()
    made.record = record()
    return made


def beams() -> BeamTree:
    made = BeamTree()
    made.steps = beam_steps()
    return made


def compare() -> BranchCompare:
    made, found = BranchCompare(), record()
    made.compare(Side("main", found.steps("main")), Side("branch 1", found.steps("branch 1")))
    return made


class Sheet(App[None]):
    """Some of the widgets in two columns."""

    CSS = "Screen { layout: grid; grid-size: 2; }"

    def __init__(self, theme: str, makers: Iterable[Callable[[], object]]) -> None:
        super().__init__()
        for known in THEMES:
            self.register_theme(known)
        self.theme = theme
        self._makers = makers

    def compose(self) -> ComposeResult:
        for make in self._makers:
            yield Pane(make.__name__, make())  # type: ignore[arg-type]


async def settled(pilot: Pilot[None]) -> None:
    await pilot.pause(0.1)


SHEETS = {"step": (strip, table, chances, facts), "tree": (strip, branches, beams, compare)}


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", [(80, 24), (160, 50)], ids=["80x24", "160x50"])
@pytest.mark.parametrize("sheet", SHEETS)
def test_widgets(snap_compare: Compare, sheet: str, size: tuple[int, int], theme: str) -> None:
    assert snap_compare(Sheet(f"inspector-{theme}", SHEETS[sheet]), terminal_size=size, run_before=settled)


@pytest.mark.parametrize("sheet", SHEETS)
def test_widgets_without_colours(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch, sheet: str) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(Sheet("inspector-dark", SHEETS[sheet]), terminal_size=(80, 24), run_before=settled)
