"""Tab 5: other tokens, other settings and what-ifs, and what is said where they do not go."""

from __future__ import annotations

from typing import Any

import pytest
from textual.widgets import Checkbox, Input

from inspector import Session
from inspector.tui.generate.change import ChangeScreen
from inspector.tui.generate.force import ForceScreen
from inspector.tui.generate.naming import NameScreen
from inspector.tui.generate.start import StartScreen
from inspector.tui.screens.failure import FailureScreen
from inspector.tui.screens.message import MessageScreen
from inspector.tui.screens.within import WithinScreen
from inspector.tui.widgets.generation.pipeline_table import PipelineTable
from tests.tui.apps import on_screen, settled
from tests.tui.generate.conftest import Opened
from tests.tui.generate.driving import begun, changed, fill, refused, state, tab, told


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
        screen = await on_screen(pilot, ForceScreen)
        await pilot.press("number_sign", *"999999")
        await refused(pilot, "There is no token 999999; the vocabulary has 320")
        assert screen.query_one("#token", Input).value == "#999999"
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
        await changed(pilot, top_k="4")
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


@pytest.mark.parametrize("key", ["w", "e", "N"])
async def test_what_is_out_of_range_is_said_in_the_dialog_and_taken_once_it_is_mended(
    text: Session, generating: Opened, key: str
) -> None:
    async with generating(text) as pilot:
        await pilot.press("n")
        await settled(pilot)
        await pilot.press(key)
        screen = await on_screen(pilot, StartScreen if key == "N" else ChangeScreen)
        await fill(pilot, top_p="3", temperature="2")
        await refused(pilot, "top_p is 3.0, which is out of range: a number from 0 to 1 was expected.")
        await fill(pilot, top_p="0.5", temperature="0")
        await refused(pilot, "temperature (=0.0) has to be a strictly positive float")
        assert screen.query_one("#top_p", Input).value == "0.5"
        await fill(pilot, temperature="2")
        await pilot.press("enter")
        await settled(pilot)
        if key == "w":
            await pilot.press("W")
            await settled(pilot)
        await pilot.press("n")
        await settled(pilot)
        assert tab(pilot).steps[-1].processors["temperature"].parameters["temperature"] == 2.0
        assert len(tab(pilot).steps) == 2


async def test_settings_that_are_refused_leave_those_that_wait(text: Session, generating: Opened) -> None:
    async with generating(text) as pilot:
        await pilot.press("n")
        await settled(pilot)
        for values in ({"temperature": "2"}, {"temperature": "3"}):
            await changed(pilot, **values)
        await pilot.press("e")
        await on_screen(pilot, ChangeScreen)
        await fill(pilot, others="seed=soon")
        await refused(pilot, "seed is 'soon'; a whole number was expected.")
        await fill(pilot, others="", add="nothing", top_k="7")
        await refused(pilot, "No plugin offers a logits processor 'nothing'")
        await pilot.press("escape")
        await settled(pilot)
        assert "next: temperature = 3.0, do_sample = True" in state(pilot)


async def test_a_branch_begun_at_an_end_says_that_it_has_ended(text: Session, generating: Opened) -> None:
    async with generating(text) as pilot:
        await begun(pilot, max_new_tokens="3")
        await pilot.press("c")
        await settled(pilot)
        await pilot.press("B")
        await on_screen(pilot, NameScreen)
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("n")
        await settled(pilot)
        assert len(tab(pilot).steps) == 3
        assert told(pilot)[-1].startswith("branch 1 ended after 3 steps: max_length.")


async def test_a_processor_that_raises_is_told_and_left_out(offering: Session, generating: Opened) -> None:
    async with generating(offering) as pilot:
        await pilot.press("n", "n")
        await settled(pilot)
        await changed(pilot, add="broken length=0")
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


async def test_a_forward_that_fails_is_shown_where_it_failed_and_nothing_is_lost(
    text: Session, generating: Opened
) -> None:
    async with generating(text) as pilot:
        await pilot.press("n", "n")
        await settled(pilot)

        def fail(*_: Any) -> None:
            raise RuntimeError("[red] out of shapes")

        handle = text.model.model.layers[1].mlp.register_forward_pre_hook(fail)
        await pilot.press("n")
        await on_screen(pilot, FailureScreen)
        assert isinstance(pilot.app.screen_stack[-2], WithinScreen)
        handle.remove()
        await pilot.press("escape", "5")
        await settled(pilot)
        await pilot.press("n")
        await settled(pilot)
        assert len(tab(pilot).steps) == 3
