"""Pictures in a terminal that draws pixels: which way it takes them, and what it is sent."""

from __future__ import annotations

import io
import re
from base64 import b64decode

import numpy as np
import pytest
from PIL import Image
from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from inspector.tui.widgets import graphics


@pytest.mark.parametrize(
    ("environment", "way"),
    [
        ({}, "blocks"),
        ({"TERM": "xterm-256color"}, "blocks"),
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM_PROGRAM": "iTerm.app"}, "sixel"),
        ({"TERM_PROGRAM": "WezTerm"}, "sixel"),
        ({"TERM": "foot"}, "sixel"),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1"}, "blocks"),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/tmux"}, "blocks"),
        ({"TERM": "xterm-kitty", "INSPECTOR_GRAPHICS": "blocks"}, "blocks"),
        ({"TERM": "xterm-256color", "INSPECTOR_GRAPHICS": "sixel"}, "sixel"),
        ({"TERM": "xterm-kitty", "INSPECTOR_GRAPHICS": "nonsense"}, "kitty"),
    ],
)
def test_the_environment_tells_which_way(environment: dict[str, str], way: str) -> None:
    assert graphics.way(environment) == way


def noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def test_kitty_gets_the_whole_picture_in_pieces() -> None:
    picture = noise(80, 60)
    pieces = re.findall("\x1b_G([^;]*);([^\x1b]*)\x1b\\\\", graphics.kitty(picture, 77, 10, 4))
    assert pieces[0][0] == "a=T,U=1,f=100,q=2,i=77,c=10,r=4,m=1"
    assert {head for head, _ in pieces[1:-1]} == {"m=1"}
    assert pieces[-1][0] == "m=0"
    assert all(len(data) <= graphics.CHUNK for _, data in pieces)
    sent = Image.open(io.BytesIO(b64decode("".join(data for _, data in pieces))))
    assert np.array_equal(np.asarray(sent), np.asarray(picture))
    assert "m=0" in graphics.kitty(Image.new("RGB", (1, 1)), 1, 1, 1)


def test_placeholders_are_characters_of_one_cell_that_can_be_cut() -> None:
    line = graphics.placeholders(12, 3)
    assert cell_len(line) == 12
    cut = Strip([Segment(line)]).crop(2, 5)
    assert "".join(segment.text for segment in cut) == "".join(
        f"{graphics.PLACEHOLDER}{mark}" for mark in ("\u0310\u030e", "\u0310\u0310", "\u0310\u0312")
    )
    assert graphics.most_cells() == 297


def test_numbers_fit_into_a_colour() -> None:
    numbers = [graphics.next_number() for _ in range(3)]
    assert len(set(numbers)) == 3
    assert all(0 < number < 2**24 for number in numbers)


def test_sixels_tell_their_size() -> None:
    assert '"1;1;30;20' in graphics.sixel(noise(30, 20))


def test_without_a_terminal_nothing_is_known_of_its_pixels() -> None:
    assert graphics.cell_pixels() == (0, 0)
