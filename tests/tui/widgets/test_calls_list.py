from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from inspector.trace import Trace
from inspector.tui.widgets.calls_list import CallsList
from tests.traces import big_trace, failing_trace, small_trace, steps_trace
from tests.tui.widgets.screens import shown, stage, text, until


async def listed(pilot: Pilot[None], trace: Trace) -> CallsList:
    calls = pilot.app.query_one(CallsList)
    calls.trace = trace
    await until(pilot, lambda: len(calls.outline) == len(trace.calls))
    return calls


class TestLines:
    async def test_a_line_says_what_ran(self) -> None:
        async with shown(CallsList(), (100, 24)) as pilot:
            lines = text(await listed(pilot, small_trace()))
        assert lines[0].split() == ["0", "▾", "TinyVLForConditionalGeneration", *lines[0].split()[3:]]
        assert "7 │ │ ├ norm" in lines[7]
        assert lines[6].split()[-4:] == ["decoder_layer", "f32[1,12,16]", "700", "µs"]
        assert "nan inf" in lines[13]

    async def test_a_failure_is_marked_where_it_began(self) -> None:
        async with shown(CallsList(), (100, 24)) as pilot:
            calls = await listed(pilot, failing_trace())
            lines = text(calls)
        marked = [line for line in lines if "✗" in line]
        assert [line.count("✗ inside") for line in marked] == [1, 1, 1, 0]
        assert "mlp" in marked[-1]
        assert "RuntimeError" in marked[-1]

    async def test_steps_show_where_there_are_several(self) -> None:
        async with shown(CallsList()) as pilot:
            calls = await listed(pilot, steps_trace())
            await pilot.press("G")
            assert " s2 " in text(calls)[-1]

    @pytest.mark.parametrize("width", [12, 20, 36, 48, 80, 200])
    async def test_every_width(self, width: int) -> None:
        async with shown(CallsList(), (width, 24)) as pilot:
            assert "norm" in "".join(text(await listed(pilot, small_trace()))) or width < 20

    async def test_an_empty_trace(self) -> None:
        async with shown(CallsList()) as pilot:
            calls = await listed(pilot, Trace(small_trace().model))
            await pilot.press(
                "j", "k", "G", "space", "l", "h", "u", "n", "enter", "plus", "minus", "right_curly_bracket"
            )
            assert calls.current is None


class TestMoving:
    async def test_keys(self) -> None:
        async with shown(CallsList()) as pilot:
            calls = await listed(pilot, small_trace())
            for key, expected in [
                ("j", 1),
                ("down", 2),
                ("k", 1),
                ("right_curly_bracket", 4),
                ("left_curly_bracket", 1),
                ("l", 2),
                ("u", 1),
                ("G", 19),
                ("g", 0),
            ]:
                await pilot.press(key)
                assert calls.current == expected, key

    async def test_the_cursor_tells(self) -> None:
        async with shown(CallsList()) as pilot:
            await listed(pilot, small_trace())
            await pilot.press("j", "enter")
            assert [message.index for message in stage(pilot).said(CallsList.Selected)] == [0, 1]
            assert [message.index for message in stage(pilot).said(CallsList.Opened)] == [1]

    async def test_folding(self) -> None:
        async with shown(CallsList(), (100, 24)) as pilot:
            calls = await listed(pilot, small_trace())
            calls.select(4)
            await pilot.press("space")
            assert len(calls.outline.rows) == 20 - 14
            assert "▸ language_model +14" in text(calls)[4]
            await pilot.press("l")
            assert len(calls.outline.rows) == 20
            await pilot.press("h", "h")
            assert calls.current == 0

    async def test_folding_a_level(self) -> None:
        async with shown(CallsList()) as pilot:
            calls = await listed(pilot, small_trace())
            calls.select(1)
            await pilot.press("minus")
            assert list(calls.outline.rows) == [0, 1, 4, 19]
            await pilot.press("plus")
            assert len(calls.outline.rows) == 20

    async def test_where_a_module_runs_again(self) -> None:
        async with shown(CallsList()) as pilot:
            calls = await listed(pilot, steps_trace())
            first = calls.trace.call("language_model.layers.1.mlp").index
            calls.select(first)
            await pilot.press("n")
            assert calls.current == calls.trace.call("language_model.layers.1.mlp", 1).index
            await pilot.press("N", "N")
            assert calls.current == first

    async def test_selecting_unfolds(self) -> None:
        async with shown(CallsList()) as pilot:
            calls = await listed(pilot, small_trace())
            await pilot.press("space")
            calls.select(9)
            assert calls.current == 9

    async def test_mouse(self) -> None:
        async with shown(CallsList()) as pilot:
            calls = await listed(pilot, small_trace())
            await pilot.click(calls, offset=(10, 5))
            assert calls.current == 5
            await pilot.click(calls, offset=(10, 5), times=2)
            assert [message.index for message in stage(pilot).said(CallsList.Opened)] == [5]
            await pilot.click(calls, offset=(10, 22))
            assert calls.current == 5

    async def test_the_mouse_rests(self) -> None:
        async with shown(CallsList()) as pilot:
            calls = await listed(pilot, small_trace())
            await pilot.hover(calls, offset=(10, 8))
            assert "language_model.layers.0.self_attn" in str(calls.tooltip)
            assert "Attention · attention" in str(calls.tooltip)


