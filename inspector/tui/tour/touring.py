"""The keys of the tour. They belong to the program: its screens come and go meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

if TYPE_CHECKING:
    from inspector.tui.tour.guide import Guide


class Touring(App[None]):
    """A program that can lead through itself. `guide` is there while it does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f3", "tour(1)", "Tour: next", id="tour.next", tooltip="The next stop of the tour", show=False),
        Binding("f2", "tour(-1)", "Tour: back", id="tour.back", tooltip="The stop of the tour before", show=False),
        Binding("f4", "leave_tour", "Tour: leave", id="tour.leave", tooltip="Leave the tour", show=False),
    ]
    guide: Guide | None = None

    def begin_tour(self) -> None:
        """Lead on from the next trace that comes to the front."""
        from inspector.tui.tour.guide import Guide

        self.guide = Guide(self)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.guide is not None if action in ("tour", "leave_tour") else True

    def action_tour(self, way: int) -> None:
        if self.guide is not None:
            self.guide.move(way)

    async def action_leave_tour(self) -> None:
        guide, self.guide = self.guide, None
        if guide is not None:
            await guide.leave()
