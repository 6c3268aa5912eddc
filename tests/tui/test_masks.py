"""Tab 3: which keys each query saw, drawn and in words, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from textual.pilot import Pilot

import inspector
from inspector.trace import Trace
from inspector.tui.panes import Pane
from inspector.tui.screens.masks import MasksTab
from inspector.tui.screens.pick import PickScreen
from inspector.tui.widgets.masks.account import Account
from inspector.tui.widgets.masks.groups_list import GroupsList
from inspector.tui.widgets.masks.map import MaskMap
from tests.placed_trace import LENGTH, placed_trace
from tests.prompts import inputs, random_model
from tests.traces import failing_trace, small_trace
from tests.tui.apps import Quiet, on_screen, opened, settled
from tests.tui.widgets.screens import text, until

WIDE, SMALL = (160, 50), (80, 24)
LEFT = [[1] * LENGTH, [0] * 4 + [1] * 8]
RIGHT = [[1] * 8 + [0] * 4, [1] * LENGTH]


async def masks(pilot: Pilot[None], trace: Trace, *keys: str) -> MasksTab:
    await opened(pilot, trace)
    await press(pilot, "3", *keys)
    return pilot.app.screen.query_one(MasksTab)


async def press(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await settled(pilot)
    drawn = pilot.app.screen.query_one(MaskMap)
    await until(pilot, lambda: not drawn._reading and drawn._wanted is None)


def line(tab: MasksTab, name: str) -> str:
    return str(tab.query_one(name).render())


def keyless() -> torch.Tensor:
    mask = torch.ones(1, 1, LENGTH, LENGTH, dtype=torch.bool).tril()
    mask[..., 5, :] = False
    return mask


async def test_calls_with_the_same_mask_stand_on_one_line() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        tab = await masks(pilot, placed_trace())
        lines = text(tab.query_one(GroupsList))
        assert [item.split("  ")[1].strip() for item in lines[1:4]] == [
            "vision block 0",
            "vision block 1",
            "layers 0–2",
        ]
        assert "within 4 blocks of 4" in lines[1]
        assert tab.query_one("#drawn", Pane).border_title == "layers 0–2: causal"
        assert line(tab, "#where") == "step 0, prefill · no padding"
        assert "sdpa was told is_causal" in "\n".join(text(tab.query_one(Account)))


async def test_the_cell_under_the_cursor_is_explained() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        tab = await masks(pilot, placed_trace(), "enter", "j", "j", "l")
        assert line(tab, "#words") == (
            "Query 2 (“␊”) may see key 1 (“user”): it stands 1 before the query. It sees 3 of 12 keys: 0–2."
        )
        await press(pilot, "d", "l")
        assert "may not see key 3" in line(tab, "#words")
        assert "it comes 1 after the query, and the mask is causal" in line(tab, "#words")
        await press(pilot, "p", "p", "j", "j")
        assert tab.seen is not None
        assert tab.seen.label == "vision block 0"
        assert "(image 1, row 1, column 0)" in line(tab, "#words")
        await press(pilot, "escape")
        assert isinstance(pilot.app.focused, GroupsList)


async def test_the_account_of_vision_windows_has_their_cumulative_lengths() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        tab = await masks(pilot, placed_trace(), "p", "p")
        told = dict(tab.seen.facts) if tab.seen is not None else {}
        assert told["cumulative lengths"] == "cu_seqlens 0, 4, 8, 12, 16: 4 blocks"
        assert told["vision blocks"] == "attend to windows; the configuration asks for windows"


async def test_steps_and_rows() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        tab = await masks(pilot, placed_trace(steps=3, padding=LEFT), "right_square_bracket", "full_stop")
        assert line(tab, "#where") == "step 1 of 0–2, decoding · row 1 of 0–1 · padding: 4 left"
        assert line(tab, "#words").startswith(
            "Query 0 (token 12, “[bold]”) may not see key 0 (“<|im_start|>”): it is padding"
        )
        await press(pilot, "left_square_bracket", "comma")
        assert line(tab, "#where") == "step 0 of 0–2, prefill · row 0 of 0–1 · no padding"
        await pilot.press("ctrl+s")
        await on_screen(pilot, PickScreen)
        await pilot.press("down", "down", "enter")
        await settled(pilot)
        assert line(tab, "#where").startswith("step 2 of 0–2")


async def test_fault_right_padding() -> None:
    async with Quiet().run_test(size=SMALL) as pilot:
        tab = await masks(pilot, placed_trace(padding=RIGHT))
        assert line(tab, "#where").endswith("padding: 4 right")
        assert line(tab, "#worst").startswith("≠ padding side: Row 0 has 4 of padding on the right")
        assert "seen by no query" in text(tab.query_one(MaskMap))[0]


async def test_fault_a_row_without_keys() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        tab = await masks(pilot, placed_trace(mask=keyless()), "enter", "b")
        assert line(tab, "#worst").startswith(
            "≠ keys to see in language_model.layers.0…2.self_attn: 1 token (5) see no key"
        )
        assert text(tab.query_one(GroupsList))[3].startswith("≠ layers 0–2")
        assert "sees nothing" in text(tab.query_one(MaskMap))[0]
        assert "this query sees no key at all" in line(tab, "#words")
        assert tab.query_one(MaskMap).window.cursor == (5, 0)


async def test_fault_a_vision_block_of_the_wrong_kind() -> None:
    trace = placed_trace()
    trace.facts["vision"]["full_blocks"] = [0]
    async with Quiet().run_test(size=WIDE) as pilot:
        tab = await masks(pilot, trace)
        assert "block 0 attends to windows, not whole frames" in line(tab, "#worst")
        assert text(tab.query_one(GroupsList))[1].startswith("≠ vision block 0")


def own_masks() -> torch.Tensor:
    """Of two heads, the second of which looks no further back than three tokens."""
    causal = torch.ones(LENGTH, LENGTH, dtype=torch.bool).tril()
    return torch.stack([causal, causal.triu(-2)])[None]


async def test_heads_with_masks_of_their_own_stand_on_lines_of_their_own() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        tab = await masks(pilot, placed_trace(mask=own_masks()))
        lines = text(tab.query_one(GroupsList))
        assert [" ".join(item.split()[:5]) for item in lines[3:5]] == [
            "layers 0–2, head 0 causal",
            "layers 0–2, head 1 causal,",
        ]
        await press(pilot, "n", "enter", "G", "h")
        assert "may see key 11" not in line(tab, "#words")
        assert tab.query_one("#drawn", Pane).border_title == (
            "layers 0–2, head 1: causal, within a sliding window of 3"
        )
        assert "It sees 3 of 12 keys: 9–11." in line(tab, "#words")
        assert "self_attn head 1" in "\n".join(text(tab.query_one(Account)))


async def test_behind_the_last_mask_it_is_said_that_there_is_none() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        await masks(pilot, placed_trace(), "n")
        assert [note.message for note in pilot.app._notifications] == ["There is no mask after this one."]
        await press(pilot, "p")
        assert len(pilot.app._notifications) == 1
        await press(pilot, "p", "p")
        assert [note.message for note in pilot.app._notifications] == ["There is no mask before this one."]


async def test_masks_of_a_tower_that_ran_twice_say_on_which_pictures() -> None:
    given = inputs("qwen2_5_vl", [[2, ("image", (1, 4, 8)), 3, ("video", (2, 4, 8)), 2]])
    with inspector.capture(model := random_model("qwen2_5_vl")) as trace, torch.no_grad():
        model(**given)
    async with Quiet().run_test(size=WIDE) as pilot:
        tab = await masks(pilot, trace)
        labels = [item.label for item in tab.found.seen] if tab.found is not None else []
        assert labels == [
            "vision block 0 of image 1",
            "vision block 1 of image 1",
            "vision block 0 of video 1",
            "vision block 1 of video 1",
            "layers 0–1",
        ]
        assert " ".join(text(tab.query_one(GroupsList))[4].split()).startswith("vision block 1 of video 1")


async def test_where_room_is_short_the_account_takes_the_place_of_the_mask() -> None:
    async with Quiet().run_test(size=SMALL) as pilot:
        tab = await masks(pilot, placed_trace())
        drawn, account = tab.query_one(MaskMap), tab.query_one(Account)
        assert drawn.size.height >= 6
        assert not account.size.height
        await press(pilot, "x")
        assert account.has_focus
        assert account.size.height >= 6
        await press(pilot, "x", "z")
        assert drawn.has_focus
        assert drawn.size.height >= 12


async def test_without_colours_glyphs_tell_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with Quiet().run_test(size=WIDE) as pilot:
        tab = await masks(pilot, placed_trace(mask=keyless()))
        drawn = text(tab.query_one(MaskMap))
        assert set(drawn[1].strip()) == {"█"}
        assert any(set(row) == {"N"} for row in drawn)


async def test_a_trace_without_kernels_and_one_that_failed_say_so() -> None:
    async with Quiet().run_test(size=WIDE) as pilot:
        tab = await masks(pilot, small_trace())
        assert "attention of its own" in line(tab, "#nothing")
        await opened(pilot, failing_trace())
        await pilot.press("escape", "3")
        await settled(pilot)
        words = line(pilot.app.screen.query_one(MasksTab), "#nothing")
        assert words.startswith("The forward failed in language_model.layers.1.mlp")


async def test_a_mask_that_was_not_kept_says_how_to_keep_it(tmp_path: Path) -> None:
    trace: Any = placed_trace(mask=keyless())
    for call in trace.calls:
        if "attention.mask" in call.inputs and call.path.startswith("language_model"):
            call.inputs["attention.mask"] = call.inputs["attention.mask"].__class__((1, 1, 12, 12), "bool", "cpu")
    async with Quiet().run_test(size=WIDE) as pilot:
        tab = await masks(pilot, trace)
        assert "Trace again with --values 'language_model.layers.0.self_attn:attention.mask'" in line(tab, "#words")


async def test_a_saved_trace_shows_the_same(tmp_path: Path) -> None:
    trace = placed_trace(padding=LEFT)
    async with Quiet().run_test(size=WIDE) as pilot:
        before = text(await masks(pilot, trace, "full_stop"))
        after = text(await masks(pilot, Trace.open(trace.save(tmp_path / "trace")), "full_stop"))
    assert after == before
