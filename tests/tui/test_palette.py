"""The command palette: every action, and the way to any module or call."""

from __future__ import annotations

from textual.command import CommandPalette
from textual.content import Content

from inspector.trace import Trace
from inspector.tui.palette import Actions, Places, commands
from inspector.tui.places import first_call, search
from inspector.tui.screens.forward import ForwardTab
from tests.traces import big_trace, small_trace
from tests.tui.apps import Quiet, opened, settled


async def test_it_offers_the_actions_of_screen_widgets_and_program() -> None:
    async with Quiet().run_test(size=(160, 50)) as pilot:
        await opened(pilot, small_trace())
        offered = {command.binding.id for command in commands(pilot.app.screen)}
    assert {
        "trace.save",
        "trace.copy",
        "forward.zoom",
        "fold.toggle",
        "tensor.axes",
        "app.quit",
        "tab.tokens",
    } <= offered
    assert "trace.failure" not in offered
    assert "tab.plugin_1" not in offered


async def test_an_action_of_a_widget_runs_there() -> None:
    async with Quiet().run_test(size=(160, 50)) as pilot:
        await opened(pilot, small_trace())
        await pilot.press("ctrl+p", *"enlarge")
        await settled(pilot)
        assert isinstance(pilot.app.screen, CommandPalette)
        await pilot.press("enter")
        await settled(pilot)
        assert pilot.app.screen.query_one(ForwardTab).zoomed


async def test_a_module_is_found_by_words_of_its_path_and_gone_to() -> None:
    trace = small_trace()
    async with Quiet().run_test(size=(160, 50)) as pilot:
        await opened(pilot, trace)
        await pilot.press("2", "ctrl+p", *"layers.2 attn")
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert pilot.app.screen.query_one(ForwardTab).index == trace.call("language_model.layers.2.self_attn").index


async def test_themes_are_chosen_and_remembered() -> None:
    async with Quiet().run_test(size=(80, 24)) as pilot:
        await opened(pilot, small_trace(values=False))
        await pilot.press("ctrl+p", *"theme: light")
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert pilot.app.theme == "inspector-light"
    assert Quiet().theme == "inspector-light"


async def test_help_texts_are_no_markup() -> None:
    async with Quiet().run_test(size=(160, 50)) as pilot:
        await opened(pilot, small_trace(values=False))
        screen = pilot.app.screen
        texts = [Content.from_markup(hit.help or "").plain async for hit in Actions(screen).discover()]
        assert any(text.startswith("[ ") for text in texts)
        found = [hit async for hit in Places(screen).search("visual")]
        assert found


def test_a_number_leads_to_that_call() -> None:
    assert next(iter(search(small_trace(values=False), "7"))) == ("call 7 · language_model.layers.0.norm", 7)


def test_a_search_is_cut_off() -> None:
    trace = big_trace(700)
    modules = [type(small_trace().modules[0])(path, "Linear", None, 0, 0) for path in trace._by_path]
    assert len(list(search(Trace(trace.model, modules=modules, calls=trace.calls), "layers"))) == 30


def test_the_first_call_of_what_is_only_a_container_is_that_of_its_first_part() -> None:
    trace = small_trace(values=False)
    assert first_call(trace, "language_model.layers") == trace.call("language_model.layers.0").index
    assert first_call(trace, "unused_head") is None
