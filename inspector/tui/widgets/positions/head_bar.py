"""The dimensions of a head: by which axis each pair of them turns, and how many positions a full turn takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget

from inspector.analysis.wording import in_short, number
from inspector.tui.widgets.cells import width_of

if TYPE_CHECKING:
    from inspector.analysis.rotary import Rotary

AXES = "thw"
NAMES = ("time", "height", "width")
INKS = ("$text-error", "$text-success", "$text-primary")
GROUNDS = ("$error 30%", "$success 30%", "$primary 30%")
TICKS = 14
"""Cells between two wavelengths, at least."""


class HeadBar(Widget):
    """A cell for each pair, or for several; its letter says time, height or width, or `p` where there is one axis."""

    DEFAULT_CSS = """
    HeadBar { height: auto; padding: 0 1; margin-bottom: 1; }
    """

    def __init__(self, rotary: Rotary) -> None:
        super().__init__()
        self.rotary = rotary

    def render(self) -> Content:
        rotary, width = self.rotary, max(self.content_size.width, 8)
        pairs = len(rotary.inv_freq)
        several = rotary.by_axis
        each = -(-pairs // width)
        axes = [*rotary.axes, *[0] * pairs][:pairs]
        cells = axes[::each]
        wide = max(1, width // max(len(cells), 1))
        lines = [Content("").join([_cell(axis, wide, several=several) for axis in cells])]
        lines.append(Content.styled(ticks(rotary.inv_freq[::each], wide), "$text-muted"))
        lines.append(Content("").join(self._legend(axes, several=several)))
        return Content("\n").join(lines)

    def _legend(self, axes: Sequence[int], *, several: bool) -> Iterator[Content]:
        pairs = len(axes)
        kind = f" of {self.rotary.layer_type}" if self.rotary.layer_type else ""
        yield Content(f"{pairs} pairs{kind}, ")
        if several:
            for axis, name in enumerate(NAMES):
                yield Content.styled(
                    f" {AXES[axis]} {name} {list(axes).count(axis)} ", f"{INKS[axis]} on {GROUNDS[axis]}"
                )
            asked = self.rotary.asked
            total = sum(asked.sections) if asked is not None else pairs
            wrong = f" ≠ the sections sum to {total}" if total != pairs else ""
            yield Content.styled(wrong, "bold $text-error")
        else:
            yield Content("all turned by the position")
        yield Content.styled("; below: positions that a full turn takes" if width_of(kind) < 1 else "", "$text-muted")


def _cell(axis: int, wide: int, *, several: bool) -> Content:
    letter = AXES[axis] if several else "p"
    return Content.styled(
        letter.ljust(wide), f"{INKS[axis]} on {GROUNDS[axis]}" if several else "$text-muted on $panel"
    )


def ticks(frequencies: Sequence[float], wide: int) -> str:
    """Wavelengths below their pairs, as many as stand apart."""
    from inspector.analysis.rope import wavelength

    line = ""
    for place, value in enumerate(frequencies):
        at = place * wide
        if (at and at < len(line) + 2) or at % TICKS >= wide:
            continue
        length = wavelength(value)
        said = number(length) if length < 1000 else in_short(length).replace(" ", "")
        line = f"{line.ljust(at)}└{said}"
    return line
