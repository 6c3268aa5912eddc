from __future__ import annotations

import threading
from collections.abc import Sequence

from textual.pilot import Pilot
from textual.widgets import Checkbox, Input, Static

from inspector.errors import InputError
from inspector.parts import Column, Part, Table, Text, View
from inspector.trace import Trace
from inspector.tui.widgets.parts import PartBox
from inspector.tui.widgets.table_list import TableList
from inspector.tui.widgets.view_options import OptionLine, ViewOptions
from inspector.tui.widgets.views_list import ViewsList
from inspector.tui.widgets.views_pane import ViewsPane
from inspector.views import BUILT_IN
from tests.traces import small_trace
from tests.tui.widgets.screens import shown, text, until


def echo(trace: Trace, *, word: str = "nothing", loud: str = "") -> Sequence[Part]:
    if word == "bad":
        raise InputError("There is no bad word. Choose another.")
    if word == "crash":
        raise RuntimeError("[red]oh no")
    return [] if word == "empty" else [Text("Echo", f"{word}{'!' if loud else ''} {len(trace.calls)}")]


ECHO = View("echo", "Says it again", echo, {"word": "What to say", "loud": "Loudly"}, frozenset({"loud"}))


async def chosen(pilot: Pilot[None], *views: View) -> ViewsPane:
    pane = pilot.app.query_one(ViewsPane)
    pane.trace = small_trace()
    pane.views = {view.name: view for view in views}
    await settled(pilot)
    return pane


async def settled(pilot: Pilot[None]) -> None:
    await pilot.pause(0.05)
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


def message(pane: ViewsPane) -> str:
    found = pane.query_one("#message", Static)
    return "\n".join(text(found)).strip() if found.display else ""


async def test_every_built_in_view_shows() -> None:
    async with shown(ViewsPane(), (120, 40)) as pilot:
        pane = await chosen(pilot, *BUILT_IN.values())
        views = pane.query_one(ViewsList)
        views.focus()
        for name in BUILT_IN:
            assert pane.view is not None
            assert pane.view.name == name
            assert bool(pane.query(PartBox)) == (name != "tensor")
            await pilot.press("j")
            await settled(pilot)


async def test_options_are_typed_and_ticked() -> None:
    async with shown(ViewsPane(), (120, 40)) as pilot:
        pane = await chosen(pilot, ECHO)
        assert "nothing 20" in "\n".join(text(pane))
        pane.query_one(Input).focus()
        await pilot.press("h", "i", "enter")
        await settled(pilot)
        assert "hi 20" in "\n".join(text(pane))
        pane.query_one(Checkbox).value = True
        await settled(pilot)
        assert pane.options == {"word": "hi", "loud": "yes"}
        assert "hi! 20" in "\n".join(text(pane))


async def test_it_shows_again_once_the_keys_rest() -> None:
    async with shown(ViewsPane(), (120, 40)) as pilot:
        pane = await chosen(pilot, ECHO)
        pane.query_one(Input).focus()
        await pilot.press("h", "i")
        await until(pilot, lambda: "hi 20" in "\n".join(text(pane)))


async def test_a_wrong_option_is_a_message() -> None:
    async with shown(ViewsPane(), (120, 40)) as pilot:
        pane = await chosen(pilot, ECHO)
        pane.query_one(Input).value = "bad"
        await until(pilot, lambda: message(pane) == "There is no bad word. Choose another.")
        assert not pane.query(PartBox)


async def test_a_view_that_raises_harms_nobody() -> None:
    async with shown(ViewsPane(), (120, 40)) as pilot:
        pane = await chosen(pilot, ECHO)
        pane.query_one(Input).value = "crash"
        await until(pilot, lambda: message(pane) == "The view 'echo' failed: RuntimeError: [red]oh no")
        pane.query_one(Input).value = "empty"
        await until(pilot, lambda: message(pane).startswith("This view has nothing to show"))


async def test_a_slow_view_is_left_behind() -> None:
    allowed = threading.Event()

    def wait(trace: Trace) -> Sequence[Part]:
        allowed.wait(5)
        return [Text("Slow", "too late")]

    async with shown(ViewsPane(), (120, 40)) as pilot:
        pane = pilot.app.query_one(ViewsPane)
        pane.trace = small_trace()
        pane.views = {"slow": View("slow", "Takes its time", wait), "echo": ECHO}
        pane.query_one(ViewsList).focus()
        await pilot.pause(0.05)
        await pilot.press("j")
        await settled(pilot)
        allowed.set()
        await pilot.pause(0.1)
        assert [box.part.title for box in pane.query(PartBox)] == ["Echo"]


