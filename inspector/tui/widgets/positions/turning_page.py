"""By what queries and keys are turned: a token's query and key in one head, and the rotary embeddings of the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widget import Widget

from inspector.parts import Part, Text
from inspector.trace import Trace
from inspector.tui.ends import say_end
from inspector.tui.widgets.line import Line
from inspector.tui.widgets.masks.account import listed
from inspector.tui.widgets.positions.parts_page import PartsPage

if TYPE_CHECKING:
    from inspector.analysis.conversation import Standing
    from inspector.analysis.placement import Placement


class TurningPage(PartsPage):
    """`depth` is the place among the layers with attention, `head` the head, whose query and key are shown."""

    BINDING_GROUP_TITLE = "Turning"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "layer(1)", "Layer", id="turning.layer", tooltip="To the next layer"),
        Binding("p", "layer(-1)", "Layer before", show=False, id="turning.layer_before", tooltip="To the layer before"),
        Binding("e", "head(1)", "Head", id="turning.head", tooltip="To the next head"),
        Binding("E", "head(-1)", "Head before", show=False, id="turning.head_before", tooltip="To the head before"),
    ]

    def __init__(self, trace: Trace, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.trace = trace
        self.depth = 0
        self.head = 0
        self._placed: Sequence[Sequence[Placement]] = ()
        self._standing: Standing | None = None

    def compose(self) -> ComposeResult:
        yield Line(id="chosen")
        yield from super().compose()

    def show_token(self, placed: Sequence[Sequence[Placement]], standing: Standing | None) -> None:
        """Show how a token is turned; `placed` are the placements of the trace."""
        self._placed, self._standing = placed, standing
        self._again()

    def action_layer(self, by: int) -> None:
        before, self.depth = self.depth, max(0, min(self.depth + by, len(self._limits()[0]) - 1))
        self._moved("layer", by, moved=self.depth != before)

    def action_head(self, by: int) -> None:
        before, self.head = self.head, max(0, min(self.head + by, self._limits()[1] - 1))
        self._moved("head", by, moved=self.head != before)

    def _moved(self, name: str, by: int, *, moved: bool) -> None:
        """Show what was gone to; where nothing was, say so."""
        if moved:
            self._again()
        else:
            say_end(self, name, by)

    def _limits(self) -> tuple[list[int], int]:
        """The numbers of the layers with attention, and how many heads of queries the chosen one has."""
        from inspector.analysis.numbering import layer_numbers
        from inspector.analysis.projections import decoder_attention, heads

        if self._standing is None:
            return [0], 1
        calls = decoder_attention(self.trace, self._standing.placement.forward.step)
        numbered = zip(layer_numbers(calls), calls, strict=True)
        own = [(number, call) for number, call in numbered if number is not None]
        if not own:
            return [0], 1
        return [number for number, _ in own], max(1, heads(own[min(self.depth, len(own) - 1)][1], "query"))

    def _again(self) -> None:
        layers, heads = self._limits()
        self.depth, self.head = min(self.depth, len(layers) - 1), min(self.head, heads - 1)
        layer, whole = layers[self.depth], layers == list(range(len(layers)))
        among = f"{len(layers)}" if whole else f"{len(layers)} with attention"
        place = f"layer {layer} of {among} (n, p) · head {self.head} of {heads} (e, E)"
        self.query_one("#chosen", Line).say(place)
        trace, placed, standing, head = self.trace, self._placed, self._standing, self.head
        self.show_parts(lambda: list(made(trace, placed, standing, layer, head)))


def made(
    trace: Trace, placed: Sequence[Sequence[Placement]], standing: Standing | None, layer: int, head: int
) -> Iterator[Part | Widget]:
    """The dimensions of a head, the token's query and key before and after turning, then what turns them."""
    from inspector.tui.widgets.positions.head_bar import HeadBar
    from inspector.views import turning
    from inspector.views.positions import cos_and_sin, held_by, rotation

    held = held_by(trace, placed, standing.placement.forward.step if standing is not None else None)
    decoder = [item for item in held if not item.vision]
    yield from (HeadBar(item) for item in decoder)
    if not decoder:
        yield Text("Turning", "This model does not turn queries and keys by their positions.")
    if standing is not None and standing.place is not None and decoder:
        parts, checks = turning.parts(trace, standing.placement, held, str(standing.local), str(layer), str(head))
        if checks:
            yield Text("Checks", listed(checks))
        yield from parts
    if standing is not None:
        yield from cos_and_sin(trace, standing.placement, held)[0]
    yield from (part for part in rotation(held) if part.kind != "picture")
