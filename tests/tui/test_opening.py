"""From a reference to a trace on the screen, with a real tiny model: what is asked, what is shown, what goes wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, Static

from inspector.models import recent
from inspector.models.inputs import Request
from inspector.tui.app import InspectorApp
from inspector.tui.screens.ask import AskScreen
from inspector.tui.screens.failure import FailureScreen
from inspector.tui.screens.inspector import InspectorScreen
from inspector.tui.screens.launcher import LauncherScreen
from inspector.tui.screens.message import MessageScreen
from inspector.tui.screens.opening import OpeningScreen
from inspector.tui.screens.progress import ProgressScreen
from tests.fakes import picture, save_tiny
from tests.traces import small_trace
from tests.tui.apps import Quiet, on_screen, settled

SIZE = (160, 50)
HELLO = Request(("hello",))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text model and an image-text model, `text` and `vision`; `failing` has rotary sections that do not fit."""
    folder = tmp_path_factory.mktemp("models")
    save_tiny("qwen2", folder / "text")
    save_tiny("qwen2_5_vl", folder / "vision")
    failing = save_tiny("qwen2_5_vl", folder / "failing")
    config = json.loads((failing / "config.json").read_text())
    config["text_config"]["rope_parameters"]["mrope_section"] = [2, 3, 4]
    (failing / "config.json").write_text(json.dumps(config))
    picture().save(folder / "picture.png")
    picture(4, 4).save(folder / "small.png")
    return folder


def text(screen: Any) -> str:
    found: str = screen.query_one(Static).render().plain
    return found


async def test_a_model_with_a_request_goes_straight_to_the_forward(tiny: Path) -> None:
    app = InspectorApp(str(tiny / "vision"), Request(("What?",), (tiny / "picture.png",)))
    async with app.run_test(size=SIZE) as pilot:
        screen = await on_screen(pilot, InspectorScreen)
        trace = screen.trace
        assert trace.calls[0].class_name == "Qwen2_5_VLForConditionalGeneration"
        assert any(token.kind == "image" for token in trace.tokens[0])
        assert trace.calls[-1].outputs["output"].value is not None
        assert trace.calls[-1].outputs["output"].stats is not None
    assert recent()[0] == str((tiny / "vision").resolve())


async def test_options_reach_the_library(tiny: Path) -> None:
    from inspector.models import Options

    app = InspectorApp(str(tiny / "text"), HELLO, Options(attention="eager"), stats=False, values=(), budget=10**6)
    async with app.run_test(size=SIZE) as pilot:
        screen = await on_screen(pilot, InspectorScreen)
        assert screen.trace.model.attention == "eager"
        assert screen.trace.calls[-1].outputs["output"].value is None
        assert screen.trace.calls[-1].outputs["output"].stats is None


async def test_a_model_without_a_request_is_asked_while_it_loads(tiny: Path) -> None:
    async with InspectorApp(str(tiny / "text")).run_test(size=SIZE) as pilot:
        await on_screen(pilot, AskScreen)
        await pilot.press(*"hi", "enter")
        screen = await on_screen(pilot, InspectorScreen)
        assert "hi" in screen.trace.texts[0]
    async with InspectorApp(str(tiny / "text")).run_test(size=SIZE) as pilot:
        screen = await on_screen(pilot, AskScreen)
        assert screen.query_one("#prompt", Input).value == "hi"


async def test_going_back_from_the_question_leads_to_the_launcher(tiny: Path) -> None:
    app = InspectorApp(str(tiny / "text"))
    async with app.run_test(size=SIZE) as pilot:
        await on_screen(pilot, AskScreen)
        await pilot.press("escape")
        await on_screen(pilot, LauncherScreen)
    assert all(job.cancelled.is_set() for job in app.jobs)


async def test_asking_again_uses_the_loaded_model(tiny: Path) -> None:
    async with InspectorApp(str(tiny / "text"), HELLO).run_test(size=SIZE) as pilot:
        first = await on_screen(pilot, InspectorScreen)
        await pilot.press("r")
        ask = await on_screen(pilot, AskScreen)
        assert ask.query_one("#prompt", Input).value == "hello"
        await pilot.press(*" world", "enter")
        while (again := await on_screen(pilot, InspectorScreen)) is first:
            await pilot.pause(0.02)
        assert "hello world" in again.trace.texts[0]
        assert again.run.session is first.run.session


