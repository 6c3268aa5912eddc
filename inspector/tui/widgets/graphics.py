"""Pictures in a terminal that can draw pixels: which way it takes them, and what it is to be sent.

Which way is told from the environment, never asked of the terminal: an answer would come in among the keys. Where
nothing is known, where the program is looked at through tmux or screen, and where no terminal is (tests, a picture of
the screen), pictures are half blocks.

kitty's way with placeholders puts the picture into characters, which may be covered and scrolled like any others; a
sixel picture is drawn over the characters.
"""

from __future__ import annotations

import io
import os
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain, count
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from PIL.Image import Image

Way = Literal["blocks", "kitty", "sixel"]

VARIABLE = "INSPECTOR_GRAPHICS"
"""Environment variable: `blocks`, `kitty` or `sixel`, in place of what the terminal is taken for."""

PLACEHOLDER = "\U0010eeee"
CHUNK = 4096

MARKS = (
    "305 30d-30e 310 312 33d-33f 346 34a-34c 350-352 357 35b 363-36f 483-487 592-595 597-599 59c-5a1 5a8-5a9 5ab-5ac "
    "5af 5c4 610-617 657-65b 65d-65e 6d6-6dc 6df-6e2 6e4 6e7-6e8 6eb-6ec 730 732-733 735-736 73a 73d 73f-741 743 745 "
    "747 749-74a 7eb-7f1 7f3 816-819 81b-823 825-827 829-82d 951 953-954 f82-f83 f86-f87 135d-135f 17dd 193a 1a17 "
    "1a75-1a7c 1b6b 1b6d-1b73 1cd0-1cd2 1cda-1cdb 1ce0 1dc0-1dc1 1dc3-1dc9 1dcb-1dcc 1dd1-1de6 1dfe 20d0-20d1 "
    "20d4-20d7 20db-20dc 20e1 20e7 20e9 20f0 2cef-2cf1 2de0-2dff a66f a67c-a67d a6f0-a6f1 a8e0-a8f1 aab0 aab2-aab3 "
    "aab7-aab8 aabe-aabf aac1 fe20-fe26 10a0f 10a38 1d185-1d189 1d1aa-1d1ad 1d242-1d244"
)
"""The marks that stand for the numbers from 0 on, in kitty's protocol; they bound the size of a picture in cells."""

_numbers = count(os.getpid() % 2**16 * 2**6 + 1)


def way(environment: Mapping[str, str] = os.environ) -> Way:
    """How the terminal of a process with this environment takes pictures."""
    wanted = environment.get(VARIABLE, "")
    if wanted in ("blocks", "kitty", "sixel"):
        return wanted  # type: ignore[return-value]
    terminal, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if "TMUX" in environment or terminal.startswith(("screen", "tmux")):
        return "blocks"
    if "KITTY_WINDOW_ID" in environment or terminal in ("xterm-kitty", "xterm-ghostty") or program == "ghostty":
        return "kitty"
    if program in ("iTerm.app", "WezTerm") or terminal.startswith(("foot", "mlterm", "contour")):
        return "sixel"
    return "blocks"


def cell_pixels() -> tuple[int, int]:
    """Width and height of a character in pixels, of the terminal that Textual draws on; zeros where it does not say."""
    try:
        import fcntl
        import struct
        import termios

        screen = sys.__stderr__
        told = bytes(8) if screen is None else fcntl.ioctl(screen.fileno(), termios.TIOCGWINSZ, bytes(8))
        lines, columns, width, height = struct.unpack("HHHH", told)
    except (ImportError, OSError, ValueError):
        return 0, 0
    return (width // columns, height // lines) if columns and lines else (0, 0)


def next_number() -> int:
    """A number for a picture, which no other of this program has."""
    return next(_numbers) % 2**24


def kitty(picture: Image, number: int, columns: int, lines: int) -> str:
    """What sends a picture, to stand where its placeholders are."""
    file = io.BytesIO()
    picture.save(file, format="PNG", compress_level=1)
    payload = b64encode(file.getvalue()).decode("ascii")
    pieces = [payload[start : start + CHUNK] for start in range(0, len(payload), CHUNK)]
    heads = [f"a=T,U=1,f=100,q=2,i={number},c={columns},r={lines},"] + [""] * (len(pieces) - 1)
    more = [1] * (len(pieces) - 1) + [0]
    return "".join(f"\x1b_G{head}m={m};{piece}\x1b\\" for head, m, piece in zip(heads, more, pieces, strict=True))


def forgotten(number: int) -> str:
    """What lets the terminal forget a picture."""
    return f"\x1b_Ga=d,d=I,i={number},q=2\x1b\\"


def placeholders(columns: int, line: int) -> str:
    """One line of the characters that a picture stands in."""
    marks = _marks()
    return "".join(f"{PLACEHOLDER}{marks[line]}{marks[column]}" for column in range(columns))


def most_cells() -> int:
    """Columns, and lines, that a picture may have."""
    return len(_marks())


def sixel(picture: Image) -> str:
    """A picture as sixels."""
    from textual_image._sixel import image_to_sixels  # its public modules ask the terminal when they are imported

    return image_to_sixels(picture)


@cache
def _marks() -> list[str]:
    spans = (span.partition("-") for span in MARKS.split())
    ranges: Iterator[range] = (range(int(low, 16), int(high or low, 16) + 1) for low, _, high in spans)
    return [chr(code) for code in chain.from_iterable(ranges)]
