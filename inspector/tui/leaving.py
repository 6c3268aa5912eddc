"""Widgets that are taken off the screen while something is still on its way to them."""

from __future__ import annotations

from textual.widget import Widget


def leaving(widget: Widget) -> bool:
    """Whether a widget is being taken away: what it holds goes before it does, one by one, and may be gone."""
    return widget._pruning or widget._closing or widget._closed
