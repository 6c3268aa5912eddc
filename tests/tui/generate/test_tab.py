"""Tab 5 on tiny models: stepping, running, looking back, forcing, what-ifs, branches, and the way into a step."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Checkbox, Input, Static

from inspector import Session, Trace
from inspector.tui.generate.change import ChangeScreen
from inspector.tui.generate.compare import CompareScreen
from inspector.tui.generate.force import ForceScreen
from inspector.tui.generate.naming import NameScreen
from inspector.tui.generate.start import StartScreen
from inspector.tui.generate.tab import GenerateTab, Nothing, StateLine
from inspector.tui.generate.until import UntilScreen
from inspector.tui.screens.inspector import InspectorScreen
from inspector.tui.screens.menu import MenuScreen
from inspector.tui.screens.message import MessageScreen
from inspector.tui.screens.save import SaveScreen
from inspector.tui.screens.within import WithinScreen
from inspector.tui.widgets.generation.beam_tree import BeamTree
from inspector.tui.widgets.generation.pipeline_table import PipelineTable
from inspector.tui.widgets.generation.step_strip import StepStrip
from tests.tui.apps import ALL, on_screen, opened, settled
from tests.tui.generate.conftest import Opened


def tab(pilot: Pilot[None]) -> GenerateTab:
    return pilot.app.screen_stack[1].query_one(GenerateTab)


def state(pilot: Pilot[None]) -> str:
    return tab(pilot).query_one(StateLine).render().plain


def told(pilot: Pilot[None]) -> list[str]:
    return [notification.message for notification in pilot.app._notifications]


async def until(pilot: Pilot[None], holds: Callable[[], Any]) -> None:
    """Wait until something has come about. Fails when it does not."""
    for _ in range(ALL // 6):
        if holds():
            await pilot.pause()
            return
        await asyncio.sleep(0.02)
    raise AssertionError("It did not come about.")


async def fill(pilot: Pilot[None], **fields: str) -> None:
    for name, value in fields.items():
        pilot.app.screen.query_one(f"#{name}", Input).value = value
    await pilot.pause()


async def begun(pilot: Pilot[None], **fields: str) -> None:
    """Begin with what is typed into these fields."""
    await pilot.press("N")
    await on_screen(pilot, StartScreen)
    await fill(pilot, **fields)
    await pilot.press("enter")
    await settled(pilot)


async def test_the_tab_says_what_to_press_and_steps(text: Session, generating: Opened) -> None:
    async with generating(text, "Hi") as pilot:
        assert "Asked: “Hi”" in str(tab(pilot).query_one(Nothing).content)
        assert tab(pilot).query_one(Nothing).has_focus
        await pilot.press("n")
        await settled(pilot)
        assert isinstance(pilot.app.focused, StepStrip)
        await pilot.press("n", "n")
        await settled(pilot)
        assert (len(tab(pilot).steps), tab(pilot).at, tab(pilot).branches) == (3, 2, ["main"])
        assert "step 2 of 3" in state(pilot)
        assert "greedy search" in state(pilot)


async def test_looking_back_loses_nothing_and_a_step_goes_forward_again(text: Session, generating: Opened) -> None:
    async with generating(text) as pilot:
        await pilot.press("n", "n", "n")
        await settled(pilot)
        await pilot.press("b", "b")
        assert tab(pilot).at == 0
        assert tab(pilot).view.query_one(PipelineTable).step is tab(pilot).steps[0]
        await pilot.press("n", "n")
        await settled(pilot)
        assert (tab(pilot).at, len(tab(pilot).steps), tab(pilot).branches) == (2, 3, ["main"])


async def test_it_runs_to_the_end_and_says_so(text: Session, generating: Opened) -> None:
    async with generating(text) as pilot:
        await begun(pilot, max_new_tokens="7", seed="4")
        await pilot.press("c")
        await settled(pilot)
        assert len(tab(pilot).steps) == 7
        assert "ended: max_length" in state(pilot)
        assert "seed 4" in state(pilot)
        await pilot.press("n")
        await settled(pilot)
        assert "main ended after 7 steps: max_length." in told(pilot)[-1]


async def test_a_run_is_followed_paused_stopped_and_goes_on(offering: Session, generating: Opened) -> None:
    async with generating(offering) as pilot:
        await begun(pilot, max_new_tokens="3000", others="eos_token_id=none", processors="slow")
        await pilot.press("c")
        await until(pilot, lambda: len(tab(pilot).steps) > 5)
        assert "running" in state(pilot)
        await pilot.press("p")
        await until(pilot, lambda: not tab(pilot).driver.doing)
        count = len(tab(pilot).steps)
        await settled(pilot)
        assert (len(tab(pilot).steps), tab(pilot).at) == (count, count - 1)
        await pilot.press("c")
        await until(pilot, lambda: len(tab(pilot).steps) > count + 5)
        await pilot.press("b", "b", "x")
        await until(pilot, lambda: not tab(pilot).driver.doing)
        await pilot.press("n")
        await settled(pilot)
        assert tab(pilot).branches == ["main"]


async def test_looking_back_stays_there_while_it_runs(offering: Session, generating: Opened) -> None:
    async with generating(offering) as pilot:
        await begun(pilot, max_new_tokens="3000", others="eos_token_id=none", processors="slow")
        await pilot.press("n", "n", "c")
        await until(pilot, lambda: len(tab(pilot).steps) > 5)
        await pilot.press("g")
        assert tab(pilot).at == 0
        count = len(tab(pilot).steps)
        await until(pilot, lambda: len(tab(pilot).steps) > count + 5)
        assert tab(pilot).at == 0
        await pilot.press("p")
        await until(pilot, lambda: not tab(pilot).driver.doing)


async def test_it_runs_until_a_condition(text: Session, generating: Opened) -> None:
    async with generating(text) as pilot:
        await pilot.press("u")
        await on_screen(pilot, UntilScreen)
        pilot.app.screen.query_one(Input).value = "entropy>>1"
        await pilot.press("enter")
        assert "is no condition" in str(pilot.app.screen.query_one("#state", Static).content)
        pilot.app.screen.query_one(Input).value = "4"
        await pilot.press("enter")
        await settled(pilot)
        assert len(tab(pilot).steps) == 4
        await pilot.press("u")
        await on_screen(pilot, UntilScreen)
        pilot.app.screen.query_one(Input).value = "entropy>1e9"
        await pilot.press("enter")
        await settled(pilot)
        assert len(tab(pilot).steps) == 20
        assert told(pilot)[-1] == "entropy>1e9 was not met."


async def test_a_token_is_forced_typed_from_the_list_and_from_the_table(text: Session, generating: Opened) -> None:
    async with generating(text) as pilot:
        await pilot.press("n", "n", "n")
        await settled(pilot)
        await pilot.press("t")
        screen = await on_screen(pilot, ForceScreen)
        await pilot.press("B", "C", "enter")
        assert "is not one token for this model but 2: 'B' (66), 'C' (67)" in str(screen.query_one("#state").content)
        await pilot.press("backspace", "enter")
        await settled(pilot)
        assert tab(pilot).steps[2].text == "B"
        assert (tab(pilot).at, tab(pilot).branches) == (2, ["main", "branch 1"])
        await pilot.press("t", "down", "down", "enter")
        await settled(pilot)
        third = tab(pilot).steps[2].processors[-1].top[1]
        assert tab(pilot).steps[2].chosen.id == third.id  # type: ignore[union-attr]
        await pilot.press("tab", "down", "down", "enter")
        await settled(pilot)
        assert len(tab(pilot).branches) == 4


async def test_a_token_is_forced_as_the_next_one_and_by_its_id(text: Session, generating: Opened) -> None:
    async with generating(text) as pilot:
        await pilot.press("n")
        await settled(pilot)
        await pilot.press("t")
        screen = await on_screen(pilot, ForceScreen)
        screen.query_one(Checkbox).value = False
        await pilot.press("number_sign", "6", "8", "enter")
        await settled(pilot)
        assert [step.text for step in tab(pilot).steps][1:] == ["D"]
        assert tab(pilot).branches == ["main"]
        await pilot.press("t")
        await on_screen(pilot, ForceScreen)
        await pilot.press("number_sign", *"999999", "enter")
        assert "There is no token 999999" in (await on_screen(pilot, MessageScreen))._text
        await pilot.press("escape", "n")
        await settled(pilot)
        assert len(tab(pilot).steps) == 3


async def test_settings_change_from_the_next_step_on(text: Session, generating: Opened) -> None:
    async with generating(text) as pilot:
        await pilot.press("n", "n")
        await settled(pilot)
        await pilot.press("e")
        screen = await on_screen(pilot, ChangeScreen)
        await pilot.press("enter")
        assert "Nothing is to be otherwise" in str(screen.query_one("#state").content)
        await fill(pilot, temperature="0.5", top_k="4")
        assert screen.query_one("#do_sample", Checkbox).value
        await pilot.press("enter")
        await settled(pilot)
        assert "next: temperature = 0.5, top_k = 4, do_sample = True" in state(pilot)
        await pilot.press("backspace")
        await settled(pilot)
        assert "next:" not in state(pilot)
        await pilot.press("e")
        await on_screen(pilot, ChangeScreen)
        await fill(pilot, top_k="4")
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("n")
        await settled(pilot)
        assert tab(pilot).steps[2].processors.names == ["raw", "top_k"]


async def test_a_what_if_stands_beside_the_record_moves_along_and_is_adopted(text: Session, generating: Opened) -> None:
    async with generating(text) as pilot:
        await begun(pilot, temperature="0.7", top_k="5")
        await pilot.press("n", "n")
        await settled(pilot)
        await pilot.press("w")
        screen = await on_screen(pilot, ChangeScreen)
        boxes = [box for box in screen.query(Checkbox) if str(box.label) == "top_k"]
        boxes[0].value = False
        await pilot.press("enter")
        await settled(pilot)
        table = tab(pilot).view.query_one(PipelineTable)
        assert table.other is not None
        assert table.other.names == ["raw", "temperature"]
        before = table.other
        await pilot.press("b")
        await settled(pilot)
        assert table.other is not None
        assert table.other is not before
        await pilot.press("W")
        await settled(pilot)
        assert tab(pilot).steps[1].processors.names == ["raw", "temperature"]
        assert table.other is None
        assert tab(pilot).branches == ["main", "branch 1"]


async def test_escape_leaves_a_what_if_and_any_token_can_be_followed(text: Session, generating: Opened) -> None:
    async with generating(text) as pilot:
        await pilot.press("n", "n")
        await settled(pilot)
        await pilot.press("a")
        await on_screen(pilot, ForceScreen)
        await pilot.press("Z", "enter")
        await settled(pilot)
        table = tab(pilot).view.query_one(PipelineTable)
        assert list(table.asked) == [90]
        await pilot.press("b")
        await settled(pilot)
        assert list(table.asked) == [90]
        await pilot.press("escape")
        await settled(pilot)
        assert not table.asked


async def test_what_is_out_of_range_is_said_and_the_generation_goes_on(text: Session, generating: Opened) -> None:
    async with generating(text) as pilot:
        await pilot.press("n")
        await settled(pilot)
        await pilot.press("w")
        await on_screen(pilot, ChangeScreen)
        await fill(pilot, top_p="3")
        await pilot.press("enter")
        assert "top_p is 3, which is out of range" in (await on_screen(pilot, MessageScreen))._text
        await pilot.press("escape", "n")
        await settled(pilot)
        assert len(tab(pilot).steps) == 2


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
        await pilot.press("v")
        screen = await on_screen(pilot, WithinScreen)
        assert screen.trace.generation is not None
        await pilot.press("backspace")
        assert type(await on_screen(pilot, InspectorScreen)) is InspectorScreen


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


async def test_what_cannot_begin_says_why(text: Session, generating: Opened) -> None:
    async with generating(text) as pilot:
        await pilot.press("N")
        screen = await on_screen(pilot, StartScreen)
        await fill(pilot, temperature="warm")
        await pilot.press("enter")
        assert "temperature is 'warm'; a number was expected." in str(screen.query_one("#state").content)
        await fill(pilot, temperature="", others="temprature=1")
        await pilot.press("enter")
        assert "There is no generation option 'temprature'" in (await on_screen(pilot, MessageScreen))._text
        await pilot.press("escape")
        await settled(pilot)
        assert tab(pilot).query_one(Nothing).has_focus
        await pilot.press("n")
        await settled(pilot)
        assert len(tab(pilot).steps) == 1


async def test_a_processor_that_raises_is_told_and_left_out(offering: Session, generating: Opened) -> None:
    async with generating(offering) as pilot:
        await pilot.press("n", "n")
        await settled(pilot)
        await pilot.press("e")
        await on_screen(pilot, ChangeScreen)
        await fill(pilot, add="broken length=0")
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("n")
        assert "[red] by zero" in (await on_screen(pilot, MessageScreen))._text
        await pilot.press("escape")
        await settled(pilot)
        assert len(tab(pilot).steps) == 2
        await pilot.press("e")
        screen = await on_screen(pilot, ChangeScreen)
        box = next(box for box in screen.query(Checkbox) if str(box.label) == "broken")
        box.value = False
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("n")
        await settled(pilot)
        assert len(tab(pilot).steps) == 3


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


async def test_leaving_ends_the_generation(offering: Session, generating: Opened) -> None:
    async with generating(offering) as pilot:
        await begun(pilot, max_new_tokens="3000", others="eos_token_id=none", processors="slow")
        await pilot.press("c")
        await until(pilot, lambda: len(tab(pilot).steps) > 3)
        generation = tab(pilot).driver.generation
        assert generation is not None
        await opened(pilot, offering.trace("Hi"))
        await until(pilot, lambda: not any(job.alive for job in pilot.app.jobs))  # type: ignore[attr-defined]
        count = len(generation.steps)
        assert generation.tree.current.decoding.ended  # type: ignore[union-attr]
        await asyncio.sleep(0.05)
        assert len(generation.steps) == count


async def test_a_small_terminal_shows_the_tokens_and_one_pane(text: Session, generating: Opened) -> None:
    async with generating(text, size=(80, 24)) as pilot:
        await pilot.press("n", "n")
        await settled(pilot)
        view = tab(pilot).view
        for pane in ("pipeline", "chances", "facts", "branches", "tokens"):
            await pilot.press("tab")
            await pilot.pause()
            shown = [name for name in view.panes if view.query_one(f"#{name}").is_on_screen]
            assert shown == sorted({"tokens", pane if pane != "tokens" else "branches"}, key=view.panes.index)
        await pilot.press("z")
        await pilot.pause()
        assert not view.query_one("#lower").display
        await pilot.press("escape")
        await pilot.pause()
        assert view.query_one("#lower").display
