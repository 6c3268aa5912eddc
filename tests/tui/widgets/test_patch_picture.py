"""A picture with its patches laid over it: where a patch lies, what is drawn, how the cursor goes."""

from __future__ import annotations

import numpy as np
import pytest
from textual.pilot import Pilot

from inspector.tui.widgets.patch_drawing import MARK, WINDOW, Patches, draw
from inspector.tui.widgets.patch_picture import PatchPicture
from tests.tui.widgets.screens import shown, stage, text

WHITE = np.full((40, 60, 3), 255, dtype=np.uint8)


def said(pilot: Pilot[None]) -> list[tuple[str, int, int]]:
    """What the picture told, in order."""
    kinds = (PatchPicture.Chosen, PatchPicture.Opened)
    told = {id(message): message for message in stage(pilot).heard if isinstance(message, kinds)}.values()
    return [(type(message).__name__, message.row, message.column) for message in told]


@pytest.mark.parametrize("size", [(60, 40), (61, 43), (7, 5), (600, 401)])
def test_every_pixel_belongs_to_the_patch_whose_box_holds_it(size: tuple[int, int]) -> None:
    patches = Patches(4, 6)
    for y in range(size[1]):
        for x in range(size[0]):
            left, top, right, bottom = patches.box(patches.at(x, y, *size), *size)
            assert left <= x < right
            assert top <= y < bottom


def test_heat_colours_patches_flatly_and_the_largest_most() -> None:
    heat = [[0.0, 0.1], [0.4, float("nan")]]
    pixels = np.asarray(draw(Patches(2, 2, WHITE, heat), None, 20, 20, grid=False)).astype(int)
    for rows in (slice(0, 10), slice(10, 20)):
        for columns in (slice(0, 10), slice(10, 20)):
            assert len({tuple(pixel) for pixel in pixels[rows, columns].reshape(-1, 3)}) == 1
    assert tuple(pixels[15, 15]) == tuple(pixels[0, 0])
    blues = [pixels[0, 0, 2], pixels[0, 15, 2], pixels[15, 0, 2]]
    assert len(set(blues)) == 3


def test_marked_patches_have_a_frame_and_tiny_ones_are_filled() -> None:
    framed = np.asarray(draw(Patches(2, 2, WHITE, marked=[(0, 1)]), None, 40, 40))
    assert tuple(framed[0, 20]) == MARK
    assert tuple(framed[10, 30]) == (255, 255, 255)
    filled = np.asarray(draw(Patches(20, 20, WHITE, marked=[(0, 1)]), None, 20, 20))
    assert tuple(filled[0, 1]) == MARK


async def test_the_cursor_goes_from_patch_to_patch_and_stays_inside() -> None:
    picture = PatchPicture()
    async with shown(picture, (60, 20)) as pilot:
        picture.patches = Patches(2, 3, WHITE)
        await pilot.press("left", "l", "j", "j", "enter", "G", "g")
        assert said(pilot) == [
            ("Chosen", 0, 1),
            ("Chosen", 1, 1),
            ("Opened", 1, 1),
            ("Chosen", 1, 2),
            ("Chosen", 0, 0),
        ]
        await pilot.click(PatchPicture, offset=(59, 19))
        assert picture.cursor == (1, 2)
        await pilot.click(PatchPicture, offset=(1, 19), times=2)
        assert said(pilot)[-1] == ("Opened", 1, 0)


async def test_the_cursor_stays_inside_when_there_are_fewer_patches() -> None:
    picture = PatchPicture()
    async with shown(picture, (60, 20)):
        picture.patches = Patches(9, 9, WHITE)
        picture.cursor = (8, 8)
        picture.patches = Patches(2, 3, WHITE)
        assert picture.cursor == (1, 2)
        picture.patches = None
        assert not any(text(picture))


async def test_labels_stand_where_there_is_room() -> None:
    picture = PatchPicture()
    async with shown(picture, (60, 20)):
        picture.patches = Patches(2, 3, WHITE, labels=[["one", "", "too long to stand in a patch"], ["", "5", ""]])
        lines = text(picture)
        assert lines[4].index("one") == 8
        assert lines[14].index("5") == 29
        assert not any("too" in line for line in lines)


async def test_without_colours_the_cursor_and_marks_are_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    picture = PatchPicture()
    async with shown(picture, (60, 20)):
        picture.patches = Patches(2, 3, WHITE, marked=[(1, 2)])
        assert sum("X" in line for line in text(picture)) == 1
        assert sum("+" in line for line in text(picture)) == 1
        assert "█" in text(picture)[0]


@pytest.mark.parametrize("ground", [255, 20])
def test_a_cursor_without_room_for_its_seam_stands_out_on_any_ground(ground: int) -> None:
    picture = np.full((20, 20, 3), ground, dtype=np.uint8)
    pixels = np.asarray(draw(Patches(5, 5, picture), (2, 2), 20, 20, grid=False)).astype(int)
    assert abs(pixels[8, 8] - ground).min() > 200


def test_windows_are_told_apart_by_lines_as_bright_as_their_colour_at_any_size() -> None:
    for size in (40, 400):
        pixels = np.asarray(draw(Patches(8, 8, WHITE, windows=4), None, size, size, grid=False))
        assert tuple(pixels[size // 2, 1]) == tuple(pixels[1, size // 2]) == WINDOW
        assert tuple(pixels[size // 4, size // 4]) == (255, 255, 255)


async def test_closer_shows_a_part_that_follows_the_cursor_with_its_texts_and_windows() -> None:
    picture = PatchPicture()
    labels = [[str(row * 40 + column) for column in range(40)] for row in range(24)]
    async with shown(picture, (60, 20)) as pilot:
        picture.patches = Patches(24, 40, WHITE, labels=labels, marked=[(11, 19)], windows=6)
        assert "499" not in "".join(text(picture))
        picture.cursor = (12, 19)
        await pilot.press("plus", "plus", "plus")
        part = picture.shown
        assert part is not None
        assert (picture.zoom, part.rows, part.columns) == (2, 6, 10)
        assert part.marked == [(11 - part.origin[0], 19 - part.origin[1])]
        assert "499" in "".join(text(picture))
        await pilot.click(PatchPicture, offset=(0, 0))
        assert picture.cursor == part.origin
        await pilot.press("end")
        part = picture.shown
        assert part is not None
        assert part.origin == (18, 30)
        await pilot.press("minus", "minus", "minus")
        assert (picture.zoom, picture.shown) == (0, picture.patches)


async def test_fewer_patches_are_seen_no_closer_than_there_are() -> None:
    picture = PatchPicture()
    async with shown(picture, (60, 20)) as pilot:
        picture.patches = Patches(64, 64, WHITE)
        await pilot.press("plus", "plus", "plus", "plus", "plus")
        assert picture.zoom == 4
        picture.patches = Patches(8, 8, WHITE)
        assert picture.zoom == 1
