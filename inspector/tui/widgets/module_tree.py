"""The modules of the model, called or not, as a tree: the list on the left of tab 1."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from rich.segment import Segment
from textual.message import Message
from textual.reactive import reactive

from inspector.analysis.wording import in_bytes, in_short
from inspector.trace import Trace
from inspector.tui.widgets.cells import fit, visible, width_of
from inspector.tui.widgets.folding import Folding
from inspector.tui.widgets.module_entries import Entry, entries, lay_out

CHUNK = 2000
"""Calls that are looked at between two looks at the keyboard."""

NUMBER = 7
"""Cells of the column of parameters."""


class ModuleTree(Folding):
    """Modules with role and parameters. One that never ran is dimmed, the one that failed is marked."""

    DEFAULT_CSS = """
    ModuleTree { width: 1fr; height: 1fr; }
    """

    trace: reactive[Trace | None] = reactive(None, init=False)

    @dataclass
    class Selected(Message):
        """The cursor stands on the module at `path`."""

        path: str

    @dataclass
    class Opened(Message):
        """The module at `path` is to be gone into."""

        path: str

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._entries: list[Entry] = []
        self._called: set[str] | None = None
        self._failed = ""
        self._unfolded: set[int] = set()

    @property
    def path(self) -> str | None:
        """The path of the module under the cursor."""
        return None if self.current is None else self._entries[self.current].module.path

    def select(self, path: str) -> None:
        """Put the cursor on a module; nothing happens for an unknown one.

        What hides it is unfolded, and folded again when the cursor is put elsewhere.
        """
        found = [item for item, entry in enumerate(self._entries) if entry.module.path == path]
        if path == self.path or not found:
            return
        item = found[-1]
        if self.outline.filtered and self.outline.row_of(item) is None:
            self.filter("")
        self.outline.folded |= self._unfolded
        self._unfolded = self.outline.folded & set(self.outline.with_ancestors([item])[:-1])
        self.outline.update()
        self.visit(item)

    def filter(self, text: str) -> None:
        """Show the modules whose path, class or role hold every word of `text`, with what encloses them."""
        current = self.current
        terms = text.lower().split()
        if terms:
            found = [item for item, entry in enumerate(self._entries) if all(t in _words(entry) for t in terms)]
            self.outline.select(self.outline.with_ancestors(found))
        else:
            self.outline.select(None)
        self.show(current or 0)

    def watch_trace(self, trace: Trace | None) -> None:
        roots = [] if trace is None else entries(trace.modules, trace.model.class_name)
        self.outline, self._entries = lay_out(roots)
        self._called, self._unfolded = None, set()
        self._failed = trace.failure.path if trace is not None and trace.failure is not None else "-"
        self.set_rows(len(self.outline.rows), 0)
        if trace is not None:
            self.run_worker(self._mark(trace), group="called", exclusive=True)
            if trace.failure is not None:
                self.select(trace.failure.path)

    def draw(self, row: int, width: int) -> Iterator[Segment]:
        item = self.outline.rows[row]
        entry = self._entries[item]
        failed = entry.module.path == self._failed
        quiet = self._called is not None and entry.module.path not in self._called
        label = ("✗ " if failed else "") + visible(entry.label) + (f" ×{entry.repeats}" if entry.repeats else "")
        marker = "  " if not self.outline.has_children(item) else "▸ " if self.outline.is_folded(item) else "▾ "
        indent = " " * (self.outline.depths[item] * (1 if width < 34 else 2))
        number = NUMBER if width >= 22 else 0
        room = max(width - number - len(indent) - 2, 4)
        head = fit(label, min(room, width_of(label)))
        yield Segment(indent + marker, self.ink("quiet"))
        yield Segment(head, self.ink("loud" if failed else "quiet" if quiet else ""))
        beside = f" {_kind(entry)}"
        kind = beside if len(beside) <= room - width_of(head) else ""
        yield Segment(fit(kind, room - width_of(head)), self.ink("quiet" if quiet else "second"))
        if number:
            count = in_short(entry.module.parameters) if entry.module.parameters else "–"
            yield Segment(fit(count, number, right=True), self.ink("quiet"))

    def moved(self) -> None:
        if self.path is not None:
            self.post_message(self.Selected(self.path))

    def opened(self) -> None:
        if self.path is not None:
            self.post_message(self.Opened(self.path))

    def hint(self, row: int) -> str | None:
        entry = self._entries[self.outline.rows[row]]
        module = entry.module
        lines = [module.path or "the model", f"{module.class_name}{f' · {module.role}' if module.role else ''}"]
        lines.append(f"{module.parameters:,} parameters, {in_bytes(module.bytes)}")
        if self._called is not None and module.path not in self._called:
            lines.append("not called in this trace")
        return "\n".join(map(visible, lines))

    async def _mark(self, trace: Trace) -> None:
        """Find out which modules ran; what encloses one that did counts as well."""
        called: set[str] = set()
        for index, call in enumerate(trace.calls):
            path = call.path
            while path not in called:
                called.add(path)
                path = path.rpartition(".")[0]
            if index % CHUNK == CHUNK - 1:
                await asyncio.sleep(0)
        self._called = called
        self.refresh()


def _kind(entry: Entry) -> str:
    """The role, or the class where there is none; nothing where the label says it already."""
    kind = entry.module.role or visible(entry.module.class_name)
    return "" if kind == entry.label else kind


def _words(entry: Entry) -> str:
    return f"{entry.module.path}\n{entry.module.class_name}\n{entry.module.role or ''}".lower()
