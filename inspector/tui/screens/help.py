"""Help on the screen that is in front: what it shows, and the keys that work there right now."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from rich.cells import set_cell_size
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Static

from inspector.tui.screens.dialog import Dialog

KEY_WIDTH = 20

PALETTE = (
    "ctrl+p lists every action, and finds modules and calls. Its entry Keys writes a file in which keys are changed."
)


class HelpScreen(Dialog[None]):
    """Explains `screen` and the widget in it that has the focus, each through its `HELP` text."""

    DEFAULT_CSS = """
    HelpScreen > VerticalGroup { width: 90; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,q,enter", "leave", "Close", id="help.close", tooltip="Close the help", show=False),
        Binding("j", "scroll(1)", "Down", id="help.down", tooltip="Scroll down", show=False),
        Binding("k", "scroll(-1)", "Up", id="help.up", tooltip="Scroll up", show=False),
    ]

    def __init__(self, screen: Screen[object]) -> None:
        super().__init__("Help", "↑ ↓ scroll · esc close")
        self._text = explain(screen)

    def body(self) -> ComposeResult:
        yield Static(self._text)


def explain(screen: Screen[object]) -> Content:
    """What the focused widget, what holds it and the screen say about themselves, then the keys of each."""
    chain = list(reversed(screen.focused.ancestors_with_self)) if screen.focused else [screen]
    lines: list[Content] = []
    for node in reversed(chain):
        text = getattr(node, "HELP", None)
        if isinstance(text, str):
            lines += [Content(_paragraphs(text)), Content("")]
    for title, bindings in _groups(screen):
        lines.append(Content.styled(title, "bold $primary"))
        lines += [_key_line(screen, keys, binding) for keys, binding in bindings]
        lines.append(Content(""))
    lines.append(Content.styled(PALETTE, "$text-muted"))
    return Content("\n").join(lines)


def _groups(screen: Screen[object]) -> Iterator[tuple[str, list[tuple[list[str], Binding]]]]:
    """The active bindings by the node that has them, the keys of one action together."""
    by_node: dict[DOMNode, dict[str, tuple[list[str], Binding]]] = {}
    for active in screen.active_bindings.values():
        if _is_ours(active):
            actions = by_node.setdefault(active.node, {})
            keys, _ = actions.setdefault(active.binding.action, ([], active.binding))
            keys.append(screen.app.get_key_display(active.binding))
    for node, actions in by_node.items():
        yield node.BINDING_GROUP_TITLE or _spaced(type(node).__name__), list(actions.values())


def _paragraphs(text: str) -> str:
    """`text` without the line breaks of the source; an empty line is a break that is meant."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n"))


def _spaced(name: str) -> str:
    """`CallsList` as `Calls list`."""
    return re.sub(r"(?<=[a-z])[A-Z]", lambda match: f" {match[0].lower()}", name)


def _is_ours(active: ActiveBinding) -> bool:
    """Bindings of Textual's own widgets carry no id; they are the arrows, which nobody looks up."""
    return active.binding.id is not None and active.enabled


def _key_line(screen: Screen[object], keys: list[str], binding: Binding) -> Content:
    shown = set_cell_size("  " + " ".join(keys), KEY_WIDTH)
    return Content.assemble((shown, "$accent"), binding.tooltip or binding.description)