async def test_inputs_that_do_not_fit_are_a_message_that_leads_back_to_the_question(tiny: Path) -> None:
    app = InspectorApp(str(tiny / "text"), Request(("What?",), (tiny / "picture.png",)))
    async with app.run_test(size=SIZE) as pilot:
        message = await on_screen(pilot, MessageScreen)
        assert "picture" in text(message)
        await pilot.press("enter")
        ask = await on_screen(pilot, AskScreen)
        assert ask.query_one("#images", Input).value.endswith("picture.png")
        ask.query_one("#images", Input).value = ""
        await pilot.press("enter")
        await on_screen(pilot, InspectorScreen)


async def test_a_model_that_is_not_there_is_a_message_and_then_the_launcher() -> None:
    async with InspectorApp("preset:Qwen2.5-VL-7X", HELLO).run_test(size=SIZE) as pilot:
        message = await on_screen(pilot, MessageScreen)
        assert "Qwen2.5-VL-7B" in text(message)
        await pilot.press("escape")
        await on_screen(pilot, LauncherScreen)


async def test_a_failing_forward_opens_with_its_failure_in_front(tiny: Path) -> None:
    async with InspectorApp(str(tiny / "failing"), HELLO).run_test(size=SIZE) as pilot:
        failure = await on_screen(pilot, FailureScreen)
        assert "RuntimeError" in text(failure)
        await pilot.press("enter")
        screen = await on_screen(pilot, InspectorScreen)
        assert screen.trace.failure is not None
        assert screen.selected()[0] == screen.trace.failure.call


async def test_a_saved_trace_opens_without_a_model(tmp_path: Path) -> None:
    directory = small_trace().save(tmp_path / "small.trace")
    async with InspectorApp(str(directory)).run_test(size=SIZE) as pilot:
        screen = await on_screen(pilot, InspectorScreen)
        await settled(pilot)
        assert len(screen.trace.calls) == 20
        assert screen.run.directory == directory
        await pilot.press("o")
        await on_screen(pilot, LauncherScreen)


async def test_a_damaged_trace_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "trace.json").write_text("{")
    async with InspectorApp(str(tmp_path)).run_test(size=SIZE) as pilot:
        assert "damaged" in text(await on_screen(pilot, MessageScreen))


async def test_an_error_nobody_expected_shows_its_traceback_on_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    app = InspectorApp("preset:Qwen2.5-0.5B", HELLO)

    def fail(reference: str, job: Any) -> None:
        raise ZeroDivisionError("[red]by zero")

    monkeypatch.setattr(app.library, "load", fail)
    async with app.run_test(size=SIZE) as pilot:
        message = await on_screen(pilot, MessageScreen)
        assert "ZeroDivisionError: [red]by zero" in text(message)
        assert not message.query_one("#details").display
        await pilot.press("d")
        await pilot.pause()
        assert message.query_one("#details").display
        await pilot.press("y")
        assert "Traceback" in app.clipboard


async def test_escape_stops_what_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    app = InspectorApp("preset:Qwen2.5-0.5B", HELLO)

    def endless(reference: str, job: Any) -> None:
        while True:
            job.report("waiting", 0.5)
            job.cancelled.wait(0.01)

    monkeypatch.setattr(app.library, "load", endless)
    async with app.run_test(size=SIZE) as pilot:
        progress = await on_screen(pilot, ProgressScreen)
        await pilot.pause(0.1)
        assert "waiting" in text(progress)
        await pilot.press("escape")
        await on_screen(pilot, LauncherScreen)
    assert not any(job.alive for job in app.jobs if job.name.startswith("Loading"))


async def test_what_is_being_opened_is_named_from_the_first_paint_on() -> None:
    async with Quiet("preset:[b]odd", HELLO).run_test(size=SIZE) as pilot:
        screen = await on_screen(pilot, OpeningScreen)
        assert "preset:[b]odd" in text(screen)


async def test_a_forward_leaves_nothing_behind_when_it_is_stopped(tiny: Path) -> None:
    async with InspectorApp(str(tiny / "text"), HELLO).run_test(size=SIZE) as pilot:
        screen = await on_screen(pilot, InspectorScreen)
        session = screen.run.session
        app = pilot.app
        assert isinstance(app, InspectorApp)
        job = app.job("again", lambda job: app.library.ask(session, screen.run.question, job))
        job.cancel()
        while job.alive:
            await pilot.pause(0.05)
        assert all(not module._forward_hooks for module in session.model.modules())
