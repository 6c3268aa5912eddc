"""What a view returns: plain facts to be shown, and no drawing.

A view is a function from a trace to parts. `render/` turns each kind into text, JSON, CSV or SVG with one function a
kind, `tui/` into a widget; neither knows which view made it. Strings in parts are data, never markup.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from inspector.trace import Trace

Cell = str | int | float | bool | None
"""One field of a table. Numbers stay numbers; how they are written is the renderer's business."""


@dataclass(frozen=True, slots=True)
class Column:
    """A named column. `unit` says how a number reads: `bytes` 1.5 MiB, `seconds` 12.1 ms, `count` 1,234."""

    name: str
    align: Literal["left", "right"] = "left"
    unit: Literal["", "bytes", "seconds", "count", "percent"] = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns. `rows` may be a lazy sequence: nobody reads a row that is not shown."""

    title: str
    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Cell]]
    note: str = ""

    kind: str = field(default="table", init=False)


@dataclass(frozen=True, slots=True)
class Node:
    """A line of a tree, its fields in the order of the tree's columns, and what hangs below it."""

    label: str
    cells: tuple[Cell, ...] = ()
    children: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Tree:
    """A hierarchy whose lines carry fields beside the label."""

    title: str
    columns: tuple[Column, ...]
    roots: tuple[Node, ...]
    note: str = ""

    kind: str = field(default="tree", init=False)


@dataclass(frozen=True, slots=True)
class Heatmap:
    """Numbers over two axes, `values[row][column]`; not a number is drawn loudly, not skipped."""

    title: str
    values: Sequence[Sequence[float]]
    row_axis: str = "rows"
    column_axis: str = "columns"
    note: str = ""

    kind: str = field(default="heatmap", init=False)


@dataclass(frozen=True, slots=True)
class Curve:
    """One or more named lines over a common x axis. `bars` asks for a histogram, with `x` in the middle of each bar."""

    title: str
    x: Sequence[float]
    series: Mapping[str, Sequence[float]]
    x_axis: str = ""
    y_axis: str = ""
    bars: bool = False
    note: str = ""

    kind: str = field(default="curve", init=False)


@dataclass(frozen=True, slots=True)
class Text:
    """Prose or source code, as it stands; `language` names a lexer for highlighting, empty for none."""

    title: str
    text: str
    language: str = ""

    kind: str = field(default="text", init=False)


@dataclass(frozen=True, slots=True)
class Picture:
    """An RGB picture, `width * height * 3` bytes, row by row from the top left."""

    title: str
    width: int
    height: int
    rgb: bytes
    note: str = ""

    kind: str = field(default="picture", init=False)


Part = Table | Tree | Heatmap | Curve | Text | Picture


@dataclass(frozen=True, slots=True)
class View:
    """A named way to look at a trace.

    `show(trace, **options)` returns the parts, in the order in which they are shown. `options` maps each option that
    `show` takes to one sentence of help; their values arrive as strings ("yes" for one that is named in `flags` and
    takes none). A missing or wrong value is an `InputError`. `values` are globs over `path` or `path:port`: tensors
    that the view reads, and that are kept when a model is run for it; `needs(**options)` returns further ones.
    """

    name: str
    help: str
    show: Callable[..., Sequence[Part]]
    options: Mapping[str, str] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()
    values: tuple[str, ...] = ()
    needs: Callable[..., Sequence[str]] | None = None

    def __call__(self, trace: Trace, **options: str) -> Sequence[Part]:
        return self.show(trace, **options)


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab that a plugin adds to the terminal program. `widget(trace)` returns a Textual widget."""

    name: str
    title: str
    widget: Callable[[Trace], Any]
