"""Text in terminal cells: what cannot be seen made visible, cut and padded to an exact width.

Tokens and names are data. What reaches the screen from here has no control characters, no characters without a width
of their own, and is measured as Textual measures it, so that columns stay aligned under Chinese, Japanese and emoji.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from rich.cells import cell_len, set_cell_size

from inspector.analysis import wording

ELLIPSIS = "…"

JOINERS = {"\u200d", *map(chr, range(0xFE00, 0xFE10))}
"""The zero width joiner and the variation selectors: terminals disagree on the width of what they join or vary."""

SKIN_TONES = range(0x1F3FB, 0x1F400)


@lru_cache(65536)
def visible(text: str, *, spaces: bool = False) -> str:
    """`text` with a stand-in for everything that cannot be seen (see `wording.visible`), safe to stand in a column.

    Joiners are written as escapes. A combining mark with nothing to stand on gets a dotted circle, and a skin tone at
    the start is written as an escape: it would melt into the emoji before it and move everything that follows.
    """
    if text.isascii():
        return wording.visible(text, spaces=spaces)
    shown = wording.visible(text, spaces=spaces)
    shown = "".join(f"\\u{ord(character):04x}" if character in JOINERS else character for character in shown)
    if unicodedata.category(shown[0]).startswith("M"):
        return "◌" + shown
    return f"\\U{ord(shown[0]):08x}{shown[1:]}" if ord(shown[0]) in SKIN_TONES else shown


def width_of(text: str) -> int:
    """Cells that `text` takes."""
    return cell_len(text)


def fit(text: str, width: int, *, right: bool = False) -> str:
    """`text` in exactly `width` cells: padded (on the left with `right`), or cut with `…` at its end."""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + ELLIPSIS if width > 0 else ""
    padding = " " * (width - length)
    return padding + text if right else text + padding


def fit_end(text: str, width: int) -> str:
    """`text` in exactly `width` cells; a long one keeps its end, which tells paths apart."""
    if cell_len(text) <= width or width <= 0:
        return fit(text, width)
    kept = text
    while cell_len(kept) > width - 1:
        kept = kept[1:]
    return fit(ELLIPSIS + kept, width)