class TestFilter:
    @pytest.mark.parametrize(
        ("words", "found"),
        [
            ("mlp", [9, 13, 17]),
            ("layers.1 NORM", [11]),
            ("attention", [8, 12, 16]),
            ("[4,16]", [1, 3]),
            ("nan", [13, 17]),
            ("RMSNorm layers", [7, 11, 15]),
            ("no such call", []),
        ],
    )
    async def test_path_class_role_shape_and_badge(self, words: str, found: list[int]) -> None:
        async with shown(CallsList()) as pilot:
            calls = await listed(pilot, small_trace())
            calls.filter(words)
            assert list(calls.outline.rows) == found
            await pilot.pause()
            counted = stage(pilot).said(CallsList.Counted)[-1]
            assert (counted.shown, counted.total) == (len(found), 20)

    async def test_whole_paths_stand_alone(self) -> None:
        async with shown(CallsList()) as pilot:
            calls = await listed(pilot, small_trace())
            calls.filter("mlp")
            await pilot.pause()
            assert "language_model.layers.0.mlp" in text(calls)[0]

    async def test_going_to_what_the_filter_hides_ends_it(self) -> None:
        async with shown(CallsList()) as pilot:
            calls = await listed(pilot, small_trace())
            calls.filter("mlp")
            calls.select(2)
            assert calls.current == 2
            assert len(calls.outline.rows) == 20

    async def test_failed(self) -> None:
        async with shown(CallsList()) as pilot:
            calls = await listed(pilot, failing_trace())
            calls.filter("failed")
            assert list(calls.outline.rows) == [0, 4, 10, 13]


class TestSize:
    async def test_only_what_is_visible_is_drawn(self, monkeypatch: pytest.MonkeyPatch) -> None:
        drawn: list[int] = []
        draw = CallsList.draw
        monkeypatch.setattr(CallsList, "draw", lambda self, row, width: drawn.append(row) or draw(self, row, width))
        async with shown(CallsList()) as pilot:
            calls = await listed(pilot, big_trace(30_000))
            drawn.clear()
            await pilot.press("G")
            assert calls.current == 29_999
        assert len(set(drawn)) < 60

    async def test_a_saved_trace(self, tmp_path: Path) -> None:
        trace = Trace.open(small_trace().save(tmp_path / "saved"))
        async with shown(CallsList(), (100, 24)) as pilot:
            assert "nan inf" in text(await listed(pilot, trace))[13]

    async def test_another_trace(self) -> None:
        async with shown(CallsList()) as pilot:
            calls = await listed(pilot, big_trace(5_000))
            calls.filter("part_11")
            await pilot.press("G")
            await listed(pilot, small_trace())
            assert calls.current == 0
            assert len(calls.outline.rows) == 20

    async def test_a_call_that_is_not_read_yet(self) -> None:
        async with shown(CallsList()) as pilot:
            calls = pilot.app.query_one(CallsList)
            calls.trace = big_trace(40_000)
            calls.select(39_000)
            await until(pilot, lambda: calls.current == 39_000)
