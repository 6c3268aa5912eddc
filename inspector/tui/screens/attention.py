"""Tab 4: where a query looks, over the tokens, over the pictures, by head and by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from inspector.analysis.regions import Region
from inspector.parts import Part
from inspector.trace import Trace
from inspector.tui.panes import Pane
from inspector.tui.runs import Run
from inspector.tui.screens.pick import PickScreen
from inspector.tui.widgets.attention import lists, words
from inspector.tui.widgets.attention.columns import Columns
from inspector.tui.widgets.attention.heads_bar import HeadsBar
from inspector.tui.widgets.attention.looking import Looker, Sight
from inspector.tui.widgets.attention.map_pane import MapPane
from inspector.tui.widgets.attention.missing import Missing
from inspector.tui.widgets.attention.picture_pane import PicturePane
from inspector.tui.widgets.attention.spot import Spot, choices, widened
from inspector.tui.widgets.attention.tokens import LitTokens
from inspector.tui.widgets.attention.top_list import TopList
from inspector.tui.widgets.attention.watching import Watching
from inspector.tui.widgets.attention.where_bar import WhereBar
from inspector.tui.widgets.cells import visible

KEYS = (
    ("n", "layer(1)", "Layer", "layer", "To the next layer"),
    ("p", "layer(-1)", "Layer before", "layer_before", "To the layer before"),
    ("e", "head(1)", "Head", "head", "To the next head, or group of heads"),
    ("E", "head(-1)", "Head before", "head_before", "To the head before, or group of heads"),
    ("a", "widen", "Average", "average", "One head, the mean of those that share its keys, the mean of all"),
    ("right_square_bracket", "step(1)", "Step", "step", "To the next step"),
    ("left_square_bracket", "step(-1)", "Step before", "step_before", "To the step before"),
    ("full_stop", "row(1)", "Row", "row_after", "To the next row of the batch"),
    ("comma", "row(-1)", "Row before", "row_before", "To the row before in the batch"),
    ("t", "tower", "Tower", "tower", "The attention of the vision tower, or of the decoder"),
    ("right_parenthesis", "picture(1)", "Picture", "picture", "To the next picture or frame"),
    ("left_parenthesis", "picture(-1)", "Picture before", "picture_before", "To the picture or frame before"),
    ("x", "map", "Map", "map", "Entropy by layer and head, heads over keys, or queries over keys"),
    ("ctrl+l", "choose('layer')", "Layers", "layers", "Choose a layer from a list"),
    ("ctrl+e", "choose('head')", "Heads", "heads", "Choose heads from a list"),
    ("ctrl+t", "choose('query')", "Queries", "queries", "Choose the query from a list"),
    ("ctrl+s", "choose('step')", "Steps", "steps", "Choose a step from a list"),
)
FOOTER = ("layer", "head", "average", "step", "map", "tower")
SIGNS = {
    "right_square_bracket": "]",
    "left_square_bracket": "[",
    "full_stop": ".",
    "comma": ",",
    "right_parenthesis": ")",
    "left_parenthesis": "(",
}


class AttentionTab(Vertical):
    """Keeps the panes on one look. Where room is short one pane stands on each side, or one alone."""

    DEFAULT_CSS = """
    AttentionTab {
        & #facts { height: 1; padding: 0 1; background: $panel; color: $text-muted; text-wrap: nowrap; }
        & #tokens { height: 3fr; }
        & #top { height: 2fr; }
        & #picture { height: 3fr; }
        & #map { height: 2fr; }
        &.-nothing Columns, &.-nothing WhereBar, &.-nothing HeadsBar, &.-nothing #facts { display: none; }
    }
    """
    BINDING_GROUP_TITLE = "Attention"
    HELP = """Where one token looks: the probabilities of its query over all keys, in one layer, by one head or as the
mean of several. They are worked out on demand, in float32, from the query, key, mask and scaling that the kernel got.

