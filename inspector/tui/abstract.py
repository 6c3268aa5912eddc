"""Widgets of which a subclass has to bring something: Python refuses to make one that lacks it, and so does mypy."""

from __future__ import annotations

from abc import ABCMeta

from textual.message_pump import _MessagePumpMeta


class AbstractWidget(ABCMeta, _MessagePumpMeta):
    """The metaclass of widgets with `@abstractmethod`s: Textual's own, with that of `abc`."""
