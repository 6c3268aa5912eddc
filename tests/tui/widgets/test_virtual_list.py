from __future__ import annotations

from collections.abc import Iterator

from rich.segment import Segment

from inspector.tui.theme import LIGHT
from inspector.tui.widgets.virtual_list import VirtualList
from tests.tui.widgets.screens import shown, text


class Numbers(VirtualList):
    """A number a line."""

    DEFAULT_CSS = "Numbers { height: 1fr; }"

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count
        self.went: list[int] = []
        self.entered: list[int] = []

    def on_mount(self) -> None:
        self.set_rows(self.count)

    def draw(self, row: int, width: int) -> Iterator[Segment]:
        yield Segment(f"line {row}", self.ink("second"))

    def moved(self) -> None:
        self.went.append(self.cursor)

    def opened(self) -> None:
        self.entered.append(self.cursor)


class Headed(Numbers):
    """With a line on top."""

    headed = True

    def head(self, width: int) -> str:
        return "HEAD"


async def test_the_cursor_is_followed_and_nothing_scrolls_too_far() -> None:
    async with shown(Numbers(1_000_000), (20, 10)) as pilot:
        numbers = pilot.app.query_one(Numbers)
        for _ in range(9):
            await pilot.press("j")
        assert text(numbers)[0] == "line 0"
        await pilot.press("j")
        assert text(numbers)[0] == "line 1"
        await pilot.press("G")
        assert text(numbers)[9] == "line 999999"
        await pilot.press("pageup")
        assert text(numbers)[0] == "line 999989"
        await pilot.press("g")
        assert text(numbers)[0] == "line 0"


async def test_a_headed_list_shows_its_last_line() -> None:
    async with shown(Headed(100), (20, 10)) as pilot:
        numbers = pilot.app.query_one(Headed)
        await pilot.press("end")
        assert text(numbers)[0] == "HEAD"
        assert text(numbers)[9] == "line 99"
        await pilot.click(numbers, offset=(2, 0))
        assert numbers.cursor == 99
        await pilot.click(numbers, offset=(2, 1))
        assert numbers.cursor == 91


async def test_the_wheel_scrolls_without_the_cursor() -> None:
    async with shown(Numbers(100), (20, 10)) as pilot:
        numbers = pilot.app.query_one(Numbers)
        numbers.scroll_to(y=30, animate=False, immediate=True)
        await pilot.pause()
        assert text(numbers)[0] == "line 30"
        assert numbers.cursor == 0
        await pilot.press("j")
        assert text(numbers)[0] == "line 1"


async def test_a_list_that_shrinks_keeps_its_cursor_inside() -> None:
    async with shown(Numbers(100), (20, 10)) as pilot:
        numbers = pilot.app.query_one(Numbers)
        await pilot.press("G")
        numbers.set_rows(5)
        await pilot.pause()
        assert numbers.cursor == 4
        assert text(numbers)[:6] == ["line 0", "line 1", "line 2", "line 3", "line 4", ""]
        numbers.set_rows(0)
        await pilot.press("j", "enter", "G")
        assert numbers.cursor == 0
        assert not numbers.entered


async def test_enter_and_a_second_click_open() -> None:
    async with shown(Numbers(100), (20, 10)) as pilot:
        numbers = pilot.app.query_one(Numbers)
        await pilot.press("enter")
        await pilot.click(numbers, offset=(2, 4), times=2)
        assert numbers.entered == [0, 4]
        assert numbers.went == [0, 4]


async def test_colours_follow_focus_and_theme() -> None:
    async with shown(Numbers(100), (20, 10)) as pilot:
        numbers = pilot.app.query_one(Numbers)
        focused, second = numbers.ink("cursor"), numbers.ink("second")
        pilot.app.set_focus(None)
        await pilot.pause()
        assert numbers.ink("cursor") != focused
        pilot.app.theme = LIGHT.name
        await pilot.pause()
        assert numbers.ink("second") != second
