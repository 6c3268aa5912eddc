"""The values of a tensor, counted: bars of block characters over an axis from the least value to the greatest."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from inspector.analysis.wording import in_short, number
from inspector.tui.widgets.cells import fit
from inspector.tui.widgets.plot_lines import Span, bars
from inspector.tui.widgets.tensor_facts import Counts


class HistogramBars(Widget):
    """Bars as high as the widget allows, and the axis below them."""

    DEFAULT_CSS = """
    HistogramBars {
        height: 5;
        & > .histogram--bar { color: $primary; }
        & > .histogram--axis { color: $text-muted; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"histogram--bar", "histogram--axis"}

    counts: reactive[Counts | None] = reactive(None)

    def watch_counts(self, counts: Counts | None) -> None:
        if counts is not None:
            sampled = "" if counts.counted == counts.total else f" (counted on {in_short(counts.counted)} of them)"
            self.tooltip = f"How often each value occurs among {counts.total:,}{sampled}"

    def render_line(self, y: int) -> Strip:
        base, width = self.rich_style, self.size.width
        if self.counts is None:
            return Strip.blank(width, base)
        height = self.size.height - 1
        if y < height:
            counts = self.counts.histogram.counts
            lines = bars(counts, Span(0, max(counts, default=1)), width, height)
            line = Segment(lines[y], self._ink("bar"))
        else:
            line = Segment(axis_line(self.counts, width), self._ink("axis"))
        return Strip([line]).apply_style(base).crop_extend(0, width, base)

    def _ink(self, part: str) -> Style:
        return self.get_component_rich_style(f"histogram--{part}", partial=True)


def axis_line(counts: Counts, width: int) -> str:
    """Least and greatest finite value at either end, and 0 at its place between them."""
    edges, stats = counts.histogram.edges, counts.stats
    if not edges:
        return "no finite values"
    low, high = edges[0], edges[-1]
    if stats is not None and stats.min is not None and stats.max is not None:
        low, high = stats.min, stats.max
    left, right = number(low), number(high)
    line = fit(left + fit(right, max(width - len(left), 0), right=True), width)
    zero = round((0 - edges[0]) / (edges[-1] - edges[0]) * width)
    free = len(left) < zero < width - len(right) - 1
    return line[:zero] + "0" + line[zero + 1 :] if low < 0 < high and free else line
