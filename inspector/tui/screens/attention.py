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

from inspector.parts import Part
from inspector.tui.ends import say_end
from inspector.tui.leaving import leaving
from inspector.tui.moment import Moment
from inspector.tui.panes import Pane
from inspector.tui.runs import Run
from inspector.tui.screens.menu import Choice
from inspector.tui.screens.pick import PickScreen
from inspector.tui.widgets.attention import copies, lists, moves
from inspector.tui.widgets.attention.columns import Columns
from inspector.tui.widgets.attention.heading import Heading
from inspector.tui.widgets.attention.heads_bar import HeadsBar
from inspector.tui.widgets.attention.looking import Looker, Sight
from inspector.tui.widgets.attention.map_pane import MapPane
from inspector.tui.widgets.attention.missing import Missing, asking, loading
from inspector.tui.widgets.attention.picture_pane import PicturePane
from inspector.tui.widgets.attention.spot import Spot
from inspector.tui.widgets.attention.tokens import LitTokens
from inspector.tui.widgets.attention.top_list import TopList
from inspector.tui.widgets.attention.watching import Watching
from inspector.tui.widgets.attention.where_bar import WhereBar

KEYS = (
    ("n", "change('layer', 1)", "Layer", "layer", "To the next layer"),
    ("p", "change('layer', -1)", "Layer before", "layer_before", "To the layer before"),
    ("e", "change('head', 1)", "Head", "head", "To the next head, or group of heads"),
    ("E", "change('head', -1)", "Head before", "head_before", "To the head before, or group of heads"),
    (
        "a",
        "change('average')",
        "Average",
        "average",
        "One head, the mean of those that share its keys, the mean of all",
    ),
    ("right_square_bracket", "change('step', 1)", "Step", "step", "To the next step"),
    ("left_square_bracket", "change('step', -1)", "Step before", "step_before", "To the step before"),
    ("full_stop", "change('row', 1)", "Row", "row_after", "To the next row of the batch"),
    ("comma", "change('row', -1)", "Row before", "row_before", "To the row before in the batch"),
    ("t", "change('tower')", "Tower", "tower", "The attention of the vision tower, or of the decoder"),
    ("right_parenthesis", "picture(1)", "Picture", "picture", "To the next picture or frame"),
    ("left_parenthesis", "picture(-1)", "Picture before", "picture_before", "To the picture or frame before"),
    ("x", "map", "Map", "map", "Entropy by layer and head, heads over keys, or queries over keys"),
    ("ctrl+l", "choose('layer')", "Layers", "layers", "Choose a layer from a list"),
    ("ctrl+e", "choose('head')", "Heads", "heads", "Choose heads from a list"),
    ("ctrl+t", "choose('query')", "Queries", "queries", "Choose the query from a list"),
    ("ctrl+s", "choose('step')", "Steps", "steps", "Choose a step from a list"),
)
NAMES = frozenset({"average", "choose", "head", "layer", "map", "picture", "row", "step", "tower", "zoom"})
"""What cannot be done where there is nothing to look at."""
TITLED = 4
"""Cells of a pane's inside that a title leaves free."""

FOOTER = ("layer", "head", "average", "step", "map", "tower", "picture")
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
        & #tokens { height: 3fr; }
        & #top { height: 2fr; }
        & #picture { height: 3fr; }
        & #map { height: 2fr; }
        &.-nothing Columns, &.-nothing Heading { display: none; }
    }
    """
    BINDING_GROUP_TITLE = "Attention"
    HELP = """Where one token looks: the probabilities of its query over all keys, in one layer, by one head or as the
mean of several. They are worked out on demand, in float32, from the query, key, mask and scaling that the kernel got.

The cursor in the text stands on the query; the brighter a token, the more it gets. The first token often takes what
nothing else gets: it is left out when the brightness is scaled. Grey tokens come after the query. In the picture the
same, patch by patch; the query's own place has a frame. In the map of entropies a row is a layer and a column a head;
moving in it chooses both.

