"""A mask drawn: queries down, keys across, from all of it down to one cell a query and key."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.strip import Strip

from inspector.tui.widgets import heatmap_lines as lines
from inspector.tui.widgets.cells import fit, width_of
from inspector.tui.widgets.heatmap import FOOTER, KEYS, HeatMap
from inspector.tui.widgets.masks.palette import MaskPalette
from inspector.tui.widgets.masks.plane import BLIND, NOBODY, SEEN, MaskPlane
from inspector.tui.widgets.palette import glyph
from inspector.tui.widgets.pictures import Look, Picture, read

WITHOUT = {"reduction", "narrow", "wide", "centre"}
"""Keys of a heatmap that say nothing on a mask."""

LEGEND = ((SEEN, "seen"), (NOBODY, "seen by no query"), (BLIND, "sees nothing"))


class MaskMap(HeatMap, inherit_bindings=False):
    """Shows a `MaskPlane`. Where a cell is one query and one key, exact values are `1` and `0`."""

    BINDING_GROUP_TITLE = "Mask"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(key, action, FOOTER.get(name, tooltip), name in FOOTER, id=f"heatmap.{name}", tooltip=tooltip)
            for key, action, name, tooltip in KEYS
            if name not in WITHOUT
        ),
        Binding("d", "diagonal", "Own key", show=False, id="mask.diagonal", tooltip="To the key of the query itself"),
        Binding("b", "blind(1)", "Sees nothing", id="mask.blind", tooltip="To the next query that sees no key"),
        Binding(
            "B",
            "blind(-1)",
            "Sees nothing, before",
            show=False,
            id="mask.blind_before",
            tooltip="To the query before that sees no key",
        ),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "blind":
            return isinstance(self.plane, MaskPlane) and bool(self.plane.blind.any())
        return True

    def action_diagonal(self) -> None:
        """To the key that stands as far from the last one as the query from the last query."""
        if isinstance(self.plane, MaskPlane):
            row = self.window.rows.cursor
            self.look(self.window.at(row, max(0, row + self.plane.columns - self.plane.rows)))

    def action_blind(self, by: int) -> None:
        """To the next query that sees no key, or the one before, around the end."""
        plane = self.plane
        if not isinstance(plane, MaskPlane) or not plane.blind.any():
            return
        places = plane.blind.nonzero()[0]
        row, column = self.window.cursor
        ahead = places[places > row] if by > 0 else places[places < row][::-1]
        to = ahead[0] if len(ahead) else places[0 if by > 0 else -1]
        self.look(self.window.at(int(to), column))

    async def answer(self, look: Look, before: Picture | None) -> Picture:
        """Read at once: a part of a mask of any size takes less time than a thread to begin."""
        return read(look, before)

    def palette(self) -> MaskPalette:
        found = super().palette()
        return MaskPalette(found.background, found.dark)

    def _paint(self) -> list[Strip]:
        strips = super()._paint()
        if self.picture is None or len(strips) < 2:
            return strips
        base = self.rich_style
        quiet = self.get_component_rich_style("heatmap--quiet", partial=True)
        width = self.size.width
        extent = lines.extent(self.picture)
        legend = self._legend(width - width_of(extent) - 1)
        room = width - sum(width_of(segment.text) for segment in legend)
        head = Strip([Segment(fit(extent, max(room, 0)), quiet), *legend])
        last = Strip([Segment(fit(covered(self.picture), width), quiet)])
        strips[0], strips[-1] = (strip.apply_style(base).crop_extend(0, width, base) for strip in (head, last))
        return strips

    def _legend(self, room: int) -> list[Segment]:
        """What the colours stand for, as far as they occur and there is room."""
        plane = self.plane
        if not isinstance(plane, MaskPlane):
            return []
        occurs = {SEEN: True, NOBODY: plane.spans.visible is not None, BLIND: bool(plane.blind.any())}
        found: list[Segment] = []
        for value, word in LEGEND:
            if not occurs[value] or room < len(word) + 5:
                continue
            room -= len(word) + 5
            found += [Segment("  "), self._sample(value), Segment(f" {word}")]
        return found

    def _sample(self, value: float) -> Segment:
        assert self.picture is not None
        level = self.picture.scale.level(value)
        if self.app.no_color:
            return Segment(glyph(level) * 2)
        return Segment("██", Style(color=self.palette().halves(level, level).color))


def covered(picture: Picture) -> str:
    """The query and key under the cursor; of a coarser cell, what it covers and how much of that is seen."""
    rows, columns = picture.window.rows.covered, picture.window.columns.covered
    if len(rows) * len(columns) <= 1:
        return f"query {rows.start} · key {columns.start}"
    plane = picture.look.plane
    share = ""
    if isinstance(plane, MaskPlane):
        [[seen]] = plane.spans.cells([rows.start, rows.stop], [columns.start, columns.stop])
        share = f": {100 * seen:.3g} % seen"
    return f"{_named('query', 'queries', rows)} · {_named('key', 'keys', columns)}{share}"


def _named(one: str, many: str, part: range) -> str:
    return f"{one} {part.start}" if len(part) == 1 else f"{many} {part.start}–{part.stop - 1}"
