"""A box that is ticked or empty: Textual's own shows an X in both states and tells them apart by colour alone."""

from __future__ import annotations

from textual.content import ContentText
from textual.widgets import Checkbox


class CheckBox(Checkbox):
    """One line high, told apart without colours as well."""

    DEFAULT_CSS = """
    CheckBox > .toggle--button, CheckBox.-on > .toggle--button { background: transparent; color: $text-muted; }
    CheckBox.-on > .toggle--button { color: $text-success; }
    """
    BUTTON_LEFT, BUTTON_RIGHT = "", ""
    TICKED, EMPTY = "[✓]", "[ ]"

    def __init__(self, label: ContentText, value: bool = False, *, id: str | None = None) -> None:
        super().__init__(label, value, id=id, compact=True)
        self.BUTTON_INNER = self.TICKED if value else self.EMPTY

    def watch_value(self) -> None:
        self.BUTTON_INNER = self.TICKED if self.value else self.EMPTY
        super().watch_value()
