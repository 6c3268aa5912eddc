from __future__ import annotations

from rich.cells import cell_len
from textual.pilot import Pilot

from inspector.trace import Token, Trace
from inspector.tui.widgets.token_flow import TokenFlow
from inspector.tui.widgets.token_table import TokenTable
from inspector.tui.widgets.tokens_pane import TokensPane
from tests.traces import model_info, small_trace, tokens
from tests.tui.widgets.screens import shown, stage, text


async def opened(pilot: Pilot[None], trace: Trace) -> TokensPane:
    pane = pilot.app.query_one(TokensPane)
    pane.trace = trace
    pane.query_one(TokenFlow).focus()
    await pilot.pause()
    return pane


def batch() -> Trace:
    pads = [Token(index, 151643, "<|endoftext|>", "pad", (1,)) for index in range(5)]
    second = [*pads, Token(5, 40, "I", "text", (0,))]
    return Trace(model_info(), tokens=[tokens()[0], second])


class TestText:
    async def test_tokens_flow_with_everything_visible(self) -> None:
        async with shown(TokensPane()) as pilot:
            lines = text((await opened(pilot, small_trace())).query_one(TokenFlow))
        assert lines[0] == "<|im_start|>user␊"
        assert lines[1] == " <|image_pad|> ×4 你好世界🌍[bold]·café␉␛[31m<|im_end|>"

    async def test_moving(self) -> None:
        async with shown(TokensPane()) as pilot:
            pane = await opened(pilot, small_trace())
            await pilot.press("l", "l", "j")
            assert pane.current is not None
            assert pane.current.token.index == 3
            await pilot.press("k", "G")
            assert pane.current.token.index == 11
            said = [(m.row, m.index) for m in stage(pilot).said(TokensPane.Selected)]
            assert said[-1] == (0, 11)

    async def test_the_mouse(self) -> None:
        async with shown(TokensPane()) as pilot:
            pane = await opened(pilot, small_trace())
            flow = pane.query_one(TokenFlow)
            await pilot.click(flow, offset=(19, 1))
            assert pane.current is not None
            assert pane.current.token.text == "你好"
            await pilot.hover(flow, offset=(19, 1))
            assert str(flow.tooltip) == "你好\ntoken 7 · id 108386 · text\nposition 5, 5, 5"
            await pilot.click(flow, offset=(60, 5))
            assert pane.current.token.text == "你好"


class TestTable:
    async def test_columns_stay_aligned_under_wide_characters(self) -> None:
        async with shown(TokensPane()) as pilot:
            lines = text((await opened(pilot, small_trace())).query_one(TokenTable))
        assert lines[0].split() == ["index", "id", "text", "kind", "t", "h", "w"]
        kinds = [line.split()[-4] for line in lines[1:] if line]
        starts = {cell_len(line[: line.rindex(kind)]) for line, kind in zip(lines[1:], kinds, strict=False)}
        assert starts == {cell_len(lines[0][: lines[0].index("kind")])}
        assert len({cell_len(line) for line in lines if line}) == 1

    async def test_a_run_says_how_far_it_reaches(self) -> None:
        async with shown(TokensPane()) as pilot:
            lines = text((await opened(pilot, small_trace())).query_one(TokenTable))
        assert lines[4].split() == ["3–6", "151655", "<|image_pad|>", "×4", "image", "3", "3–4", "3–4"]

    async def test_text_and_table_go_together(self) -> None:
        async with shown(TokensPane()) as pilot:
            pane = await opened(pilot, small_trace())
            table, flow = pane.query_one(TokenTable), pane.query_one(TokenFlow)
            await pilot.press("l", "l")
            assert table.current == 2
            table.focus()
            await pilot.press("j")
            assert flow.cursor == 3

    async def test_plain_positions(self) -> None:
        async with shown(TokensPane()) as pilot:
            pane = await opened(pilot, batch())
            pane.row = 1
            await pilot.pause()
            lines = text(pane.query_one(TokenTable))
        assert lines[0].split()[-1] == "position"
        assert lines[1].split() == ["0–4", "151643", "<|endoftext|>", "×5", "pad", "1"]


class TestRuns:
    async def test_unfolding(self) -> None:
        async with shown(TokensPane()) as pilot:
            pane = await opened(pilot, small_trace())
            pane.select(5)
            await pilot.press("space")
            assert len(pane._items) == 12
            await pilot.press("l", "space")
            assert len(pane._items) == 9
            assert pane.current is not None
            assert pane.current.token.index == 3

    async def test_in_the_table(self) -> None:
        async with shown(TokensPane()) as pilot:
            pane = await opened(pilot, small_trace())
            pane.select(5)
            pane.query_one(TokenTable).focus()
            await pilot.press("enter")
            assert len(pane._items) == 12


class TestRows:
    async def test_rows_of_a_batch(self) -> None:
        async with shown(TokensPane()) as pilot:
            pane = await opened(pilot, batch())
            assert text(pane)[0].strip() == "row 0 of 0–1  12 tokens: 2 special, 6 text, 4 image"
            pane.row += 1
            await pilot.pause()
            assert text(pane)[0].strip() == "row 1 of 0–1  6 tokens: 5 pad, 1 text"
            pane.row += 1
            assert pane.row == 1
            pane.row -= 1
            assert pane.row == 0

    async def test_one_row(self) -> None:
        async with shown(TokensPane()) as pilot:
            pane = await opened(pilot, small_trace())
            assert text(pane)[0].strip().startswith("12 tokens")

    async def test_none(self) -> None:
        async with shown(TokensPane()) as pilot:
            pane = await opened(pilot, Trace(model_info()))
            await pilot.press("l", "j", "space", "G", "full_stop")
            assert "This trace holds no tokens" in text(pane)[0]


class TestFilter:
    async def test_the_table_narrows_and_the_text_stays(self) -> None:
        async with shown(TokensPane()) as pilot:
            pane = await opened(pilot, small_trace())
            pane.filter("special")
            await pilot.pause()
            assert [line.split()[0] for line in text(pane.query_one(TokenTable))[1:] if line] == ["0", "11"]
            assert "你好" in text(pane.query_one(TokenFlow))[1]
            pane.filter("")
            await pilot.pause()
            assert len([line for line in text(pane.query_one(TokenTable)) if line]) == 10


async def test_wide_and_narrow() -> None:
    for size in ((160, 50), (40, 12), (20, 6)):
        async with shown(TokensPane(), size) as pilot:
            pane = await opened(pilot, small_trace())
            await pilot.press("l", "j", "G")
            assert pane.current is not None


async def test_many_tokens() -> None:
    row = [Token(index, index, f"tok{index} ", "text", (index,)) for index in range(50_000)]
    async with shown(TokensPane()) as pilot:
        pane = await opened(pilot, Trace(model_info(), tokens=[row]))
        await pilot.press("G")
        assert pane.current is not None
        assert pane.current.token.index == 49_999
        assert "tok49999" in "".join(text(pane.query_one(TokenFlow)))
