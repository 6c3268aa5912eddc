"""A `parts.Tree` on the screen: lines with guides and folding, their fields in columns on the right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.segment import Segment

from inspector.parts import Node, Tree
from inspector.render.cells import GAP, cell_text
from inspector.tui.widgets.cells import fit, visible, width_of
from inspector.tui.widgets.folding import Folding
from inspector.tui.widgets.outline import Outline

SAMPLE = 2000
"""Nodes that are looked at for the widths of the columns."""

NAME = 24
"""Cells that the label keeps: columns that leave it less are left out, from the right."""


class TreeList(Folding):
    """A node a line."""

    DEFAULT_CSS = """
    TreeList { height: 1fr; width: 1fr; }
    """
    headed = True

    def __init__(self, part: Tree, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.part = part
        self.outline, self._found = laid_out(part.roots)
        self._widths = self._natural()

    def on_mount(self) -> None:
        self.set_rows(len(self.outline.rows))

    def filter(self, text: str) -> None:
        """Show the nodes whose line holds every word of `text`, with what encloses them; all for none."""
        current = self.current
        terms = text.lower().split()
        found = [item for item in range(len(self._found)) if all(term in self._words(item) for term in terms)]
        self.outline.select(self.outline.with_ancestors(found) if terms else None)
        self.show(current or 0)

    def head(self, width: int) -> str:
        name, fields = self._shares(width)
        names = [column.name for column in self.part.columns]
        return fit("", name) + "".join(self._field(text, number) for number, text in enumerate(names[:fields]))

    def draw(self, row: int, width: int) -> Iterator[Segment]:
        item = self.outline.rows[row]
        node = self._found[item]
        name, fields = self._shares(width)
        marker = "" if not self.outline.has_children(item) else "▸ " if self.outline.is_folded(item) else "▾ "
        guides = self.outline.guides(item)
        yield Segment(guides, self.ink("quiet"))
        yield Segment(fit(marker + visible(node.label), max(name - width_of(guides), 0)))
        for number, text in enumerate(self._texts(node)[:fields]):
            right = self.part.columns[number].align == "right"
            yield Segment(self._field(text, number), self.ink("quiet" if right else "second"))

    def hint(self, row: int) -> str | None:
        node = self._found[self.outline.rows[row]]
        fields = zip(self.part.columns, self._texts(node), strict=True)
        return "\n".join([visible(node.label), *(f"{column.name}: {text}" for column, text in fields if text)])

    def _shares(self, width: int) -> tuple[int, int]:
        """Cells for the label, and how many columns stand beside it."""
        for count in range(len(self._widths), 0, -1):
            rest = width - sum(self._widths[:count]) - len(GAP) * count
            if rest >= NAME:
                return rest, count
        return width, 0

    def _field(self, text: str, number: int) -> str:
        return GAP + fit(text, self._widths[number], right=self.part.columns[number].align == "right")

    def _texts(self, node: Node) -> list[str]:
        columns = zip(node.cells, self.part.columns, strict=True)
        return [visible(cell_text(value, column)) for value, column in columns]

    def _words(self, item: int) -> str:
        node = self._found[item]
        return "\n".join([node.label, *self._texts(node)]).lower()

    def _natural(self) -> list[int]:
        found = [width_of(column.name) for column in self.part.columns]
        for node in self._found[:SAMPLE]:
            found = [max(width, width_of(text)) for width, text in zip(found, self._texts(node), strict=True)]
        return found


def laid_out(roots: Sequence[Node]) -> tuple[Outline, list[Node]]:
    """The outline of a tree, and the node of each of its lines."""
    outline, found = Outline(), []
    stack: list[tuple[Node, int | None]] = [(root, None) for root in reversed(roots)]
    while stack:
        node, parent = stack.pop()
        number = outline.add(parent)
        found.append(node)
        stack += [(child, number) for child in reversed(node.children)]
    outline.update()
    return outline, found
