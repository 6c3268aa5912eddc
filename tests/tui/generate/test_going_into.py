"""Tab 5: branches, beams, batches and drafts; the way into a step and back, to a file and to the clipboard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from textual.widgets import Checkbox, Input

import inspector
from inspector import Session, Trace
from inspector.tui.generate.compare import CompareScreen
from inspector.tui.generate.force import ForceScreen
from inspector.tui.generate.naming import NameScreen
from inspector.tui.generate.start import StartScreen
from inspector.tui.generate.tab import Nothing
from inspector.tui.screens.attention import AttentionTab
from inspector.tui.screens.inspector import InspectorScreen
from inspector.tui.screens.menu import MenuScreen
from inspector.tui.screens.message import MessageScreen
from inspector.tui.screens.save import SaveScreen
from inspector.tui.screens.within import WithinScreen
from inspector.tui.widgets.generation.beam_tree import BeamTree
from inspector.tui.widgets.generation.step_facts import StepFacts
from tests.generation.test_equality import near_twin
from tests.tui.apps import on_screen, opened, settled
from tests.tui.generate.conftest import Opened
from tests.tui.generate.driving import begun, fill, refused, state, tab, told
from tests.tui.widgets.screens import until

WITHOUT_MODEL = {"generate.compare", "generate.colour"}
"""Keys of the tab that only look at what is recorded."""


async def test_branches_are_begun_named_renamed_looked_at_and_compared(text: Session, generating: Opened) -> None:
    async with generating(text) as pilot:
        await pilot.press("n", "n", "n", "n")
        await settled(pilot)
        await pilot.press("d")
        await settled(pilot)
        assert "There is one branch alone" in told(pilot)[-1]
        await pilot.press("b", "b", "B")
        screen = await on_screen(pilot, NameScreen)
        assert screen.query_one(Input).value == "branch 1"
        screen.query_one(Input).value = "main"
        await pilot.press("enter")
        assert "There is a branch 'main' already." in str(screen.query_one("#state").content)
        screen.query_one(Input).value = "other"
        await pilot.press("enter")
        await settled(pilot)
        assert (len(tab(pilot).steps), tab(pilot).branches) == (2, ["main", "other"])
        await pilot.press("R")
        screen = await on_screen(pilot, NameScreen)
        screen.query_one(Input).value = "another"
        await pilot.press("enter")
        await settled(pilot)
        assert tab(pilot).branches == ["main", "another"]
        await pilot.press("n", "t")
        await on_screen(pilot, ForceScreen)
        await pilot.press("B", "enter")
        await settled(pilot)
        await pilot.press("d")
        menu = await on_screen(pilot, MenuScreen)
        assert [choice.name for choice in menu._choices] == ["another", "main"]
        await pilot.press("down", "enter")
        await on_screen(pilot, CompareScreen)
        await pilot.press("enter")
        await settled(pilot)
        assert tab(pilot).at == 2
        await pilot.press("shift+tab", "g", "enter")
        await settled(pilot)
        assert tab(pilot).moment.branch == "main"  # type: ignore[union-attr]
        assert len(tab(pilot).steps) == 4


async def test_the_forward_of_a_step_is_gone_into_and_left(vision: Session, generating: Opened) -> None:
    async with generating(vision, "What is it?") as pilot:
        await pilot.press("n", "n")
        await settled(pilot)
        await pilot.press("F")
        screen = await on_screen(pilot, WithinScreen)
        assert screen.trace.calls[0].inputs["input.input_ids"].shape == (1, 1)
        assert "esc: back" in screen._notices()[0]
        assert "generation.trace_step(1)" in screen.run.made[-1]
        await pilot.press("escape", "escape", "escape")
        assert type(await on_screen(pilot, InspectorScreen)) is InspectorScreen
        assert tab(pilot).at == 1
        await pilot.press("F")
        await on_screen(pilot, WithinScreen)
        await pilot.press("5")
        assert type(await on_screen(pilot, InspectorScreen)) is InspectorScreen


async def test_a_generation_is_run_again_to_be_seen_under_all_tabs_where_one_stands(
    vision: Session, generating: Opened
) -> None:
    async with generating(vision, "What is it?") as pilot:
        await pilot.press("n", "n", "n")
        await settled(pilot)
        steps = list(tab(pilot).steps)
        await pilot.press("b", "v")
        screen = await on_screen(pilot, WithinScreen)
        await settled(pilot)
        assert screen.trace.generation is not None
        assert [step.rows for step in screen.trace.generation.steps()] == [step.rows for step in steps]
        index, _ = screen.selected()
        assert (screen.trace.calls[index].step, screen.trace.calls[index].path) == (1, "")
        assert "generation.trace_again(" in screen.run.made[-1]
        await pilot.press("4")
        await until(pilot, lambda: bool(screen.query(AttentionTab)) and screen.query_one(AttentionTab).sight)
        sight = screen.query_one(AttentionTab).sight
        assert sight is not None
        assert (sight.spot.step, sight.kernel.queries) == (1, 1)
        await pilot.press("5")
        assert type(await on_screen(pilot, InspectorScreen)) is InspectorScreen
        assert list(tab(pilot).steps) == steps


async def test_recorded_calls_are_gone_into_without_running_again(text: Session, generating: Opened) -> None:
    async with generating(text) as pilot:
        await pilot.press("N")
        screen = await on_screen(pilot, StartScreen)
        screen.query_one("#calls", Checkbox).value = True
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("n", "n")
        await settled(pilot)
        await pilot.press("b", "F")
        screen = await on_screen(pilot, WithinScreen)
        await settled(pilot)
        index, _ = screen.selected()
        assert (screen.trace.calls[index].step, screen.trace.calls[index].path) == (1, "")


async def test_beams_are_a_tree_and_are_looked_at_one_by_one(text: Session, generating: Opened) -> None:
    async with generating(text) as pilot:
        await begun(pilot, num_beams="3", max_new_tokens="4")
        await pilot.press("c")
        await settled(pilot)
        assert "beam 0 of 3" in state(pilot)
        assert tab(pilot).view.query_one(BeamTree).is_on_screen
        await pilot.press("full_stop")
        await settled(pilot)
        assert "beam 1 of 3" in state(pilot)
        await pilot.press("b", "b")
        await settled(pilot)
        assert tab(pilot).at == 1
        await pilot.press("F")
        assert "cannot be run again by itself" in (await on_screen(pilot, MessageScreen))._text


async def test_a_batch_is_looked_at_row_by_row(text: Session, generating: Opened) -> None:
    async with generating(text, "Hi", "Good morning, you", "Two") as pilot:
        await pilot.press("n", "n", "comma")
        await settled(pilot)
        assert "row 2 of 3" in state(pilot)
        await pilot.press("t")
        await on_screen(pilot, ForceScreen)
        await pilot.press("B", "enter")
        await settled(pilot)
        assert [row.chosen.forced for row in tab(pilot).steps[1].rows if row.chosen] == [False, False, True]
        assert "row 2 of 3" in state(pilot)


async def test_assisted_decoding_by_prompt_lookup_steps_too(text: Session, generating: Opened) -> None:
    async with generating(text, "abc abc abc") as pilot:
        await begun(pilot, others="prompt_lookup_num_tokens=3", max_new_tokens="6")
        await pilot.press("c")
        await settled(pilot)
        assert len(tab(pilot).steps) == 6
        assert "assisted generation" in state(pilot)
        await pilot.press("F")
        assert "calls=True" in (await on_screen(pilot, MessageScreen))._text


async def test_a_draft_model_is_loaded_drafts_and_is_told_of(text: Session, generating: Opened, tmp_path: Path) -> None:
    assistant = tmp_path / "assistant"
    near_twin(text).save_pretrained(assistant)
    assert text.processor.tokenizer is not None
    text.processor.tokenizer.save_pretrained(assistant)
    async with generating(text) as pilot:
        await pilot.press("N")
        await on_screen(pilot, StartScreen)
        await fill(pilot, draft=str(tmp_path / "nowhere"), max_new_tokens="6")
        await refused(pilot, "nowhere")
        await fill(pilot, draft=str(assistant))
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("c")
        await settled(pilot)
        assert "assisted generation" in state(pilot)
        drafts = [step.draft for step in tab(pilot).steps if step.draft is not None]
        assert drafts
        assert all(draft.accepted <= len(draft.drafted) for draft in drafts)
        facts = tab(pilot).view.query_one(StepFacts)
        await pilot.press("g")
        await settled(pilot)
        assert [fact.name for fact in facts._facts if fact.name in ("drafted", "  accepted", "  rejected")]
        expected = text.generate("Hi", max_new_tokens=6)
        expected.run()
        assert [step.text for step in tab(pilot).steps] == [step.text for step in expected.steps]


async def test_a_model_without_weights_offers_no_keys_that_lead_nowhere(text: Session, generating: Opened) -> None:
    shapes = inspector.load(text.reference, shape_only=True)
    async with generating(shapes) as pilot:
        assert "open without weights" in str(tab(pilot).query_one(Nothing).content)
        offered = {active.binding.id for active in pilot.app.screen.active_bindings.values() if active.enabled}
        assert not [id for id in offered if id and id.startswith("generate.") and id not in WITHOUT_MODEL]


async def test_a_generation_is_saved_opened_and_looked_at(text: Session, generating: Opened, elsewhere: Path) -> None:
    async with generating(text) as pilot:
        await pilot.press("n", "n", "n", "t")
        await on_screen(pilot, ForceScreen)
        await pilot.press("B", "enter")
        await settled(pilot)
        await pilot.press("S")
        screen = await on_screen(pilot, SaveScreen)
        screen.query_one(Input).value = "one.trace"
        await pilot.press("enter")
        await until(pilot, lambda: any("Saved" in words for words in told(pilot)))
        trace = Trace.open(elsewhere / "one.trace")
        assert list(trace.generation.branches) == ["main", "branch 1"]  # type: ignore[union-attr]
        await opened(pilot, trace, directory=elsewhere / "one.trace")
        assert tab(pilot).display
        assert len(tab(pilot).steps) == 3
        offered = {active.binding.id for active in pilot.app.screen.active_bindings.values()}
        assert {id for id in offered if id and id.startswith("generate.")} == {"generate.step", *WITHOUT_MODEL}
        assert "saved · r loads the model" in state(pilot)
        await pilot.press("b", "n", "n")
        await settled(pilot)
        assert tab(pilot).at == 2
        assert "r loads the model" in told(pilot)[-1]
        await pilot.press("shift+tab", "g", "enter")
        await settled(pilot)
        assert tab(pilot).moment.branch == "main"  # type: ignore[union-attr]


async def test_what_is_looked_at_is_copied(text: Session, generating: Opened) -> None:
    async with generating(text, "Hi") as pilot:
        await pilot.press("n", "n", "t")
        await on_screen(pilot, ForceScreen)
        await pilot.press("B", "enter")
        await settled(pilot)
        await pilot.press("y")
        menu = await on_screen(pilot, MenuScreen)
        offered = {choice.name: choice.text for choice in menu._choices}
        assert offered["token"] == "B"
        assert json.loads(offered["step"])["chosen"]["forced"]
        names: dict[str, Any] = {"inspector": type("Library", (), {"load": staticmethod(lambda reference: text)})}
        exec(offered["Python"].replace("import inspector\n", ""), names)  # the program, with the session at hand
        assert names["step"].text == "B"
        assert names["step"].index == 1
