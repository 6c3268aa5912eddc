from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Button, Input

from inspector.tui.widgets.filter_bar import FilterBar
from tests.tui.widgets.screens import shown, stage, text


class Place(Vertical):
    """A button to come from, and the filter line."""

    def compose(self) -> ComposeResult:
        yield Button("here")
        yield FilterBar()


async def test_typing_filters_and_enter_keeps() -> None:
    async with shown(Place()) as pilot:
        button, bar = pilot.app.query_one(Button), pilot.app.query_one(FilterBar)
        button.focus()
        await pilot.pause()
        assert not bar.display
        bar.open()
        await pilot.press("m", "l", "p")
        bar.count(3, 20)
        await pilot.pause()
        assert text(bar)[0].split() == ["/", "mlp", "3", "of", "20"]
        await pilot.press("enter")
        assert button.has_focus
        assert bar.display
        assert [message.text for message in stage(pilot).said(FilterBar.Changed)] == ["m", "ml", "mlp"]
        assert [message.kept for message in stage(pilot).said(FilterBar.Closed)] == [True]


async def test_escape_takes_it_away() -> None:
    async with shown(Place()) as pilot:
        button, bar = pilot.app.query_one(Button), pilot.app.query_one(FilterBar)
        button.focus()
        await pilot.pause()
        bar.open()
        await pilot.press("m", "escape")
        assert button.has_focus
        assert not bar.display
        assert bar.text == ""
        assert [message.kept for message in stage(pilot).said(FilterBar.Closed)] == [False]
        assert stage(pilot).said(FilterBar.Changed)[-1].text == ""


async def test_enter_on_nothing_closes_it() -> None:
    async with shown(Place()) as pilot:
        pilot.app.query_one(Button).focus()
        await pilot.pause()
        bar = pilot.app.query_one(FilterBar)
        bar.open()
        await pilot.press("enter")
        assert not bar.display


async def test_it_opens_again_with_what_it_holds() -> None:
    async with shown(Place()) as pilot:
        pilot.app.query_one(Button).focus()
        await pilot.pause()
        bar = pilot.app.query_one(FilterBar)
        bar.open()
        await pilot.press("m", "down")
        bar.open()
        await pilot.pause()
        assert pilot.app.query_one(Input).has_focus
        assert bar.text == "m"
