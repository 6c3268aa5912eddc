from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from textual.pilot import Pilot

from inspector.analysis.tensors import Reduction
from inspector.tui.widgets.heatmap import HeatMap
from inspector.tui.widgets.palette import STEPS
from inspector.tui.widgets.planes import Cells, ListPlane, Plane
from inspector.tui.widgets.slicing import Slicing
from inspector.tui.widgets.tensor_facts import plane_of
from tests.tui.widgets.screens import shown, stage, text, until


def plane(tensor: torch.Tensor) -> Plane:
    return plane_of(tensor, Slicing.of(tuple(tensor.shape)))


def ramp(rows: int, columns: int) -> torch.Tensor:
    return torch.arange(float(rows * columns)).reshape(rows, columns)


async def drawn(pilot: Pilot[None], found: Plane) -> HeatMap:
    heatmap = pilot.app.query_one(HeatMap)
    heatmap.plane = found
    await settled(pilot)
    return heatmap


async def settled(pilot: Pilot[None]) -> None:
    heatmap = pilot.app.query_one(HeatMap)
    await pilot.pause()
    await until(pilot, lambda: not heatmap._reading and heatmap._wanted is None)


async def press(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await settled(pilot)


class TestPicture:
    async def test_the_whole_fits(self) -> None:
        async with shown(HeatMap(), (60, 20)) as pilot:
            lines = text(await drawn(pilot, plane(ramp(476, 3584))))
        assert lines[0].startswith("476 × 3584 · cell 13–14×59–60")
        assert all(set(line) == {"▀"} and len(line) == 60 for line in lines[2:18])
        assert lines[19].startswith("[12, 58] = 43066  extreme of 767")

    async def test_a_small_plane_fills_the_room(self) -> None:
        async with shown(HeatMap(), (60, 20)) as pilot:
            heatmap = await drawn(pilot, plane(ramp(4, 6)))
            assert heatmap.picture is not None
            assert heatmap.picture.stretch == (8, 8)

    async def test_zoom_and_pan(self) -> None:
        async with shown(HeatMap(), (40, 12)) as pilot:
            heatmap = await drawn(pilot, plane(ramp(200, 300)))
            await press(pilot, "plus", "plus", "plus", "plus", "l", "l", "j")
            assert text(heatmap)[0].startswith("0–19/200 × 0–39/300")
            assert text(heatmap)[11] == "[1, 2] = 302"
            await press(pilot, "L")
            assert heatmap.window.cursor == (1, 42)
            assert text(heatmap)[0].startswith("0–19/200 × 3–42/300")
            await press(pilot, "minus")
            assert text(heatmap)[0].startswith("0–39/200 × 0–79/300 · cell 2×2")
            await press(pilot, "w")
            assert text(heatmap)[0].startswith("200 × 300")

    async def test_the_ends(self) -> None:
        async with shown(HeatMap(), (40, 12)) as pilot:
            heatmap = await drawn(pilot, plane(ramp(20, 30)))
            await press(pilot, "G")
            assert heatmap.window.cursor == (19, 29)
            await press(pilot, "g", "left", "up")
            assert heatmap.window.cursor == (0, 0)

    async def test_the_mouse(self) -> None:
        async with shown(HeatMap(), (40, 12)) as pilot:
            heatmap = await drawn(pilot, plane(ramp(20, 40)))
            await pilot.click(heatmap, offset=(7, 3))
            await settled(pilot)
            assert heatmap.window.cursor == (4, 7)
            assert [(m.row, m.column) for m in stage(pilot).said(HeatMap.Pointed)] == [(4, 7)]
            await pilot.click(heatmap, offset=(7, 3), times=2)
            await settled(pilot)
            assert heatmap.numbers

    async def test_the_same_place_in_another_plane(self) -> None:
        async with shown(HeatMap(), (40, 12)) as pilot:
            await drawn(pilot, plane(ramp(200, 300)))
            await press(pilot, "plus", "plus", "j", "j", "l")
            before = pilot.app.query_one(HeatMap).window
            heatmap = await drawn(pilot, plane(-ramp(200, 300)))
            assert heatmap.window == before
            assert heatmap.picture is not None
            assert heatmap.picture.value < 0

    async def test_reduction_contrast_and_centre(self) -> None:
        async with shown(HeatMap(), (40, 12)) as pilot:
            heatmap = await drawn(pilot, plane(ramp(200, 300)))
            await press(pilot, "m")
            assert text(heatmap)[11] == "[0:10, 0:7]  mean of 70 = 1353"
            before = text(heatmap)[0]
            await press(pilot, "greater_than_sign")
            assert text(heatmap)[0] != before
            await press(pilot, "less_than_sign", "d")
            assert heatmap.picture is not None
            assert heatmap.picture.scale.level(0.0) == -STEPS

    @pytest.mark.parametrize("shape", [(), (1,), (500,), (1, 5000), (5000, 1), (0, 4)])
    @pytest.mark.parametrize("size", [(8, 3), (40, 12)])
    async def test_odd_shapes_and_sizes(self, shape: tuple[int, ...], size: tuple[int, int]) -> None:
        async with shown(HeatMap(), size) as pilot:
            heatmap = await drawn(pilot, plane(torch.ones(shape)))
            await press(pilot, "plus", "G", "v", "j", "l", "minus", "w", "m", "d")
            assert (heatmap.picture is None) == (0 in shape)


class TestNumbers:
    async def test_exact_values_with_their_indices(self) -> None:
        async with shown(HeatMap(), (40, 8)) as pilot:
            heatmap = await drawn(pilot, plane(torch.tensor([[1.5, float("nan")], [-2.25, float("inf")]])))
            await press(pilot, "v", "l")
            lines = text(heatmap)
        assert lines[1].split() == ["0", "1"]
        assert lines[2].split() == ["0", "1.5", "nan"]
        assert lines[3].split() == ["1", "-2.25", "inf"]
        assert lines[4] == "[0, 1] = nan"

    async def test_zooming_in_far_enough_shows_them(self) -> None:
        async with shown(HeatMap(), (40, 12)) as pilot:
            heatmap = await drawn(pilot, plane(ramp(8, 8)))
            await press(pilot, "plus")
            assert heatmap.numbers
            await press(pilot, "minus")
            assert not heatmap.numbers

    async def test_they_scroll_with_the_cursor(self) -> None:
        async with shown(HeatMap(), (40, 12)) as pilot:
            heatmap = await drawn(pilot, plane(ramp(1_000, 1_000)))
            await press(pilot, "v", "G")
            lines = text(heatmap)
            assert lines[1].split()[-1] == "999"
            assert lines[10].split()[0] == "999"
            assert lines[10].split()[-1] == "999999"
            assert lines[11] == "[999, 999] = 999999"

    async def test_large_integers_are_not_rounded(self) -> None:
        async with shown(HeatMap(), (60, 8)) as pilot:
            heatmap = await drawn(pilot, plane(torch.tensor([[2**60 + 1]])))
            assert f"[0, 0] = {2**60 + 1}" in text(heatmap)
            assert heatmap.pointed == ("[0, 0]", 2**60 + 1)


class TestWithoutColours:
    async def test_glyphs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NO_COLOR", "1")
        async with shown(HeatMap(), (40, 8)) as pilot:
            heatmap = await drawn(pilot, ListPlane([[1.0, -1.0, 0.0, float("nan"), float("inf")]]))
            line = text(heatmap)[1]
        assert line[:40] == "████████≡≡≡≡≡≡≡≡        NNNNNNNN∞∞∞∞∞∞∞∞"


class Slow:
    """A plane that is read when the test allows it, and counts how often."""

    rows = columns = 50

    def __init__(self) -> None:
        self.allowed = threading.Event()
        self.reads = 0

    def cells(self, rows: Sequence[int], columns: Sequence[int], how: Reduction) -> Cells:
        self.reads += 1
        self.allowed.wait(5)
        return [[float(row)] * (len(columns) - 1) for row in rows[:-1]]

    def values(self, rows: range, columns: range) -> list[list[Any]]:
        return [[float(row)] * len(columns) for row in rows]

    def sample(self) -> list[float]:
        return [1.0]

    def where(self, row: int | str, column: int | str) -> str:
        return f"[{row}, {column}]"


class TestReading:
    async def test_the_keyboard_does_not_wait_for_a_slow_plane(self) -> None:
        async with shown(HeatMap(), (20, 12)) as pilot:
            heatmap, slow = pilot.app.query_one(HeatMap), Slow()
            heatmap.plane = slow
            await pilot.press("plus", "plus", "j", "j", "l")
            assert heatmap.window.cursor != (0, 0)
            slow.allowed.set()
            await settled(pilot)
            assert heatmap.picture is not None
            assert heatmap.picture.window == heatmap.window
            assert slow.reads <= 3

    async def test_a_plane_that_was_left_is_not_shown(self) -> None:
        async with shown(HeatMap(), (20, 12)) as pilot:
            heatmap, slow = pilot.app.query_one(HeatMap), Slow()
            heatmap.plane = slow
            await asyncio.sleep(0.05)
            heatmap.plane = ListPlane([[7.0]])
            slow.allowed.set()
            await settled(pilot)
            assert heatmap.picture is not None
            assert heatmap.picture.value == 7.0

    async def test_what_cannot_be_read_is_said(self) -> None:
        class Broken(Slow):
            def cells(self, rows: Sequence[int], columns: Sequence[int], how: Reduction) -> Cells:
                raise OSError("the file has gone")

        async with shown(HeatMap(), (60, 12)) as pilot:
            heatmap = await drawn(pilot, Broken())
            assert text(heatmap)[0] == "These values cannot be read: the file has gone"
            await drawn(pilot, ListPlane([[7.0]]))
            assert heatmap.pointed == ("[0, 0]", 7.0)
