"""The branches of a generation as a tree: what sets each apart, how probable it is, and how it reads."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from rich.segment import Segment
from textual import work
from textual.message import Message
from textual.reactive import reactive

from inspector.analysis.wording import number, visible
from inspector.trace.steps import BranchRecord, GenerationRecord
from inspector.tui.widgets.cells import fit, width_of
from inspector.tui.widgets.folding import Folding
from inspector.tui.widgets.generation.branch_facts import Sums, own_text
from inspector.tui.widgets.outline import Outline
from inspector.views.branches import children

NAME = 14, 30
"""Cells of the name with its guides, at least and at most; between them, a third of the widget."""

STEPS, SUM = 6, 8
"""Cells of the number of steps and of the log-probability."""

WIDE = 56
"""Cells from which on the number of steps is shown."""

CHANGES = 10
"""Changes are told where there are so many cells for them."""

SLICE = 0.005
"""Seconds of adding up between two looks at the keyboard."""

CURRENT = "◂"


class BranchTree(Folding):
    """A branch a line under the one that it parted from; the text is what it adds to that. `row` of the batch."""

    DEFAULT_CSS = """
    BranchTree { height: 1fr; width: 1fr; }
    """
    headed = 1

    record: reactive[GenerationRecord | None] = reactive(None, init=False, always_update=True)
    row: reactive[int] = reactive(0, init=False)

    @dataclass
    class Chosen(Message):
        """Enter, or a second click, on a branch."""

        name: str

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._branches: list[BranchRecord] = []
        self._sums = Sums()
        self._totals: dict[str, float | None] = {}
        self._texts: list[str] = []

    @property
    def branch(self) -> BranchRecord | None:
        """The branch under the cursor."""
        return None if self.current is None else self._branches[self.current]

    def on_mount(self) -> None:
        self._add_up()

    def watch_record(self) -> None:
        self._read()

    def watch_row(self) -> None:
        self._totals = {}
        self._read()

    def opened(self) -> None:
        if self.branch is not None:
            self.post_message(self.Chosen(self.branch.name))

    def head(self, width: int) -> str:
        steps = fit("steps", STEPS, right=True) if width >= WIDE else ""
        return f"{fit('branch', self._room(width))}{steps} {fit('log p', SUM, right=True)}  text"

    def draw(self, row: int, width: int) -> Iterator[Segment]:
        item = self.outline.rows[row]
        branch = self._branches[item]
        guides = self.outline.guides_within(item, self._room(width) // 2)
        is_current = self.record is not None and branch.name == self.record.current
        marker = "" if not self.outline.has_children(item) else "▸ " if self.outline.is_folded(item) else "▾ "
        name = fit(marker + visible(branch.name), max(self._room(width) - width_of(guides) - 2, 0))
        yield Segment(guides, self.ink("quiet"))
        yield Segment(f"{name} {CURRENT if is_current else ' '}", self.ink("accent" if is_current else ""))
        numbers = self._numbers(item, width)
        yield Segment(numbers, self.ink("quiet"))
        left = width - self._room(width) - len(numbers)
        told = visible("; ".join(words for _, words in branch.changes))
        room = left // 2 - 3
        changes = f"[{fit(told, min(width_of(told), room))}] " if told and room >= CHANGES else ""
        yield Segment(changes, self.ink("second"))
        yield Segment(fit(self._texts[item], max(left - width_of(changes), 0)))

    def hint(self, row: int) -> str | None:
        branch = self._branches[self.outline.rows[row]]
        lines = [branch.name, *(f"step {at}: {words}" for at, words in branch.changes)]
        lines += [f"ended by {branch.reason}"] if branch.reason else []
        return "\n".join(map(visible, lines))

    def _read(self) -> None:
        """Look at the branches again, with the cursor on the same one, or on the current one at first."""
        here = self.branch.name if self.branch is not None else None
        folded = {self._branches[item].name for item in self.outline.folded}
        self.outline, self._branches = Outline(), []
        if self.record is not None:
            self._add(self.record, None, None, folded)
            self._texts = [own_text(branch, self.row) for branch in self._branches]
        self.outline.update()
        names = [branch.name for branch in self._branches]
        wanted = here if here in names else self.record.current if self.record is not None else None
        self.show(names.index(wanted) if wanted in names else 0)
        if self.is_mounted:
            self._add_up()

    @work(group="sums", exclusive=True)
    async def _add_up(self) -> None:
        """Find out how probable the branches are, beside the keyboard."""
        record, row = self.record, self.row
        if record is None:
            return
        for branch in self._branches:
            for _ in self._sums.add(record, branch.name, row, SLICE):
                await asyncio.sleep(0)
            self._totals[branch.name] = self._sums.total(record, branch.name, row)
        self.refresh()

    def _add(self, record: GenerationRecord, parent: str | None, above: int | None, folded: Collection[str]) -> None:
        for branch in children(record, parent):
            number = self.outline.add(above, folded=branch.name in folded)
            self._branches.append(branch)
            self._add(record, branch.name, number, folded)

    def _room(self, width: int) -> int:
        return max(NAME[0], min(width // 3, NAME[1]))

    def _numbers(self, item: int, width: int) -> str:
        branch = self._branches[item]
        total = self._totals.get(branch.name)
        steps = f"{branch.start + len(branch.steps):>{STEPS},}" if width >= WIDE else ""
        return f"{steps} {fit('' if total is None else number(total, 4), SUM, right=True)}  "
