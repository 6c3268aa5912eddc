"""What to ask: the fields, what is wrong with them, and what is remembered."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import Checkbox, Input, Static

from inspector.models.inputs import Request
from inspector.tui.jobs import Job
from inspector.tui.messages import Painted
from inspector.tui.runs import Question
from inspector.tui.screens.ask import AskScreen, keep, suggestion
from inspector.tui.screens.help import HelpScreen
from inspector.tui.settings import Settings
from tests.tui.apps import Quiet, on_screen


class Asking(Quiet):
    """Shows the dialog, and keeps what comes back."""

    def __init__(self, question: Question | None = None, loading: Job[None] | None = None) -> None:
        super().__init__()
        self.start = question or Question()
        self.loading = loading
        self.asked: list[Question | None] = []

    def on_painted(self, event: Painted) -> None:
        event.prevent_default()
        self.push_screen(AskScreen("demo:x", self.start, self.loading), self.asked.append)


def state(screen: AskScreen) -> str:
    return screen.query_one("#state", Static).render().plain  # type: ignore[union-attr]


async def test_a_prompt_and_a_picture_become_a_request(elsewhere: Path) -> None:
    (elsewhere / "my cat.png").touch()
    app = Asking()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await on_screen(pilot, AskScreen)
        await pilot.press(*"What?")
        screen.query_one("#images", Input).value = "'my cat.png'"
        screen.query_one("#system", Input).value = "Be brief."
        screen.query_one("#values", Input).value = "*.self_attn lm_head:output"
        screen.query_one("#template", Checkbox).value = False
        screen.query_one("#stats", Checkbox).value = False
        await pilot.press("enter")
        await pilot.pause()
    request = Request(("What?",), (Path("my cat.png"),), system="Be brief.", raw=True)
    assert app.asked == [Question(request, stats=False, values=("*.self_attn", "lm_head:output"))]


async def test_an_empty_prompt_a_missing_picture_and_an_open_quote_are_told_in_place(elsewhere: Path) -> None:
    app = Asking()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await on_screen(pilot, AskScreen)
        await pilot.press("enter")
        assert "The prompt is empty" in state(screen)
        await pilot.press("x")
        for text, told in (
            ("none.png", "none.png is no file"),
            (".", ". is a directory"),
            ("'a", "No closing quotation"),
        ):
            screen.query_one("#images", Input).value = text
            await pilot.press("enter")
            assert told in state(screen)
        assert app.asked == []


async def test_a_video_and_a_file_of_messages_become_a_request(elsewhere: Path) -> None:
    (elsewhere / "frames").mkdir()
    (elsewhere / "talk.json").write_text('[{"role": "user", "content": "What moves?"}]')
    app = Asking()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await on_screen(pilot, AskScreen)
        screen.query_one("#videos", Input).value = "frames"
        screen.query_one("#messages", Input).value = "talk.json"
        screen.query_one("#prompt", Input).value = "x"
        await pilot.press("enter")
        assert "one of them" in state(screen)
        screen.query_one("#prompt", Input).value = ""
        screen.query_one("#messages", Input).value = "none.json"
        await pilot.press("enter")
        assert "none.json cannot be read" in state(screen)
        screen.query_one("#messages", Input).value = "talk.json"
        await pilot.press("enter")
        await pilot.pause()
    request = Request(videos=(Path("frames"),), messages=([{"role": "user", "content": "What moves?"}],))
    assert app.asked == [Question(request)]


async def test_a_batch_is_not_dropped_in_silence_and_help_explains_the_fields() -> None:
    async with Asking(Question(Request(("a", "b")))).run_test(size=(80, 24)) as pilot:
        screen = await on_screen(pilot, AskScreen)
        assert "several prompts" in state(screen)
        await pilot.press("f1")
        dialog = await on_screen(pilot, HelpScreen)
        assert "Images are files" in dialog.query_one(Static).render().plain


async def test_escape_goes_back_with_nothing() -> None:
    app = Asking()
    async with app.run_test(size=(80, 24)) as pilot:
        await on_screen(pilot, AskScreen)
        await pilot.press("escape")
        await pilot.pause()
    assert app.asked == [None]


async def test_tab_completes_a_picture_and_then_moves_on(elsewhere: Path) -> None:
    (elsewhere / "bus.jpg").touch()
    app = Asking()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await on_screen(pilot, AskScreen)
        await pilot.press("tab", *"bu", "tab")
        assert screen.query_one("#images", Input).value == "bus.jpg"
        await pilot.press("tab")
        assert app.focused is screen.query_one("#videos", Input)


async def test_the_dialog_says_how_far_the_model_is_and_closes_when_it_cannot_be_loaded() -> None:
    def fail(job: Job[None]) -> None:
        raise RuntimeError("no memory")

    job = Job("load", fail)
    app = Asking(loading=job)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await on_screen(pilot, AskScreen)
        job.report("reading weights", 0.25)
        await pilot.pause()
        assert state(screen) == "reading weights · 25%"
        job.start()
        await pilot.pause(0.2)
    assert app.asked == [None]


async def test_a_loaded_model_is_told() -> None:
    job = Job("load", lambda job: None)
    async with Asking(loading=job.start()).run_test(size=(80, 24)) as pilot:
        screen = await on_screen(pilot, AskScreen)
        await pilot.pause(0.1)
        assert state(screen) == "The model is loaded."


def test_what_was_asked_comes_back_as_a_suggestion(tmp_path: Path) -> None:
    usual = Question(values=("*",), budget=7)
    assert suggestion(Settings(tmp_path), usual) == usual
    request = Request(("Say [b]hi[/b]",), (Path("a b.png"), "c.png"), system="Short.", raw=True)
    keep(Settings(tmp_path), Question(request, stats=False, values=()))
    again = suggestion(Settings(tmp_path), usual)
    assert again.request == Request(("Say [b]hi[/b]",), ("a b.png", "c.png"), system="Short.", raw=True)
    assert (again.stats, again.values, again.budget) == (False, (), 7)
