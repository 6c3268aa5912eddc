"""A tensor in two lines: what it is, and its numbers, with nan and infinity loud."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from inspector.analysis.wording import in_bytes, number, value_text
from inspector.trace import Stats, TensorInfo, Value
from inspector.tui.widgets.cells import visible

LOUD = "bold $background on $error"


class TensorSummary(Static):
    """Shape, bytes and device; mean, spread and extent. A scalar is written as it is."""

    DEFAULT_CSS = """
    TensorSummary { height: auto; max-height: 4; }
    """

    _coming: Content | None = None

    def describe(self, port: str, value: Value, stats: Stats | None = None, error: str | None = None) -> None:
        """Show what stands at a port. `stats` are its numbers where the trace itself has none."""
        if isinstance(value, TensorInfo):
            lines = [self._what(value), *self._numbers(value.stats or stats, value.numel)]
        else:
            lines = [Content.assemble((visible(f"{port} = "), "$text-muted"), visible(value_text(value)))]
        if error:
            lines.append(Content.styled(visible(f"✗ {error}"), "$text-error bold"))
        self._put(Content("\n").join(lines))

    def say(self, text: str) -> None:
        """Show a sentence instead."""
        self._put(Content.styled(visible(text), "$text-muted"))

    def _put(self, content: Content) -> None:
        """Show `content` once what is under way has been handled: of several in a row only the last is painted."""
        if self._coming is None:
            self.call_later(self._show_coming)
        self._coming = content

    def _show_coming(self) -> None:
        """Lay the screen out again only where other content takes another number of lines: a layout costs far more than
        painting, and there would be one with every step through the calls.
        """
        content, self._coming = self._coming, None
        if content is not None and content != self.content:
            width, height = self.content_size
            self.update(content, layout=not width or content.get_height({}, width) != height)

    def _what(self, info: TensorInfo) -> Content:
        rest = f"  {info.numel:,} · {in_bytes(info.nbytes)} · {info.device}"
        return Content.assemble((str(info), "$text-accent bold"), (rest, "$text-muted"))

    def _numbers(self, stats: Stats | None, count: int) -> list[Content]:
        if stats is None:
            return []
        words: list[tuple[str, str] | str] = []
        if stats.mean is not None and stats.std is not None and count > 1:
            words += [*_pair("mean", stats.mean), *_pair("std", stats.std)]
        if stats.min is not None and stats.max is not None:
            words += [number(stats.min), (" … ", "$text-muted"), f"{number(stats.max)}  "]
        for name, found in (("nan", stats.nan), ("inf", stats.inf)):
            words += [(f" {name} ×{found:,} ", LOUD), " "] if found else []
        return [Content.assemble(*words)]


def _pair(name: str, value: float) -> list[tuple[str, str] | str]:
    return [(f"{name} ", "$text-muted"), f"{number(value)}  "]