In the vision tower the query is a patch, which has the number that its picture gives it, in the order of pixel_values.
A tower that was given pictures and a video ran once for each: to choose another picture is to go into its run."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, action, text, name in FOOTER, SIGNS.get(key), id=f"attention.{name}", tooltip=tooltip)
        for key, action, text, name, tooltip in KEYS
    ]

    def __init__(self, run: Run, moment: Moment) -> None:
        super().__init__()
        self.run = run
        self.moment = moment
        self.followed: Moment | None = None
        self.spot = Spot()
        self.sight: Sight | None = None
        self.watching = Watching(self, Looker(run.trace), self._show, self._fail)
        self._able: object = None

    def compose(self) -> ComposeResult:
        yield Heading()
        yield Missing()
        yield Columns(
            [Pane("Tokens", LitTokens(), id="tokens"), Pane("Most attended", TopList(), id="top")],
            [Pane("Picture", PicturePane(), id="picture"), Pane("Entropy", MapPane(), id="map")],
        )

    def on_show(self) -> None:
        """Begin; later on, follow to the step and row that were chosen on another tab."""
        if self.followed != self.moment:
            self.go(token=None, **moves.into(0))

    def on_unmount(self) -> None:
        self.watching.close()

    def copies(self) -> list[Choice]:
        """What can be copied of the look."""
        return [] if self.sight is None else copies.copies(self.run, self.sight)

    def go(self, **changes: Any) -> None:
        """Look at something else; what is not named stays. A step or row that was chosen elsewhere is taken over, and
        so is the chosen one after a tower, whose pictures may have been seen in another.
        """
        if self.followed != self.moment or "vision" in changes:
            self.followed = replace(self.moment)
            step = self.spot.step if self.moment.step is None else self.moment.step
            changes = {"step": step, "row": self.moment.row, **changes}
        self.spot = replace(self.spot, **changes)
        self.watching.ask(self.spot)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        name = str(parameters[0]) if action == "change" else action
        if self.has_class("-nothing"):
            return name not in NAMES
        if self.sight is None:
            return name not in ("row", "tower", "picture", "step")
        return moves.possible(name, self.sight, self.watching.looker.survey)

    def action_change(self, name: str, by: int = 1) -> None:
        """Change one thing of the look, by so many."""
        if self.sight is None:
            return
        survey, pictures = self.watching.looker.survey, self.query_one(PicturePane)
        changed = moves.changes(name, by, self.spot, self.sight, survey)
        if changed.get("vision"):
            changed |= moves.onto(pictures.shown, self.spot, survey)
        if moves.stays(name, changed, self.spot):
            say_end(self, name, by)
        else:
            self.go(**changed)

    def action_picture(self, by: int) -> None:
        """In the decoder another picture is shown under the same look; in a vision tower it is the one that looks."""
        if self.spot.vision:
            self.action_change("picture", by)
        else:
            self.query_one(PicturePane).step(by)
            self.watching.ask(self.spot)

    def action_map(self) -> None:
        """To the map; where it is in sight already, to the next one."""
        pane = self.query_one("#map", Pane)
        if pane.display:
            self.query_one(MapPane).turn()
        self.query_one(Columns).go(pane)
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
        self.query_one(LitTokens).taken(event.token)
        self.go(token=event.token)

    @on(TopList.Opened)
    @on(PicturePane.Taken)
    def _taken(self, event: TopList.Opened | PicturePane.Taken) -> None:
        """A key is to be the query."""
        event.stop()
        if self.sight is not None and self.sight.patches is not None:
            self.go(patch=list(self.sight.patches.order).index(event.key))
        elif self.sight is not None and not self.spot.vision:
            self.go(token=event.key + self.sight.offset)

    @on(MapPane.Chosen)
    def _map(self, event: MapPane.Chosen) -> None:
        event.stop()
        self.go(heads=("head", event.head), layer=self.spot.layer if event.layer is None else event.layer)

    @on(MapPane.Taken)
    def _query(self, event: MapPane.Taken) -> None:
        event.stop()
        if self.sight is not None and not self.spot.vision:
            self.go(token=(self.sight.spot.token or 0) - self.sight.query + event.query)
        elif self.sight is not None and self.sight.patches is not None:
            self.go(patch=list(self.sight.patches.order).index(event.query))

    def _fail(self, why: str, parts: Sequence[Part]) -> None:
        """Nothing can be looked at in this trace."""
        if leaving(self):
            return
        self.set_class(True, "-nothing")
        self.refresh_bindings()
        advice = f" {loading(self.app)}" if self.run.trace.model.shape_only else ""
        self.query_one(Missing).say(f"{why}{advice}", parts)

    def _show(self, sight: Sight, whole: bool) -> None:
        """Show a look in every pane. What was asked meanwhile stays asked."""
        if leaving(self):
            return
        looker, pictures = self.watching.looker, self.query_one(PicturePane)
        if sight is not self.sight:
            last = self.watching.wanted is None and not self.query_one(LitTokens).ahead
            if self.sight is not None and sight.spot.vision == self.sight.spot.vision:
                self.followed = self.moment.moved(self.sight.spot, sight.spot)
            self.sight = sight
            self.spot = sight.spot if last else self.spot
            self.query_one(Heading).show_sight(sight)
            self.query_one(Missing).say(f"{sight.problem} {asking(self.app, self.run)}" if sight.problem else "")
            self.query_one(LitTokens).show_sight(sight, lead=last)
            self.query_one(TopList).show_sight(sight)
        elif len(sight.heads) > 1:
            self.query_one(TopList).refresh()  # it names the head that looks at each key the most
        pictures.show_sight(sight, looker)
        self.watching.region = pictures.shown
        self.query_one(MapPane).show_sight(sight, looker, whole=whole)
        self._arrange(sight)

    def _arrange(self, sight: Sight) -> None:
        """Titles, which panes there are, and which keys: each is set only where it changes, since it costs a layout."""
        panes = {name: self.query_one(f"#{name}", Pane) for name in ("tokens", "top", "picture", "map")}
        room = panes["picture"].size.width - TITLED
        picture = self.query_one(PicturePane).title(room)
        for name, title in (("picture", picture), ("map", self.query_one(MapPane).title)):
            if str(panes[name].border_title) != title:
                panes[name].border_title = Content(title)
        absent = {"tokens"} if sight.conversation is None else set()
        absent |= set() if sight.regions else {"picture"}
        self.query_one(Columns).leave_out(*(panes[name] for name in absent))
        survey = self.watching.looker.survey
        able = tuple(moves.possible(name, sight, survey) for name in ("row", "tower", "picture", "step"))
        if able != self._able:
            self._able = able
            self.refresh_bindings()