async def test_a_slow_view_is_said_to_be_worked_out() -> None:
    allowed = threading.Event()

    def wait(trace: Trace) -> Sequence[Part]:
        allowed.wait(5)
        return [Text("Slow", "there at last")]

    async with shown(ViewsPane(), (120, 40)) as pilot:
        pane = await chosen(pilot, ECHO, View("slow", "Takes its time", wait))
        pane.query_one(ViewsList).focus()
        await pilot.press("j", "enter")
        await until(pilot, lambda: message(pane) == "Working out slow …")
        assert not pane.query(PartBox)
        allowed.set()
        await until(pilot, lambda: "there at last" in "\n".join(text(pane)))
        assert message(pane) == ""
        assert pane.query_one("#parts TextView").has_focus


async def test_options_start_with_what_is_selected_elsewhere() -> None:
    async with shown(ViewsPane(), (120, 40)) as pilot:
        pane = pilot.app.query_one(ViewsPane)
        pane.defaults = {"call": "6", "port": "output"}
        await chosen(pilot, BUILT_IN["tensor"])
        assert {line.option: line.value for line in pane.query(OptionLine) if line.value} == pane.defaults
        assert len(pane.query(PartBox)) > 2


async def test_going_in_and_out() -> None:
    async with shown(ViewsPane(), (120, 40)) as pilot:
        pane = await chosen(pilot, BUILT_IN["calls"])
        pane.query_one(ViewsList).focus()
        await pilot.press("enter")
        assert pane.query_one("#parts TableList").has_focus
        await pilot.press("escape")
        assert pane.query_one(ViewsList).has_focus


async def test_filter_narrows_what_is_shown_and_what_follows() -> None:
    async with shown(ViewsPane(), (120, 40)) as pilot:
        pane = await chosen(pilot, BUILT_IN["calls"], BUILT_IN["modules"])
        pane.filter("self_attn")
        await settled(pilot)
        assert pane.query_one(TableList).row_count == 3
        pane.query_one(ViewsList).focus()
        await pilot.press("j")
        await settled(pilot)
        assert "self_attn" in "\n".join(text(pane))
        assert "lm_head" not in "\n".join(text(pane))


def long(trace: Trace, *, line: str = "") -> Sequence[Part]:
    rows = [(number, "x" if str(number) == line else "") for number in range(12)]
    return [Table(f"Table {name}", (Column("n"), Column("x")), rows if name == "c" else rows[:3]) for name in "abcd"]


LONG = View("long", "Four tables", long, {"line": "The line to be marked"})


async def test_what_an_option_changed_is_brought_into_sight() -> None:
    async with shown(ViewsPane(), (80, 18)) as pilot:
        pane = await chosen(pilot, LONG, ECHO)
        pane.query_one(ViewsList).focus()
        assert not pane.query_one(ViewOptions).display
        await pilot.press("enter")
        assert pane.query_one("#parts TableList").has_focus
        assert not pane.query_one(ViewsList).display
        await pilot.press("e", "4", "enter")
        await settled(pilot)
        assert not pane.query_one(ViewOptions).display
        lines = text(pane)
        assert lines[0].strip() == "long · line 4 · Four tables"
        assert next(line for line in lines[1:] if line) == "Table c"
        await pilot.press("escape")
        assert pane.query_one(ViewsList).has_focus


async def test_a_wrong_option_stays_under_the_keyboard() -> None:
    async with shown(ViewsPane(), (80, 24)) as pilot:
        pane = await chosen(pilot, ECHO)
        pane.query_one(ViewsList).focus()
        await pilot.press("e", *"bad", "enter")
        await until(pilot, lambda: message(pane) == "There is no bad word. Choose another.")
        assert pane.query_one(Input).has_focus
        await pilot.press("escape")
        assert not pane.query_one(ViewOptions).display


async def test_the_room_of_the_list_is_the_views_when_enlarged() -> None:
    async with shown(ViewsPane(), (120, 40)) as pilot:
        pane = await chosen(pilot, BUILT_IN["calls"], ECHO)
        pane.query_one(ViewsList).focus()
        await pilot.press("z")
        await pilot.pause()
        assert not pane.query_one(ViewsList).display
        assert text(pane)[0].strip().startswith("calls · Every call")
        assert pane.query_one("#parts TableList").has_focus
        await pilot.press("escape")
        assert pane.query_one(ViewsList).display
        await pilot.press("escape")
        assert pane.query_one(ViewsList).has_focus


async def test_a_view_is_gone_into_with_options() -> None:
    async with shown(ViewsPane(), (120, 40)) as pilot:
        pane = await chosen(pilot, ECHO, LONG)
        pane.defaults = {"word": "elsewhere"}
        for given in ({"word": "this", "line": "unknown to it"}, {"word": "that", "loud": "yes"}):
            assert pane.choose("echo", given)
            await settled(pilot)
            assert pane.options == {name: value for name, value in given.items() if name != "line"}
        assert "that! 20" in "\n".join(text(pane))
        assert pane.query_one("#parts TextView").has_focus
        assert not pane.choose("nothing")


async def test_narrow() -> None:
    async with shown(ViewsPane(), (80, 24)) as pilot:
        pane = await chosen(pilot, *BUILT_IN.values())
        assert "TinyVLForConditionalGeneration" in "\n".join(text(pane))
