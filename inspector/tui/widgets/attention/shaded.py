"""The tokens as running text, each on a ground as bright as the attention that it gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from rich.color import Color
from rich.style import Style
from textual.color import Color as Shade

from inspector.analysis.wording import number
from inspector.tui.widgets.attention.looking import Sight
from inspector.tui.widgets.token_flow import TokenFlow
from inspector.tui.widgets.token_items import Item, Piece

STEPS = 16
"""Shades between no attention and the most."""

SOON = 0.045
"""Seconds for which the cursor waits for the look that it asks for. Painted before it, it would have it wait up to
two sixtieths of a second more, which is how far apart Textual's paints are.
"""

PLAINLY = ((0.5, Style(reverse=True, bold=True)), (0.15, Style(bold=True, underline=True)), (0.04, Style(bold=True)))
"""Without colours: from which share of the most on which style."""


class ShadedFlow(TokenFlow):
    """Items under the attention of `sight`. The cursor stands on the query.

    The first key is left out when the most is looked for: it often takes what nothing else gets, and would leave all
    else dark.
    """

    DEFAULT_CSS = """
    ShadedFlow {
        & > .flow--lit { color: $background; background: $warning; }
        & > .flow--bare { color: $foreground; background: $surface; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"flow--lit", "flow--bare"}

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._sight: Sight | None = None
        self._shares: Sequence[float] = ()
        self._most = 0.0
        self._shades: dict[int, Style] = {}
        self._inks: dict[str, Style] = {}
        self._bounds: Sequence[Any] = ([], [])
        self._late: set[int] = set()

    @property
    def most(self) -> float:
        """The probability that is drawn brightest."""
        return self._most

    def light(self, sight: Sight | None) -> None:
        """Shade by another look."""
        self._sight = None if sight is None or sight.probabilities is None else sight
        self._most = 0.0 if self._sight is None else _most(self._sight)
        self._share_out()
        self._late.clear()
        self.refresh()

    def refresh_piece(self, number: int) -> None:
        if not self._late:
            self.set_timer(SOON, self._refresh_late)
        self._late.add(number)

    def _refresh_late(self) -> None:
        """Show where the cursor stands: its look takes longer."""
        for number_ in self._late:
            super().refresh_piece(number_)
        self._late.clear()

    def notify_style_update(self) -> None:
        self._shades.clear()
        self._inks.clear()
        super().notify_style_update()

    def hint(self, number_: int) -> str | None:
        said = super().hint(number_)
        share = self._share(number_)
        return said if share is None else f"{said}\nprobability {number(share)}"

    def show_items(self, items: Sequence[Item], cursor: int = 0) -> None:
        import numpy as np

        starts, stops = [item.token.index for item in items], [item.end.index + 1 for item in items]
        self._bounds = np.array(starts), np.array(stops)
        self._share_out()
        super().show_items(items, cursor)

    def _share_out(self) -> None:
        """How much each item gets."""
        self._shares = () if self._sight is None else self._sight.shares(*self._bounds)

    def _share(self, place: int) -> float | None:
        """How much an item gets; None where that is not known, and for what comes after the query and gets nothing."""
        if self._sight is None:
            return None
        share = self._shares[place]
        return None if not share and self._items[place].token.index > (self._sight.spot.token or 0) else share

    def _style(self, piece: Piece) -> Style:
        if piece.number == self.cursor:
            return self._ink("flow--cursor")
        share = self._share(piece.number)
        if share is None or piece.number in self._quiet:
            return self._ink("flow--pad")
        level = min(1.0, share / self._most) if self._most > 0 else 0.0
        if self.app.no_color:
            return next((style for least, style in PLAINLY if level >= least), Style())
        shade = round(STEPS * level**0.5)
        if shade not in self._shades:
            self._shades[shade] = self._shade(shade / STEPS)
        return self._shades[shade]

    def _ink(self, name: str) -> Style:
        key = f"{name} {self.has_focus}"
        if key not in self._inks:
            self._inks[key] = self.get_component_rich_style(name)
        return self._inks[key]

    def _shade(self, share: float) -> Style:
        """From the plain ground to the lit one."""
        bare, lit = (self.get_component_styles(f"flow--{name}") for name in ("bare", "lit"))
        ground = bare.background.blend(lit.background, share)
        front = max((bare.color, lit.color), key=lambda colour: _contrast(colour, ground))
        return Style(color=Color.from_rgb(*front.rgb), bgcolor=Color.from_rgb(*ground.rgb))


def _contrast(one: Shade, other: Shade) -> float:
    return abs(one.brightness - other.brightness)


def _most(sight: Sight) -> float:
    """The largest probability but that of the first token."""
    assert sight.probabilities is not None
    start = 1 if sight.offset == 0 and sight.kernel.keys > 1 else 0
    return float(sight.probabilities[start:].nan_to_num(0).max())
