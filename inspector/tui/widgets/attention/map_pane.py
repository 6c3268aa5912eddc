"""The map of a look: the entropy of every head over the layers, every head over the keys, or queries over keys."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message

from inspector.analysis.wording import number
from inspector.tui.widgets.attention.looking import Looker, Sight
from inspector.tui.widgets.attention.matrix import Matrix
from inspector.tui.widgets.attention.words import layers, names
from inspector.tui.widgets.heatmap import HeatMap
from inspector.tui.widgets.line import Line
from inspector.tui.widgets.planes import ListPlane, TensorPlane

if TYPE_CHECKING:
    from torch import Tensor

MODES = ("entropy", "heads", "matrix")


class MapPane(Vertical):
    """A heatmap. Moving in it chooses: layer and head among entropies, a head among heads, with enter a query."""

    DEFAULT_CSS = """
    MapPane {
        height: 1fr;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "As query", id="attention.row", tooltip="Make the query under the cursor the one"),
    ]

    @dataclass
    class Chosen(Message):
        """Another head, and perhaps another layer, is to be looked at."""

        layer: int | None
        head: int

    @dataclass
    class Taken(Message):
        """Another query of the same call is to be looked at, by its place."""

        query: int

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.mode = "entropy"
        self._sight: Sight | None = None
        self._drawn: object = None

    def compose(self) -> ComposeResult:
        heatmap = HeatMap()
        heatmap.set_reactive(HeatMap.centred, False)
        heatmap.set_reactive(HeatMap.reduction, "max")
        yield heatmap
        yield Line()

    @property
    def title(self) -> str:
        if self.mode == "entropy":
            return "Entropy by layer and head"
        if self._sight is None:
            return "…"
        return "Every head over the keys" if self.mode == "heads" else f"Head {self._head}: queries over keys"

    def turn(self) -> None:
        """To the next map."""
        self.mode = MODES[(MODES.index(self.mode) + 1) % len(MODES)]
        self._drawn = None

    def show_sight(self, sight: Sight, looker: Looker, *, whole: bool) -> None:
        """Show a look, as far as it is worked out. `whole` says that nothing more is to come."""
        self._sight = sight
        if sight.problem:  # no number is known, and those of another look must not stay
            self._drawn = None
            self.query_one(HeatMap).plane = None
            self._say("")
            return
        if self.mode == "entropy":
            self._show_entropies(sight, whole=whole)
        elif self.mode == "heads" and sight.of_heads is not None and self._drawn is not sight.of_heads:
            self._draw(sight.of_heads, _heads(sight, sight.of_heads), centred=True)
        elif self.mode == "matrix" and sight.probabilities is not None:
            first = 0 if sight.spot.vision else (sight.spot.token or 0) - sight.query
            key = ("matrix", sight.kernel.call.index, sight.spot.row, self._head)
            if self._drawn != key:
                named = names(sight, "query", first), names(sight, "key", sight.offset)
                self._draw(key, Matrix(looker.attention(sight), self._head, *named), centred=True)
        self._put_cursor(sight)

    @property
    def _head(self) -> int:
        """The head whose matrix is shown: the first of those that are looked at."""
        return 0 if self._sight is None else self._sight.heads.start

    def _show_entropies(self, sight: Sight, *, whole: bool) -> None:
        known = [line for line in sight.entropies if line]
        if not whole and len(known) < len(sight.entropies):
            return
        most = max((len(line) for line in known), default=0)
        lines = [[*line, *[math.nan] * (most - len(line))] for line in sight.entropies]
        if lines != self._drawn and most:
            self._draw(lines, Entropies(lines, layers(sight)), centred=False)
        self._say("down: layers · across: heads · low for few keys", "layers down, heads across")

    def _draw(self, key: object, plane: Entropies | TensorPlane | Matrix, *, centred: bool) -> None:
        self._drawn = key
        heatmap = self.query_one(HeatMap)
        heatmap.set_reactive(HeatMap.centred, centred)
        heatmap.plane = plane
        if isinstance(plane, Matrix):
            sampled = " · of many queries a cell shows one" if plane.sampled else ""
            order = ", both in window order" if self._reordered else ""
            short = "queries down, keys across"
            self._say(
                f"down: queries · across: keys{order} · enter: look from there{sampled}", f"{short}{order}", short
            )
        elif isinstance(plane, TensorPlane):
            order = " in window order" if self._reordered else ""
            short = "heads down, keys across"
            self._say(f"down: heads · across: keys{order}, the largest that a cell covers", f"{short}{order}", short)

    @property
    def _reordered(self) -> bool:
        patches = None if self._sight is None else self._sight.patches
        return patches is not None and patches.reordered

    def _put_cursor(self, sight: Sight) -> None:
        """Put the cursor on what is looked at."""
        heatmap = self.query_one(HeatMap)
        row, column = heatmap.window.cursor
        if self.mode == "entropy":
            row = sight.spot.layer
            column = column if column in sight.heads else sight.heads.start
        elif self.mode == "heads":
            row = row if row in sight.heads else sight.heads.start
        else:
            row = sight.query
        if heatmap.plane is not None and (row, column) != heatmap.window.cursor:
            with heatmap.prevent(HeatMap.Pointed):
                heatmap.look(heatmap.window.at(row, column))

    @on(HeatMap.Pointed)
    def _pointed(self, event: HeatMap.Pointed) -> None:
        event.stop()
        if self.mode == "entropy":
            self.post_message(self.Chosen(event.row, event.column))
        elif self.mode == "heads":
            self.post_message(self.Chosen(None, event.row))

    def action_take(self) -> None:
        if self.mode == "matrix":
            self.post_message(self.Taken(self.query_one(HeatMap).window.cursor[0]))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "take" or self.mode == "matrix"

    def _say(self, *wordings: str) -> None:
        self.query_one(Line).say(*wordings)


@dataclass(frozen=True, slots=True)
class Entropies(ListPlane):
    """Layers down, by their names, heads across."""

    layers: Sequence[str] = ()

    def where(self, row: int | str, column: int | str) -> str:
        name = self.layers[row] if isinstance(row, int) and row < len(self.layers) else row
        return f"layer {name}, head {column}"

    def said(self, value: float) -> str:
        return f"{number(value)} nats"


@dataclass(frozen=True, slots=True)
class Heads(TensorPlane):
    """Heads down, keys across."""

    def said(self, value: float) -> str:
        return number(value)


def _heads(sight: Sight, of_heads: Tensor) -> Heads:
    key = names(sight, "key", sight.offset)
    return Heads(of_heads, lambda row, column: f"head {row}, {key(column)}")
