"""Pictures of the real program in a terminal: half blocks, or what kitty and sixel terminals are sent."""

from __future__ import annotations

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
