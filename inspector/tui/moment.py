"""The step of a run and the row of its batch that are looked at: chosen on one tab, shown on all of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

from textual import work
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from inspector.tui.abstract import AbstractWidget
from inspector.tui.ends import say_end
from inspector.tui.screens.pick import PickScreen

KEYS = (
    ("right_square_bracket", "]", "step(1)", "Step", "step", "To the next step"),
    ("left_square_bracket", "[", "step(-1)", "Step before", "step_before", "To the step before"),
    ("full_stop", ".", "row(1)", "Row", "row", "To the next row of the batch"),
    ("comma", ",", "row(-1)", "Row before", "row_before", "To the row before in the batch"),
    ("ctrl+s", None, "steps", "Steps", "steps", "Choose a step from a list"),
)
FOOTER = ("step", "row")


@dataclass
class Moment:
    """`step` is None until one is chosen: each tab then begins where it has most to show."""

    step: int | None = None
    row: int = 0

    def among(self, steps: Sequence[int], first: int) -> int:
        """The step to show of those that there are: the chosen one or the last before it; `first` where none is."""
        if self.step is None:
            return first
        return max((step for step in steps if step <= self.step), default=steps[0] if steps else 0)

    def moved(self, before: Shown, after: Shown) -> Moment:
        """Choose what a tab went to by a way of its own, as far as that is another step or row; a copy of the whole."""
        self.step = self.step if before.step == after.step else after.step
        self.row = self.row if before.row == after.row else after.row
        return replace(self)


class Shown(Protocol):
    """A step and a row, as a tab shows them."""

    @property
    def step(self) -> int: ...

    @property
    def row(self) -> int: ...


class Offered(Shown, Protocol):
    """The same, with the steps that there are and how many rows."""

    @property
    def steps(self) -> Sequence[int]: ...

    @property
    def rows(self) -> int: ...


class MomentTab(Vertical, metaclass=AbstractWidget):
    """A tab that shows one step and row. It looks again when it comes to the front and another was chosen meanwhile."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, action, text, name in FOOTER, sign, id=f"moment.{name}", tooltip=tooltip)
        for key, sign, action, text, name, tooltip in KEYS
    ]

    def __init__(self, moment: Moment) -> None:
        super().__init__()
        self.moment = moment

    @property
    @abstractmethod
    def shown(self) -> Offered | None:
        """What is on the screen; None as long as nothing is."""

    @abstractmethod
    def look(self) -> None:
        """Begin to work out what `moment` asks for."""

    def on_mount(self) -> None:
        self.look()

    def on_show(self) -> None:
        shown, moment = self.shown, self.moment
        if shown is not None and (
            shown.step != moment.among(shown.steps, shown.step) or shown.row != min(moment.row, shown.rows - 1)
        ):
            self.look()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Steps and rows are stepped through where there are several."""
        if action in ("step", "steps"):
            return self.shown is not None and len(self.shown.steps) > 1
        if action == "row":
            return self.shown is not None and self.shown.rows > 1
        return True

    def action_step(self, by: int) -> None:
        if (shown := self.shown) is not None and shown.steps:
            at = shown.steps.index(self.moment.among(shown.steps, shown.step)) + by
            if 0 <= at < len(shown.steps):
                self.choose(step=shown.steps[at])
            else:
                say_end(self, "step", by)

    def action_row(self, by: int) -> None:
        if (shown := self.shown) is not None:
            row = min(self.moment.row, shown.rows - 1) + by
            if 0 <= row < shown.rows:
                self.choose(row=row)
            else:
                say_end(self, "row", by)

    @work
    async def action_steps(self) -> None:
        if (shown := self.shown) is None:
            return
        lines, at = list(self.step_lines()), shown.steps.index(shown.step)
        picked = await self.app.push_screen_wait(PickScreen("Steps", lines, at))
        if picked is not None:
            self.choose(step=shown.steps[picked])

    def choose(self, *, step: int | None = None, row: int | None = None) -> None:
        """Look at another step or row, here and on every tab."""
        self.moment.step = self.moment.step if step is None else step
        self.moment.row = self.moment.row if row is None else row
        self.look()

    def step_lines(self) -> Iterator[str]:
        """The steps to choose from, a line each."""
        shown = self.shown
        yield from (f"step {step}" for step in (shown.steps if shown is not None else ()))
