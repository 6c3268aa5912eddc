"""A trace that was gone into from a generation: the same tabs, over the screen that one comes back to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from inspector.parts import Tab, View
from inspector.tui.runs import Run
from inspector.tui.screens.inspector import InspectorScreen


class WithinScreen(InspectorScreen):
    """`title` says what the trace is of, `call` where to begin. The tab of generations leads back, and so does escape
    where nothing else is to be left.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "leave", "Back", id="within.leave", tooltip="Back to the generation"),
    ]

    def __init__(
        self,
        run: Run,
        views: Callable[[], Mapping[str, View]],
        extra: Sequence[Tab] = (),
        *,
        title: str,
        call: int | None = None,
    ) -> None:
        super().__init__(run, views, extra)
        self._title = title
        self._call = call

    @property
    def first(self) -> str:
        return "forward" if self.trace.calls else "views"

    async def begin(self) -> None:
        await super().begin()
        if self._call is not None:
            self.moment.step = self.trace.calls[self._call].step
            await self.go(self._call)

    async def action_tab(self, name: str) -> None:
        if name == "generate":
            self.action_leave()
        else:
            await super().action_tab(name)

    def action_leave(self) -> None:
        self.dismiss()

    def _notices(self) -> list[str]:
        return [f"{self._title} esc: back to the generation", *super()._notices()]
