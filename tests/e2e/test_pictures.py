"""Pictures of the real program in a terminal: half blocks, or what kitty and sixel terminals are sent."""

from __future__ import annotations

import re
import struct
import sys
import termios
from fcntl import ioctl
from pathlib import Path

import pytest

from inspector.tui.widgets.graphics import PLACEHOLDER
from tests.e2e.terminal import Terminal, question

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")

SIZE = (110, 44)
SENT = {"blocks": "▀".encode(), "kitty": b"\x1b_Ga=T,U=1,f=100", "sixel": b"\x1bP0;0;0q"}


@pytest.mark.parametrize("way", ["blocks", "kitty", "sixel"])
def test_attention_over_a_picture(tiny: Path, tmp_path: Path, way: str) -> None:
    with Terminal(*question(tiny), home=tmp_path, size=SIZE, INSPECTOR_GRAPHICS=way) as terminal:
        ioctl(terminal.process.child_fd, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 880, 576))
        terminal.wait_for("Calls", "Tensors")
        terminal.send("4")
        terminal.wait_for("of the attention", "Most attended", "Entropy")
        terminal.wait_until(lambda: SENT[way] in terminal.raw, f"a picture as {way}")
        for other in {"kitty", "sixel"} - {way}:
            assert SENT[other] not in terminal.raw
        if way == "kitty":
            terminal.wait_until(lambda: PLACEHOLDER.encode() in terminal.raw, "placeholders")
        terminal.send("eq")
        assert terminal.wait_for_end() == 0
    if way == "kitty":
        sent, forgotten = terminal.raw.count(b"a=T,"), terminal.raw.count(b"a=d,")
        assert forgotten >= sent, "the terminal keeps no picture of a program that has ended"


def pixels(terminal: Terminal, size: tuple[int, int]) -> None:
    """Give the terminal a size, with characters of 8 by 12 pixels or so."""
    ioctl(
        terminal.process.child_fd, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 8 * size[0], 12 * size[1])
    )


def pieces(raw: bytes) -> list[tuple[dict[str, str], int]]:
    """Every command of kitty's protocol: its keys, and how long its data is."""
    found = re.findall(rb"\x1b_G([^;\x1b]*)(?:;([^\x1b]*))?\x1b\\", raw)
    return [(dict(pair.split("=") for pair in keys.decode().split(",")), len(data)) for keys, data in found]


def on_terminal(raw: bytes) -> set[str]:
    """The numbers of the pictures that the terminal keeps."""
    kept: set[str] = set()
    for keys, _ in pieces(raw):
        if keys.get("a") == "T":
            kept.add(keys["i"])
        elif keys.get("a") == "d":
            assert keys["d"] == "I", "its data is given back too"
            kept.discard(keys["i"])
    return kept


def test_kitty_keeps_the_picture_that_is_seen_and_no_other(tiny: Path, tmp_path: Path) -> None:
    with Terminal(*question(tiny), home=tmp_path, size=SIZE, INSPECTOR_GRAPHICS="kitty") as terminal:
        pixels(terminal, SIZE)
        terminal.wait_for("Calls", "Tensors")
        terminal.send("4")
        terminal.wait_for("of the attention")
        terminal.wait_until(lambda: PLACEHOLDER in terminal.text, "placeholders")
        (first,) = on_terminal(terminal.raw)
        terminal.send("1")
        terminal.wait_for("of the attention", gone=True)
        terminal.wait_until(lambda: not on_terminal(terminal.raw), "the picture to be given back")
        assert PLACEHOLDER not in terminal.text
        terminal.send("4")
        terminal.wait_until(lambda: len(on_terminal(terminal.raw)) == 1, "another picture")
        assert on_terminal(terminal.raw) != {first}
        size = SIZE[0] - 30, SIZE[1]
        before = len(pieces(terminal.raw))
        terminal.screen.resize(size[1], size[0])
        terminal.process.setwinsize(size[1], size[0])
        pixels(terminal, size)
        terminal.wait_until(
            lambda: len(pieces(terminal.raw)) > before and len(on_terminal(terminal.raw)) == 1, "resize"
        )
        terminal.send("q")
        assert terminal.wait_for_end() == 0
    assert not on_terminal(terminal.raw)
    for keys, length in pieces(terminal.raw):
        assert length <= 4096
        assert length % 4 == 0 or keys.get("m") == "0"


def test_where_a_number_cannot_be_written_as_a_colour_kitty_gets_half_blocks(tiny: Path, tmp_path: Path) -> None:
    with Terminal(
        *question(tiny), home=tmp_path, size=SIZE, INSPECTOR_GRAPHICS="kitty", TERM="xterm-kitty", COLORTERM=""
    ) as terminal:
        terminal.wait_for("Calls", "Tensors")
        terminal.send("4")
        terminal.wait_for("of the attention", "▀")
        terminal.send("q")
        assert terminal.wait_for_end() == 0
    assert SENT["kitty"] not in terminal.raw
