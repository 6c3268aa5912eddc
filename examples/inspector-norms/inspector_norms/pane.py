"""The tab: a bar for each layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

if TYPE_CHECKING:
    from inspector_norms import Norm

BAR = 40
"""Cells of the longest bar."""


class NormsPane(VerticalScroll):
    """Layers from the first to the last; one with numbers that are none is marked."""

    def __init__(self, norms: Sequence[Norm]) -> None:
        super().__init__()
        self.norms = norms

    def compose(self) -> ComposeResult:
        longest = max(norm.rms for norm in self.norms) or 1.0
        for norm in self.norms:
            bar = "█" * round(BAR * norm.rms / longest)
            broken = (f"  {norm.broken} nan or inf", "$error bold") if norm.broken else ""
            line = Content.assemble(f"{norm.layer}  ", (bar.ljust(BAR), "$primary"), f" {norm.rms:.4g}", broken)
            yield Static(line)
