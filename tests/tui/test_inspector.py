"""The main screen: tabs, the filter, failures, and what can be done with a trace."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input, Static

from inspector.hookspecs import hookimpl
from inspector.parts import Tab
from inspector.plugins import Plugins
from inspector.trace import Trace
from inspector.tui.bars import Breadcrumb, HeaderLine, NoticeLine, TabLine
from inspector.tui.pages import Pages
from inspector.tui.screens.failure import FailureScreen
from inspector.tui.screens.forward import ForwardTab
from inspector.tui.screens.help import HelpScreen
from inspector.tui.screens.inspector import InspectorScreen
from inspector.tui.screens.menu import MenuScreen
from inspector.tui.screens.message import MessageScreen
from inspector.tui.screens.save import SaveScreen, suggest
from inspector.tui.widgets.calls_list import CallsList
from tests.traces import failing_trace, small_trace
from tests.tui.apps import Quiet, on_screen, opened, settled, text_of

WIDE, SMALL = (160, 50), (80, 24)


async def test_the_first_tab_shows_the_model_its_notices_and_the_first_call() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        await opened(pilot, small_trace())
        header = text_of(pilot, HeaderLine)
        assert header.startswith("demo:tiny-vl · 21.5 K parameters ")
        assert header.endswith(" cpu · float32 · sdpa")
        assert "stand-in" in text_of(pilot, NoticeLine)
        tabs = text_of(pilot, TabLine).split()
        assert (tabs[:6], tabs[-2:]) == (["1", "Forward", "2", "Tokens", "3", "Masks"], ["8", "Views"])
        assert "call 0 ·" in text_of(pilot, Breadcrumb)
        assert isinstance(pilot.app.focused, CallsList)


async def test_the_filter_narrows_the_list_that_has_the_focus() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        await opened(pilot, small_trace())
        await pilot.press("slash", *"self_attn")
        await settled(pilot)
        assert pilot.app.screen.query_one(CallsList).row_count == 3
        assert "3 of 20" in str(pilot.app.screen.query_one("#calls").border_subtitle)
        await pilot.press("enter")
        assert isinstance(pilot.app.focused, CallsList)
        await pilot.press("slash", "escape")
        await settled(pilot)
        assert pilot.app.screen.query_one(CallsList).row_count == 20


async def test_keys_that_are_typed_into_the_filter_are_text() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        await opened(pilot, small_trace())
        await pilot.press("slash", "q", "2", "s", "z")
        assert pilot.app.screen.query_one("#calls Input", Input).value == "q2sz"
        assert pilot.app.screen.query_one(TabLine).active == "forward"


async def test_number_keys_and_clicks_switch_tabs_and_the_focus_comes_back() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        await opened(pilot, small_trace())
        await pilot.press("enter")
        before = pilot.app.focused
        await pilot.press("2")
        assert pilot.app.screen.query_one(Pages).current == "tokens"
        assert pilot.app.focused is not before
        await pilot.press("8")
        await settled(pilot)
        assert pilot.app.screen.query_one(Pages).current == "views"
        await pilot.press("6")
        assert pilot.app.screen.query_one(Pages).current == "views"
        await pilot.click(TabLine, offset=(3, 0))
        assert pilot.app.screen.query_one(Pages).current == "forward"
        assert pilot.app.focused is before


async def test_a_failed_forward_opens_on_its_failure() -> None:
    trace = failing_trace()
    async with Quiet().run_test(size=SMALL) as pilot:
        await opened(pilot, trace)
        dialog = await on_screen(pilot, FailureScreen)
        text = dialog.query_one(Static).render().plain
        for words in (
            "mat1 and mat2",
            "language_model.layers.1.mlp",
            "modeling_tiny.py:88",
            "self.down",
            "f32[1,12,24]",
        ):
            assert words in text
        await pilot.press("enter")
        assert pilot.app.screen.query_one(ForwardTab).index == (trace.failure and trace.failure.call)
        assert pilot.app.screen.query_one(NoticeLine).has_class("-error")
        await pilot.press("f")
        await on_screen(pilot, FailureScreen)


async def test_copying_a_path_goes_to_the_clipboard() -> None:
    async with Quiet().run_test(size=SMALL) as pilot:
        await opened(pilot, small_trace())
        await pilot.press("j", "y")
        await on_screen(pilot, MenuScreen)
        await pilot.press("enter")
        await pilot.pause()
        assert pilot.app.clipboard == "visual"


async def test_a_trace_is_saved_and_opens_again(elsewhere: Path) -> None:
    async with Quiet().run_test(size=SMALL) as pilot:
        await opened(pilot, small_trace())
        await pilot.press("S")
        dialog = await on_screen(pilot, SaveScreen)
        assert dialog.query_one(Input).value == "tiny-vl.trace"
        await pilot.press("enter")
        await on_screen(pilot, InspectorScreen)
        await settled(pilot)
    assert len(Trace.open(elsewhere / "tiny-vl.trace").calls) == 20


async def test_saving_over_something_is_told_in_place(elsewhere: Path) -> None:
    (elsewhere / "tiny-vl.trace").mkdir()
    async with Quiet().run_test(size=SMALL) as pilot:
        await opened(pilot, small_trace())
        await pilot.press("S")
        dialog = await on_screen(pilot, SaveScreen)
        assert dialog.query_one(Input).value == "tiny-vl-2.trace"
        dialog.query_one(Input).value = "tiny-vl.trace"
        await pilot.press("enter")
        assert "exists" in str(dialog.query_one("#state", Static).content)
        await pilot.press("escape")
        assert isinstance(await on_screen(pilot, InspectorScreen), InspectorScreen)


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("preset:Qwen2.5-VL-7B", "Qwen2.5-VL-7B.trace"),
        ("Qwen/Qwen2.5-0.5B", "Qwen2.5-0.5B.trace"),
        ("/models/my model/", "my-model.trace"),
        ("C:\\models\\mine", "mine.trace"),
        ("/", "model.trace"),
    ],
)
def test_the_name_that_is_suggested_for_a_trace(reference: str, name: str) -> None:
    assert suggest(reference) == name


async def test_a_picture_is_saved_under_a_free_name(elsewhere: Path) -> None:
    (elsewhere / "inspector-1.svg").touch()
    async with Quiet().run_test(size=SMALL) as pilot:
        await opened(pilot, small_trace())
        await pilot.press("s")
        await pilot.pause()
    assert "demo:tiny-vl" in (elsewhere / "inspector-2.svg").read_text(encoding="utf-8").replace("&#160;", " ")


async def test_help_explains_the_pane_and_lists_its_keys() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        await opened(pilot, small_trace())
        await pilot.press("question_mark")
        dialog = await on_screen(pilot, HelpScreen)
        text = dialog.query_one(Static).render().plain
        assert "in the order in which the modules ran" in text
        for words in ("Calls list", "Fold or unfold", "Forward", "Everywhere", "Save the trace", "Program"):
            assert words in text
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, InspectorScreen)


@pytest.mark.parametrize("way", ["key", "click"])
async def test_notices_are_shown_in_full(way: str) -> None:
    async with Quiet().run_test(size=SMALL) as pilot:
        await opened(pilot, small_trace())
        await (pilot.press("i") if way == "key" else pilot.click(NoticeLine))  # type: ignore[func-returns-value]
        dialog = await on_screen(pilot, MessageScreen)
        assert "splits text into bytes" in dialog.query_one(Static).render().plain


class Tabs:
    """A plugin with two tabs, one of which raises."""

    @staticmethod
    @hookimpl
    def inspector_screens() -> list[Tab]:
        def broken(trace: Trace) -> Static:
            raise RuntimeError("no [bold]luck[/bold]")

        shown = Tab("count", "Count", lambda trace: Static(f"{len(trace.calls)} calls", markup=False))
        return [shown, Tab("broken", "Broken", broken)]


async def test_tabs_of_plugins_stand_beside_ours_and_one_that_raises_says_so() -> None:
    app = Quiet()
    app.library.plugins = Plugins(Tabs())
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, small_trace())
        assert "9 Count" in text_of(pilot, TabLine)
        await pilot.press("9")
        assert pilot.app.screen.query_one("#plugin-0", Static).render().plain == "20 calls"
        await pilot.press("0")
        shown = pilot.app.screen.query_one("#plugin-1", Static).render().plain
        assert shown == "The tab 'broken' could not be built: RuntimeError: no [bold]luck[/bold]"


async def test_a_trace_without_calls_opens() -> None:
    empty = Trace(small_trace().model)
    async with Quiet().run_test(size=SMALL) as pilot:
        await opened(pilot, empty)
        for key in ("j", "y", "p", "c", "[", "tab", "tab", "2", "8", "1", "slash"):
            await pilot.press(key)
        await settled(pilot)
        assert isinstance(pilot.app.screen, InspectorScreen)
