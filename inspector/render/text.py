"""Parts as text for a terminal or a pipe, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from inspector.analysis.wording import visible
from inspector.parts import Curve, Heatmap, Part, Picture, Table, Text, Tree
from inspector.render.charts import curve_lines, heatmap_lines, picture_lines
from inspector.render.paper import Paper
from inspector.render.tables import table_lines, tree_lines


def text(parts: Sequence[Part], paper: Paper) -> Iterator[str]:
    """Every part under its title, with its note, and a blank line between parts."""
    for number, part in enumerate(parts):
        if number:
            yield ""
        if part.title:
            yield paper.paint(visible(part.title), "title")
        yield from part_lines(part, paper)
        if not isinstance(part, Text) and part.note:
            yield from paper.prose(visible(part.note), "dim")


def part_lines(part: Part, paper: Paper) -> Iterator[str]:
    """One part, without title and note."""
    match part:
        case Table():
            return table_lines(part, paper)
        case Tree():
            return tree_lines(part, paper)
        case Heatmap():
            return heatmap_lines(part, paper)
        case Curve():
            return curve_lines(part, paper)
        case Picture():
            return picture_lines(part, paper)
        case Text():
            return text_lines(part, paper)


def text_lines(part: Text, paper: Paper) -> Iterator[str]:
    """The text as it stands; highlighted where it names a language and the paper takes colour."""
    shown = "\n".join(visible(line.expandtabs(4)) for line in part.text.splitlines())
    if not (part.language and paper.colors):
        yield from shown.splitlines()
        return
    from rich.console import COLOR_SYSTEMS, Console
    from rich.syntax import Syntax

    name = next(name for name, system in COLOR_SYSTEMS.items() if system == paper.colors)
    console = Console(color_system=name, force_terminal=True, width=10_000)  # type: ignore[arg-type]
    with console.capture() as captured:
        console.print(Syntax(shown, part.language, theme="ansi_dark", background_color="default"), crop=False)
    yield from (line.rstrip() for line in captured.get().splitlines())