The cursor in the text stands on the query; the brighter a token, the more it gets. The first token often takes what
nothing else gets: it is left out when the brightness is scaled. Grey tokens come after the query. In the picture the
same, patch by patch; the query's own place has a frame. In the map of entropies a row is a layer and a column a head;
moving in it chooses both."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, action, text, name in FOOTER, SIGNS.get(key), id=f"attention.{name}", tooltip=tooltip)
        for key, action, text, name, tooltip in KEYS
    ]

    def __init__(self, trace: Trace, how: str = "") -> None:
        """`how` says how the trace was asked for, where values are missing."""
        super().__init__()
        self.trace = trace
        self._how = how
        self._able: object = None
        self.spot = Spot()
        self.sight: Sight | None = None
        self.watching = Watching(self, Looker(trace), self._show, self._region, self._fail)

    def compose(self) -> ComposeResult:
        yield WhereBar()
        yield HeadsBar()
        yield Static(id="facts", markup=False)
        yield Missing()
        yield Columns(
            [Pane("Tokens", LitTokens(), id="tokens"), Pane("Most attended", TopList(), id="top")],
            [Pane("Picture", PicturePane(), id="picture"), Pane("Entropy", MapPane(), id="map")],
        )

    def on_mount(self) -> None:
        self.go()

    def on_unmount(self) -> None:
        self.watching.close()

    def go(self, **changes: Any) -> None:
        """Look at something else; what is not named stays."""
        self.spot = replace(self.spot, **changes)
        self.watching.ask(self.spot)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        sight = self.sight
        if sight is None:
            return action not in ("row", "tower", "picture", "step")
        survey = self.watching.looker.survey
        return {
            "row": sight.kernel.batch > 1,
            "tower": bool(survey.vision_steps and survey.decoder_steps),
            "picture": len(sight.regions) > 1,
            "step": len(survey.steps) > 1,
        }.get(action, True)

    def action_layer(self, by: int) -> None:
        if self.sight is not None:
            self.go(layer=max(0, min(self.spot.layer + by, len(self.sight.kernels) - 1)))

    def action_head(self, by: int) -> None:
        if self.sight is not None:
            found = list(choices(self.sight.kernel.heads, self.sight.kernel.group))
            at = found.index(self.spot.heads) if self.spot.heads in found else 0
            self.go(heads=found[max(0, min(at + by, len(found) - 1))])

    def action_widen(self) -> None:
        if self.sight is not None:
            self.go(heads=widened(self.spot.heads, self.sight.kernel.group))

    def action_step(self, by: int) -> None:
        if self.sight is not None:
            survey = self.watching.looker.survey
            steps = survey.vision_steps if self.spot.vision else survey.decoder_steps
            at = steps.index(self.spot.step) if self.spot.step in steps else 0
            self.go(step=steps[max(0, min(at + by, len(steps) - 1))], token=None, patch=None)

    def action_row(self, by: int) -> None:
        self.go(row=max(0, self.spot.row + by))

    def action_tower(self) -> None:
        self.go(vision=not self.spot.vision, layer=10**9)

    def action_picture(self, by: int) -> None:
        self.query_one(PicturePane).step(by)
        self.watching.ask(self.spot)

    def action_map(self) -> None:
        self.query_one(MapPane).turn()
        self.query_one(Columns).go(self.query_one("#map", Pane))
        self.watching.ask(self.spot)

    @work(exclusive=True, group="choosing")
    async def action_choose(self, what: str) -> None:
        if self.sight is None:
            return
        offered = lists.offered(what, self.sight, self.watching.looker.survey)
        picked = await self.app.push_screen_wait(PickScreen(offered.title, offered.lines, offered.at))
        if picked is not None:
            self.go(**offered.changes(picked))

    @on(WhereBar.Choosing)
    def _choosing(self, event: WhereBar.Choosing) -> None:
        event.stop()
        self.action_choose(event.what)

    @on(HeadsBar.Chosen)
    def _heads(self, event: HeadsBar.Chosen) -> None:
        event.stop()
        self.go(heads=event.choice)

    @on(LitTokens.Asked)
    def _token(self, event: LitTokens.Asked) -> None:
        event.stop()
        self.go(token=event.token)

    @on(TopList.Opened)
    def _key(self, event: TopList.Opened) -> None:
        event.stop()
        self._take(event.key)

    @on(PicturePane.Taken)
    def _patch(self, event: PicturePane.Taken) -> None:
        event.stop()
        self._take(event.key)

    @on(MapPane.Chosen)
    def _map(self, event: MapPane.Chosen) -> None:
        event.stop()
        self.go(heads=("head", event.head), layer=self.spot.layer if event.layer is None else event.layer)

    @on(MapPane.Taken)
    def _query(self, event: MapPane.Taken) -> None:
        event.stop()
        if self.sight is not None and not self.spot.vision:
            self.go(token=(self.sight.spot.token or 0) - self.sight.query + event.query)
        elif self.sight is not None:
            self.go(patch=list(self.sight.places).index(event.query))

    def _take(self, key: int) -> None:
        """Make a key the query."""
        if self.sight is not None and self.spot.vision and key in self.sight.places:
            self.go(patch=list(self.sight.places).index(key))
        elif self.sight is not None and not self.spot.vision:
            self.go(token=key + self.sight.offset)

    def _region(self, sight: Sight) -> Region | None:
        return self.query_one(PicturePane).shown

    def _fail(self, why: str, parts: Sequence[Part]) -> None:
        """Nothing can be looked at in this trace."""
        self.set_class(True, "-nothing")
        self.query_one(Missing).say(why, parts)

    def _show(self, sight: Sight, whole: bool) -> None:
        """Show a look in every pane. What was asked meanwhile stays asked."""
        if not self.query(MapPane):  # the tab is being taken away
            return
        looker, pictures = self.watching.looker, self.query_one(PicturePane)
        if sight is not self.sight:
            last = self.watching.wanted is None
            self.sight = sight
            self.spot = sight.spot if last else self.spot
            self._head(sight)
            self.query_one(LitTokens).show_sight(sight, lead=last)
            self.query_one(TopList).show_sight(sight)
        elif len(sight.heads) > 1:
            self.query_one(TopList).refresh()  # it names the head that looks at each key the most
        pictures.show_sight(sight, looker)
        self.query_one(MapPane).show_sight(sight, looker, whole=whole)
        self._arrange(sight)

    def _head(self, sight: Sight) -> None:
        """What is looked at, above the panes."""
        self.query_one(WhereBar).sight = sight
        heads = self.query_one(HeadsBar)
        heads.heads, heads.choice = (sight.kernel.heads, sight.kernel.group), sight.spot.heads
        self.query_one("#facts", Static).update(Content(visible(words.facts(sight))), layout=False)
        self.query_one(Missing).say(f"{sight.problem}{self._how}" if sight.problem else "")

    def _arrange(self, sight: Sight) -> None:
        """Titles, which panes there are, and which keys: each is set only where it changes, since it costs a layout."""
        panes = {name: self.query_one(f"#{name}", Pane) for name in ("tokens", "top", "picture", "map")}
        for name, title in (("picture", self.query_one(PicturePane).title), ("map", self.query_one(MapPane).title)):
            if str(panes[name].border_title) != title:
                panes[name].border_title = Content(title)
        absent = {"tokens"} if sight.conversation is None else set()
        absent |= set() if sight.regions else {"picture"}
        self.query_one(Columns).leave_out(*(panes[name] for name in absent))
        able = tuple(self.check_action(action, ()) for action in ("row", "tower", "picture", "step"))
        if able != self._able:
            self._able = able
            self.refresh_bindings()


def how_asked(run: Run) -> str:
    """What was kept of a run, to be said where something was not."""
    if run.question is None:
        return ""
    kept = " ".join(f"--values '{glob}'" for glob in run.question.values) or "no --values"
    return f" This run was asked with {kept}. Press r to run it again."
