"""Tab 5 on tiny models: what it says, steps, runs, pauses, looks back; what becomes of it when one leaves."""

from __future__ import annotations

import asyncio

from textual.widgets import Input, Static

from inspector import Session
from inspector.tui.generate.start import StartScreen
from inspector.tui.generate.tab import Nothing
from inspector.tui.generate.until import UntilScreen
from inspector.tui.generate.view import LEAST, SHARE
from inspector.tui.widgets.generation.pipeline_table import PipelineTable
from inspector.tui.widgets.generation.step_strip import StepStrip
from tests.tui.apps import on_screen, opened, settled
from tests.tui.generate.conftest import Opened
from tests.tui.generate.driving import begun, fill, refused, state, tab, told
from tests.tui.widgets.screens import until


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
        await until(pilot, lambda: tab(pilot).at > 5)
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


async def test_a_run_from_the_beginning_is_followed(offering: Session, generating: Opened) -> None:
    async with generating(offering) as pilot:
        await pilot.press("c")
        await until(pilot, lambda: tab(pilot).at > 2)
        await until(pilot, lambda: not tab(pilot).driver.doing)
        assert tab(pilot).at == 19


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


async def test_what_cannot_begin_says_why(text: Session, generating: Opened) -> None:
    async with generating(text) as pilot:
        await pilot.press("N")
        screen = await on_screen(pilot, StartScreen)
        await fill(pilot, temperature="warm")
        await pilot.press("enter")
        assert "temperature is 'warm'; a number was expected." in str(screen.query_one("#state").content)
        await fill(pilot, temperature="", others="temprature=1")
        await refused(pilot, "There is no generation option 'temprature'")
        await pilot.press("escape")
        await settled(pilot)
        assert tab(pilot).query_one(Nothing).has_focus
        await pilot.press("n")
        await settled(pilot)
        assert len(tab(pilot).steps) == 1


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


async def test_the_tokens_take_the_lines_that_they_fill_and_no_more_than_their_share(
    text: Session, generating: Opened
) -> None:
    async with generating(text) as pilot:
        await begun(pilot, max_new_tokens="900", others="eos_token_id=none")
        pane, view = tab(pilot).query_one("#tokens"), tab(pilot).view
        assert pane.size.height + 2 == LEAST
        await pilot.press("c")
        await settled(pilot)
        assert pane.size.height + 2 == round(view.size.height * SHARE)
        await pilot.press("z")
        await pilot.pause()
        assert pane.size.height + 2 == view.size.height
        await pilot.press("escape")
        await pilot.pause()
        assert pane.size.height + 2 == round(view.size.height * SHARE)
