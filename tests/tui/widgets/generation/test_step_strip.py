from __future__ import annotations

import pytest
from textual.pilot import Pilot

from inspector.tui.widgets.generation.step_strip import AT_ONCE, StepStrip
from tests.tui.widgets.generation.records import TOKENS, beam_steps, steps
from tests.tui.widgets.screens import shown, stage, text, until


def strip_of(pilot: Pilot[None]) -> StepStrip:
    return pilot.app.query_one(StepStrip)


async def test_text_with_a_legend() -> None:
    async with shown(StepStrip(), (80, 12)) as pilot:
        strip = strip_of(pilot)
        strip.steps = steps()
        await pilot.pause()
        lines = text(strip)
        assert lines[0].startswith("The cup holds a cappuccino")
        assert any("»rosetta" in line for line in lines)
        assert lines[-1].startswith("probability  ≥90%")
        strip.colour = "rank"
        await pilot.pause()
        assert text(strip)[-1].startswith("rank  1  ≤3")
        strip.colour = "nonsense"
        assert strip.colour == "probability"


async def test_the_cursor_says_where_it_goes_and_is_put_without_a_word() -> None:
    async with shown(StepStrip(), (60, 12)) as pilot:
        strip = strip_of(pilot)
        strip.steps = steps()
        strip.look_at(3)
        await pilot.pause()
        assert stage(pilot).said(StepStrip.Chosen) == []
        await pilot.press("right", "l", "left")
        assert [said.step for said in stage(pilot).said(StepStrip.Chosen)] == [4, 5, 4]
        await pilot.press("home", "end")
        assert [said.step for said in stage(pilot).said(StepStrip.Chosen)][-2:] == [0, len(TOKENS) - 1]
        await pilot.click(strip, offset=(5, 0))
        assert strip.cursor == 1


async def test_a_cursor_at_the_end_goes_along_and_another_one_stays() -> None:
    async with shown(StepStrip(), (60, 8)) as pilot:
        strip = strip_of(pilot)
        made, growing = steps(), []
        for step in made[:10]:
            growing.append(step)
            strip.steps = growing
        assert strip.cursor == 9
        await pilot.press("left", "left")
        growing.append(made[10])
        strip.steps = growing
        assert strip.cursor == 7
        strip.look_at(10)
        growing.append(made[11])
        strip.steps = growing
        assert strip.cursor == 11


async def test_another_branch_keeps_the_place() -> None:
    async with shown(StepStrip(), (60, 8)) as pilot:
        strip = strip_of(pilot)
        strip.steps = steps()
        strip.look_at(12)
        strip.steps = steps(seed=9)
        assert strip.cursor == 12
        strip.steps = steps()[:5]
        assert strip.cursor == 4
        strip.steps = []
        assert strip.count == 0
        await pilot.press("right", "down", "end", "pagedown")


@pytest.mark.parametrize("wanted", [None, 1500])
async def test_many_steps_are_read_beside_the_keyboard(wanted: int | None) -> None:
    made = steps() * (1 + 20 * AT_ONCE // len(TOKENS) // 4)
    async with shown(StepStrip(), (60, 8)) as pilot:
        strip = strip_of(pilot)
        strip.steps = made
        if wanted is not None:
            strip.look_at(wanted)
        await until(pilot, lambda: strip.count == len(made))
        assert strip.cursor == (len(made) - 1 if wanted is None else wanted)
        line, _ = strip.place(strip.cursor)
        assert strip.scroll_offset.y <= line < strip.scroll_offset.y + 8


async def test_bars_where_there_are_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with shown(StepStrip(), (60, 12)) as pilot:
        strip = strip_of(pilot)
        strip.steps = steps()
        strip.look_at(0)
        await pilot.pause()
        lines = text(strip)
        assert set(lines[0]) <= set(" ▁▂▃▅▆")
        assert lines[1].startswith("The cup holds")
        assert "▆≥90%" in lines[-1]
        await pilot.press("down", "down", "down", "down", "down", "down", "end")
        assert "<|im_end|>" in text(strip)[-2]
        strip.bars = False
        await pilot.pause()
        assert "▆" not in "".join(text(strip))


async def test_rows_and_beams() -> None:
    async with shown(StepStrip(), (60, 8)) as pilot:
        strip = strip_of(pilot)
        strip.steps = steps(rows=3)
        strip.row = 1
        await pilot.pause()
        assert "····" in text(strip)[1] + text(strip)[2] + text(strip)[0]
        strip.row = 0
        strip.steps = beam_steps()
        strip.row = 2
        await pilot.pause()
        assert text(strip)[0] == " the foam of milk"
        strip.look_at(0)
        await pilot.press("right", "right", "right")
        assert [(said.step, said.row) for said in stage(pilot).said(StepStrip.Chosen)] == [(1, 0), (2, 1), (3, 1)]


async def test_wide_characters_keep_their_cells() -> None:
    async with shown(StepStrip(), (30, 14)) as pilot:
        strip = strip_of(pilot)
        strip.steps = steps()
        strip.look_at(0)
        await pilot.pause()
        for number in range(strip.count):
            line, start = strip.place(number)
            if line < 12:
                await pilot.click(strip, offset=(start, line))
                assert strip.cursor == number
