"""The first screen: what is listed, how typing narrows it, what can be opened as typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input, OptionList, Static

from inspector.tui.app import InspectorApp
from inspector.tui.entries import Entry, narrow, typed
from inspector.tui.screens.help import HelpScreen
from inspector.tui.screens.launcher import LauncherScreen
from tests.traces import small_trace
from tests.tui.apps import Quiet, on_screen, settled

ENTRIES = [
    Entry("Recent", "/models/mine", "qwen2 · 1.2 GiB"),
    Entry("Presets", "preset:Qwen2.5-VL-7B", "qwen2_5_vl, no weights"),
    Entry("Presets", "preset:Qwen2.5-7B", "qwen2, no weights"),
    Entry("Traces", "/data/[bold]odd[/bold].trace", "trace"),
]


def shown(screen: LauncherScreen) -> list[str]:
    menu = screen.query_one(OptionList)
    prompts = [menu.get_option_at_index(number).prompt for number in range(menu.option_count)]
    return [str(prompt).strip() for prompt in prompts if str(prompt).strip()]


class Listening(Quiet):
    """Notes what is to be opened."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    def on_launcher_screen_opened(self, event: LauncherScreen.Opened) -> None:
        event.prevent_default()
        self.opened.append(event.reference)

    def on_launcher_screen_highlighted(self, event: LauncherScreen.Highlighted) -> None:
        event.prevent_default()
        screen = self.screen
        assert isinstance(screen, LauncherScreen)
        screen.show_facts(event.reference, [("architecture", f"of {event.reference}")])


async def test_entries_stand_under_their_groups_and_the_first_is_chosen() -> None:
    async with Listening().run_test(size=(80, 24)) as pilot:
        screen = await on_screen(pilot, LauncherScreen)
        screen.show(ENTRIES)
        await pilot.pause()
        lines = shown(screen)
        assert lines[0] == "Recent"
        assert lines[1].split() == ["/models/mine", "qwen2", "·", "1.2", "GiB"]
        assert lines[2] == "Presets"
        assert any("[bold]odd[/bold]" in line for line in lines)
        assert "of /models/mine" in screen.query_one("#facts Static", Static).render().plain


async def test_typing_narrows_at_once_and_enter_opens() -> None:
    async with Listening().run_test(size=(80, 24)) as pilot:
        screen = await on_screen(pilot, LauncherScreen)
        screen.show(ENTRIES)
        await pilot.press(*"vl 7b")
        assert [line.split()[0] for line in shown(screen)] == ["Presets", "preset:Qwen2.5-VL-7B"]
        await pilot.press("enter")
        assert pilot.app.opened == ["preset:Qwen2.5-VL-7B"]  # type: ignore[attr-defined]


async def test_the_arrows_walk_the_entries_over_the_groups() -> None:
    async with Listening().run_test(size=(80, 24)) as pilot:
        screen = await on_screen(pilot, LauncherScreen)
        screen.show(ENTRIES)
        await pilot.press("down", "down", "enter", "up", "enter")
        assert pilot.app.opened == ["preset:Qwen2.5-7B", "preset:Qwen2.5-VL-7B"]  # type: ignore[attr-defined]


async def test_a_click_opens() -> None:
    async with Listening().run_test(size=(160, 50)) as pilot:
        screen = await on_screen(pilot, LauncherScreen)
        screen.show(ENTRIES)
        await pilot.pause()
        await pilot.click(OptionList, offset=(6, 4))
        assert pilot.app.opened == ["preset:Qwen2.5-VL-7B"]  # type: ignore[attr-defined]


async def test_escape_empties_the_filter_then_leaves() -> None:
    app = Listening()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await on_screen(pilot, LauncherScreen)
        await pilot.press("x", "escape")
        assert screen.query_one(Input).value == ""
        await pilot.press("escape")
    assert app.return_code == 0


async def test_nothing_that_matches_says_so() -> None:
    async with Listening().run_test(size=(80, 24)) as pilot:
        screen = await on_screen(pilot, LauncherScreen)
        screen.show(ENTRIES)
        await pilot.press(*"zebra", "enter")
        assert pilot.app.opened == []  # type: ignore[attr-defined]
        assert "Nothing here" in screen.query_one("#facts Static", Static).render().plain


async def test_help_is_on_f1_where_letters_are_typed() -> None:
    async with Listening().run_test(size=(80, 24)) as pilot:
        await on_screen(pilot, LauncherScreen)
        await pilot.press("f1")
        dialog = await on_screen(pilot, HelpScreen)
        assert "Nothing is fetched from the network" in dialog.query_one(Static).render().plain


def test_every_word_must_stand_somewhere_in_an_entry() -> None:
    assert [entry.reference for entry in narrow(ENTRIES, "preset vl")] == ["preset:Qwen2.5-VL-7B"]
    assert [entry.reference for entry in narrow(ENTRIES, "GIB")] == ["/models/mine"]
    assert narrow(ENTRIES, "") == ENTRIES


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Qwen/Qwen2.5-7B", "Hugging Face hub"),
        ("preset:anything", "Hugging Face hub"),
        ("sub", "directory"),
        ("./sub", "directory"),
        ("./nothing", None),
        ("a/b/c", None),
        ("two words/x", None),
        ("qwen", None),
        ("", None),
    ],
)
def test_what_is_typed_can_be_opened_where_it_makes_sense(elsewhere: Path, text: str, kind: str | None) -> None:
    (elsewhere / "sub").mkdir()
    assert [entry.detail for entry in typed(text, ENTRIES)] == ([] if kind is None else [kind])


async def test_the_real_program_lists_presets_checkpoints_and_traces_and_what_was_opened(elsewhere: Path) -> None:
    small_trace(values=False).save(elsewhere / "one.trace")
    (elsewhere / "tiny").mkdir()
    (elsewhere / "tiny" / "config.json").write_text('{"model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"]}')
    (elsewhere / "broken").mkdir()
    (elsewhere / "broken" / "config.json").write_text("{")
    from inspector.models import remember

    remember("preset:Qwen2.5-0.5B")
    remember(str(elsewhere / "gone"))
    async with InspectorApp().run_test(size=(160, 50)) as pilot:
        screen = await on_screen(pilot, LauncherScreen)
        await settled(pilot)
        lines = shown(screen)
        groups = [line for line in lines if line in {"Recent", "Presets", "Directories", "Traces"}]
        assert groups == ["Recent", "Directories", "Traces", "Presets"]
        assert lines[lines.index("Recent") + 1].startswith("preset:Qwen2.5-0.5B")
        assert not any("gone" in line for line in lines)
        await pilot.press(*"tiny")
        await settled(pilot)
        facts = screen.query_one("#facts Static", Static).render().plain
        assert "Qwen2ForCausalLM" in facts
        assert "none: opens shape-only" in facts
        await pilot.press("escape", *"one.trace")
        await settled(pilot)
        assert "demo:tiny-vl" in screen.query_one("#facts Static", Static).render().plain
        await pilot.press("escape", *"broken")
        await settled(pilot)
        assert "config.json is no" in screen.query_one("#facts Static", Static).render().plain
