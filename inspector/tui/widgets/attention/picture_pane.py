"""The picture, or a frame of a video, under the attention that falls on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from inspector.analysis.regions import Region
from inspector.tui.widgets.attention import words
from inspector.tui.widgets.attention.looking import Looker, Sight
from inspector.tui.widgets.line import Line
from inspector.tui.widgets.patch_drawing import Patches, Place
from inspector.tui.widgets.patch_picture import PatchPicture

LEAST, FAINTEST = 0.0095, 0.0005
"""The shares of a patch from which on it is written in whole percent, and in tenths."""


class PicturePane(Vertical):
    """One of the pictures that a look falls on. The query's own patch has a frame; opening one makes it the query."""

    DEFAULT_CSS = """
    PicturePane {
        height: 1fr;
    }
    """

    @dataclass
    class Taken(Message):
        """A place of a picture is to be the query: its place among the keys."""

        key: int

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._sight: Sight | None = None
        self._number = 0
        self._drawn: object = None

    def compose(self) -> ComposeResult:
        yield PatchPicture()
        yield Line()

    @property
    def shown(self) -> Region | None:
        """The picture that is shown, of those that the look falls on."""
        regions = [] if self._sight is None else self._sight.regions
        return regions[min(self._number, len(regions) - 1)] if regions else None

    def title(self, room: int) -> str:
        """Which picture of how many, and how much falls on it, in so many cells."""
        region, sight = self.shown, self._sight
        if region is None or sight is None:
            return "Picture"
        at = min(self._number, len(sight.regions) - 1) + 1
        found = f"{at} of {len(sight.regions)} · " if len(sight.regions) > 1 else ""
        if sight.probabilities is None:
            return f"{found}{region.name}"
        share = f"{region.share(sight.probabilities):.1%}"
        long = f"{found}{region.name} · {share} of the attention"
        return long if len(long) <= room else f"{found}{region.name} · {share}"

    def step(self, by: int) -> None:
        """To another picture."""
        if self._sight is not None and self._sight.regions:
            self._number = (min(self._number, len(self._sight.regions) - 1) + by) % len(self._sight.regions)

    def show_sight(self, sight: Sight, looker: Looker) -> None:
        """Show what falls on the picture, over the picture itself once that was read. A query in another one leads."""
        own, moved = _query_key(sight), self._sight is None or _asker(self._sight) != _asker(sight)
        if moved:
            self._number = self._leading(sight, own)
        self._sight = sight
        region, shown = self.shown, self.query_one(PatchPicture)
        if region is None:
            shown.patches = None
            return
        picture = looker.picture(region) if looker.has_picture(region) else None
        drawn = sight, self._number, picture is None
        if drawn == self._drawn:
            return
        self._drawn = drawn
        heat = None if sight.probabilities is None else region.map(sight.probabilities)
        marked: list[Place] = [divmod(region.keys.index(own), region.columns)] if own in region.keys else []
        if marked and moved:
            shown.set_reactive(PatchPicture.cursor, marked[0])
        labels, most = _percents(heat), sight.brightest
        shown.patches = Patches(region.rows, region.columns, picture, heat, labels, marked, most)
        self._say(*shown.cursor)

    def _leading(self, sight: Sight, own: int) -> int:
        """The picture that another query is shown with: its own, else the one that is shown, where it is there."""
        before = self.shown
        known = [(region.kind, region.number, region.frame) for region in sight.regions]
        holding = [number for number, region in enumerate(sight.regions) if own in region.keys]
        if not holding and before is not None:
            same = before.kind, before.number, before.frame
            holding = [known.index(same)] if same in known else []
        return holding[0] if holding else self._number

    @on(PatchPicture.Chosen)
    def _chosen(self, event: PatchPicture.Chosen) -> None:
        event.stop()
        self._say(event.row, event.column)

    @on(PatchPicture.Opened)
    def _opened(self, event: PatchPicture.Opened) -> None:
        event.stop()
        region = self.shown
        key = -1 if region is None else region.keys[event.row * region.columns + event.column]
        if key >= 0:
            self.post_message(self.Taken(key))

    def _say(self, row: int, column: int) -> None:
        region, sight = self.shown, self._sight
        if region is not None and sight is not None and row < region.rows and column < region.columns:
            self.query_one(Line).say(*words.cell_words(sight, region, row, column))


def _percents(heat: Sequence[Sequence[float]] | None) -> list[list[str]] | None:
    """What is written into patches, where there is room: colours alone do not say it."""
    return None if heat is None else [[_percent(share) for share in line] for line in heat]


def _percent(share: float) -> str:
    """`12%`, `.4%`, nothing where it would be `.0%`."""
    if share >= LEAST:
        return f"{share:.0%}"
    return f"{share:.1%}".removeprefix("0") if share >= FAINTEST else ""


def _query_key(sight: Sight) -> int:
    """The place of the query among the keys."""
    return sight.query if sight.spot.vision else (sight.spot.token or 0) - sight.offset


def _asker(sight: Sight) -> tuple[object, ...]:
    """All that tells one query from another."""
    spot = sight.spot
    return spot.vision, spot.step, spot.row, spot.run, _query_key(sight)
