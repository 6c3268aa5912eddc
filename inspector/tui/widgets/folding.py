"""Walking and folding in a list that shows an outline: the same keys for calls, modules and trees."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from inspector.tui.widgets.outline import Outline
from inspector.tui.widgets.virtual_list import VirtualList


class Folding(VirtualList):
    """The lines of an `outline`, which a subclass fills."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "toggle_fold", "Fold", id="fold.toggle", tooltip="Fold or unfold what is inside this line"),
        Binding("left,h", "fold", "Fold, out", show=False, id="fold.fold", tooltip="Fold, or go to the enclosing line"),
        Binding("right,l", "unfold", "Unfold, in", show=False, id="fold.unfold", tooltip="Unfold, or go inside"),
        Binding("u", "parent", "Enclosing", show=False, id="fold.parent", tooltip="To the line around this one"),
        Binding("}", "sibling(1)", "Next", show=False, id="fold.next", tooltip="To the one after on this level"),
        Binding(
            "{", "sibling(-1)", "Previous", show=False, id="fold.previous", tooltip="To the one before on this level"
        ),
        Binding(
            "-", "fold_level", "Fold level", show=False, id="fold.level", tooltip="Fold everything below this level"
        ),
        Binding("+", "unfold_all", "Unfold all", show=False, id="fold.none", tooltip="Unfold everything"),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.outline = Outline()

    @property
    def current(self) -> int | None:
        """The item under the cursor, None in an empty list."""
        rows = self.outline.rows
        return rows[self.cursor] if self.cursor < len(rows) else None

    def show(self, item: int) -> None:
        """Draw the outline's rows, which may have changed, with the cursor on `item` or what encloses it."""
        self.set_rows(len(self.outline.rows), self.outline.row_near(item))

    def action_toggle_fold(self) -> None:
        item = self.current
        if item is not None and not self.outline.filtered:
            self.outline.fold(item, item not in self.outline.folded)
            self.show(item)

    def action_fold(self) -> None:
        item = self.current
        if item is None:
            return
        if self.outline.has_children(item) and item not in self.outline.folded and not self.outline.filtered:
            self.action_toggle_fold()
        else:
            self.action_parent()

    def action_unfold(self) -> None:
        item = self.current
        if item is None or self.outline.filtered or not self.outline.has_children(item):
            return
        if item in self.outline.folded:
            self.action_toggle_fold()
        else:
            self.show(item + 1)

    def action_parent(self) -> None:
        if self.current is not None:
            self.visit(self.outline.parents[self.current])

    def action_sibling(self, by: int) -> None:
        if self.current is not None:
            find = self.outline.next_sibling if by > 0 else self.outline.previous_sibling
            self.visit(find(self.current))

    def action_fold_level(self) -> None:
        if self.current is not None:
            self._fold_below(self.current, self.outline.depths[self.current])

    def action_unfold_all(self) -> None:
        if self.current is not None:
            self._fold_below(self.current, None)

    def visit(self, item: int | None) -> None:
        """Show an item, unfolding what hides it; nothing for None."""
        if item is None:
            return
        if self.outline.row_of(item) is None:
            self.outline.reveal(item)
        self.show(item)

    def _fold_below(self, item: int, depth: int | None) -> None:
        self.outline.fold_below(depth)
        self.show(item)
