"""What text is written on: how wide it is, and whether it takes colour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TextIO

from rich.color import Color, ColorSystem
from rich.style import Style

from inspector.render.cells import fold

if TYPE_CHECKING:
    from inspector.render.scale import Rgb

STYLES = {
    "title": Style(bold=True),
    "header": Style(bold=True),
    "dim": Style(dim=True),
    "loud": Style(bold=True, color="red"),
}


@dataclass(frozen=True, slots=True)
class Paper:
    """`width` in cells, None for a pipe, where nothing is cut; `colors` None for plain text without any escape."""

    width: int | None = None
    colors: ColorSystem | None = None

    @classmethod
    def of(cls, stream: TextIO) -> Paper:
        """The paper that a stream is: a terminal with its width and colours (none under NO_COLOR), or a pipe."""
        from rich.console import COLOR_SYSTEMS, Console

        console = Console(file=stream)
        if not stream.isatty():
            return cls()
        name = None if console.no_color else console.color_system
        return cls(console.width, COLOR_SYSTEMS[name] if name else None)

    def paint(self, text: str, style: str) -> str:
        """`text` in one of `STYLES`."""
        return STYLES[style].render(text, color_system=self.colors) if self.colors else text

    def prose(self, text: str, style: str) -> Iterator[str]:
        """A sentence in one of `STYLES`, over several lines where the paper is narrow."""
        lines = [text] if self.width is None else fold(text, self.width)
        return (self.paint(line, style) for line in lines)

    def block(self, text: str, front: Rgb | None, back: Rgb | None) -> str:
        """`text` in colours of one's own."""
        return _colored(front, back).render(text, color_system=self.colors) if self.colors else text


@lru_cache(maxsize=4096)
def _colored(front: Rgb | None, back: Rgb | None) -> Style:
    return Style(
        color=None if front is None else Color.from_rgb(*front),
        bgcolor=None if back is None else Color.from_rgb(*back),
    )
