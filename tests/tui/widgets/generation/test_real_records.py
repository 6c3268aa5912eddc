"""Every mode of decoding on a tiny real model: its records are shown, step by step and row by row."""

from __future__ import annotations

from typing import Any

import pytest
from textual.app import App, ComposeResult

import inspector
from inspector import Session
from inspector.tui.widgets.generation.beam_tree import BeamTree
from inspector.tui.widgets.generation.branch_tree import BranchTree
from inspector.tui.widgets.generation.chances import Chances
from inspector.tui.widgets.generation.compare import BranchCompare, Side
from inspector.tui.widgets.generation.pipeline import Asked
from inspector.tui.widgets.generation.pipeline_table import PipelineTable
from inspector.tui.widgets.generation.step_facts import StepFacts
from inspector.tui.widgets.generation.step_strip import StepStrip
from tests.fakes import save_tiny
from tests.generation.conftest import inputs_of
from tests.tui.widgets.screens import text

SAMPLING = {"do_sample": True, "temperature": 0.7, "top_k": 20, "top_p": 0.9, "repetition_penalty": 1.2}
MODES: dict[str, tuple[int, dict[str, Any]]] = {
    "greedy": (1, {}),
    "sample": (1, SAMPLING),
    "batch": (3, SAMPLING),
    "beams": (1, {"num_beams": 4}),
    "assisted": (1, {"prompt_lookup_num_tokens": 3}),
}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return inspector.load(save_tiny("qwen2", tmp_path_factory.mktemp("models") / "qwen2"))


class Everything(App[None]):
    """All the widgets of a step."""

    def compose(self) -> ComposeResult:
        yield StepStrip()
        for kind in (PipelineTable, Chances, StepFacts):
            yield kind()


class Trees(App[None]):
    """All the widgets of a generation as a whole."""

    def compose(self) -> ComposeResult:
        yield BranchTree()
        yield BeamTree()
        yield BranchCompare()


@pytest.mark.parametrize("mode", MODES)
async def test_every_step_of_every_row(session: Session, mode: str) -> None:
    rows, options = MODES[mode]
    generation = session.generate(inputs=inputs_of(session, rows), seed=3, max_new_tokens=8, **options)
    async with Everything().run_test(size=(120, 60)) as pilot:
        strip = pilot.app.query_one(StepStrip)
        for _ in generation:
            strip.steps = generation.steps
            assert strip.cursor == len(generation.steps) - 1
        for step in generation.steps:
            for row in range(len(step.rows)):
                strip.row = row
                strip.look_at(step.index)
                for kind in (PipelineTable, Chances, StepFacts):
                    widget = pilot.app.query_one(kind)
                    widget.row, widget.step = row, step
                await pilot.pause()
                assert "stopping" in "\n".join(text(pilot.app.query_one(StepFacts)))
                chosen = step.rows[row].chosen
                assert (
                    chosen is None or step.rows[row].ended or "◂" in "\n".join(text(pilot.app.query_one(PipelineTable)))
                )


async def test_a_what_if_and_a_token_that_is_asked_for(session: Session) -> None:
    generation = session.generate(inputs=inputs_of(session, 1), seed=3, max_new_tokens=3, **SAMPLING)
    generation.run()
    async with Everything().run_test(size=(160, 60)) as pilot:
        table = pilot.app.query_one(PipelineTable)
        table.step = generation.steps[-1]
        table.asked = {5: Asked("five", generation.standing(5))}
        table.other = generation.what_if(temperature=2.0, off=["repetition_penalty"])
        await pilot.pause()
        shown = "\n".join(text(table))
        assert "0.7 → 2.0" in shown
        assert "1.2 → off" in shown
        assert "five" in shown


async def test_branches_and_beams(session: Session) -> None:
    generation = session.generate(inputs=inputs_of(session, 1), seed=3, max_new_tokens=6, **SAMPLING)
    generation.run()
    generation.branch(2, "other")
    generation.force(generation.steps[2].processors[-1].top[0].id)
    generation.run()
    beams = session.generate(inputs=inputs_of(session, 1), seed=3, max_new_tokens=6, num_beams=3)
    beams.run()
    async with Trees().run_test(size=(120, 60)) as pilot:
        record = generation.record()
        pilot.app.query_one(BranchTree).record = record
        pilot.app.query_one(BeamTree).steps = beams.steps
        sides = [Side(name, record.steps(name)) for name in record.branches]
        pilot.app.query_one(BranchCompare).compare(*sides)
        await pilot.pause()
        assert "forced" in "\n".join(text(pilot.app.query_one(BranchTree)))
        assert "max_length" in "\n".join(text(pilot.app.query_one(BeamTree)))
        assert pilot.app.query_one(BranchCompare).first in (None, 3, 4, 5)
