"""The picture, or a frame of a video, under the attention that falls on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from inspector.analysis.regions import Region
from inspector.tui.widgets.attention import words
from inspector.tui.widgets.attention.looking import Looker, Sight
from inspector.tui.widgets.cells import visible
from inspector.tui.widgets.patch_drawing import Patches, Place
from inspector.tui.widgets.patch_picture import PatchPicture

LEAST = 0.01
"""The share of a patch from which on it is written into it."""


class PicturePane(Vertical):
    """One of the pictures that a look falls on. The query's own patch has a frame; opening one makes it the query."""

    DEFAULT_CSS = """
    PicturePane {
        height: 1fr;
        & > .picture--words { height: 1; padding: 0 1; background: $panel; color: $text-muted; }
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
        yield Static(classes="picture--words", markup=False)

    @property
    def shown(self) -> Region | None:
        """The picture that is shown, of those that the look falls on."""
        regions = [] if self._sight is None else self._sight.regions
        return regions[min(self._number, len(regions) - 1)] if regions else None

    @property
    def title(self) -> str:
        """Which picture of how many, and how much falls on it."""
        region, sight = self.shown, self._sight
        if region is None or sight is None:
            return "Picture"
        at = min(self._number, len(sight.regions) - 1) + 1
        found = f"{at} of {len(sight.regions)} · " if words.several(sight) else ""
        share = "" if sight.probabilities is None else f" · {region.share(sight.probabilities):.1%} of the attention"
        return f"{found}{words.title(region)}{share}"

    def step(self, by: int) -> None:
        """To another picture."""
        if self._sight is not None and self._sight.regions:
            self._number = (min(self._number, len(self._sight.regions) - 1) + by) % len(self._sight.regions)

    def show_sight(self, sight: Sight, looker: Looker) -> None:
        """Show what falls on the picture, over the picture itself once that was read. A query in another one leads."""
        own = _query_key(sight)
        if self._sight is None or _query_key(self._sight) != own or self._sight.spot.step != sight.spot.step:
            holding = [number for number, region in enumerate(sight.regions) if own in region.keys]
            self._number = holding[0] if holding else self._number
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
        labels, most = _percents(heat), sight.brightest
        shown.patches = Patches(region.rows, region.columns, picture, heat, labels, marked, most)
        self._say(*shown.cursor)

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
            said = words.cell_words(sight, region, row, column)
            self.query_one(".picture--words", Static).update(Content(visible(said)), layout=False)


def _percents(heat: Sequence[Sequence[float]] | None) -> list[list[str]] | None:
    """What is written into patches that get a percent or more, where there is room: colours alone do not say it."""
    if heat is None:
        return None
    return [[f"{share:.0%}" if share >= LEAST else "" for share in line] for line in heat]


def _query_key(sight: Sight) -> int:
    """The place of the query among the keys."""
    return sight.query if sight.spot.vision else (sight.spot.token or 0) - sight.offset
