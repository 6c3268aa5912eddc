"""The command palette: every action of the screen in front and of everything on it, and a way to any module or call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, runtime_checkable

from textual.app import App
from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.dom import DOMNode
from textual.markup import escape
from textual.widget import Widget

from inspector.trace import Trace
from inspector.tui.places import search


@runtime_checkable
class Walkable(Protocol):
    """A screen on which one can go to a call."""

    @property
    def trace(self) -> Trace: ...

    async def go(self, call: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Command:
    """An action with the node that it belongs to."""

    node: DOMNode
    binding: Binding
    keys: str

    @property
    def text(self) -> str:
        return self.binding.description

    @property
    def help(self) -> str:
        return f"{self.keys:<10} {self.binding.tooltip}"


async def take(app: App[Any], command: Command) -> None:
    """Do what a key would do, with the focus where it would have to be for it."""
    node = command.node
    if isinstance(node, Widget) and node.focusable:
        node.focus()
    await app.run_action(command.binding.action, node)


class Actions(Provider):
    """Every binding that has an id: of the screen, of the widgets that are shown, of the program."""

    async def discover(self) -> Hits:
        for command in commands(self.screen):
            yield DiscoveryHit(
                Content(command.text), partial(take, self.app, command), command.text, escape(command.help)
            )

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in commands(self.screen):
            score = max(matcher.match(command.text), matcher.match(command.binding.tooltip) * 0.8)
            if score > 0:
                shown = matcher.highlight(command.text)
                yield Hit(score, shown, partial(take, self.app, command), command.text, escape(command.help))


class Places(Provider):
    """Modules by name and calls by number, of the trace on the screen."""

    async def search(self, query: str) -> Hits:
        screen = self.screen
        if not isinstance(screen, Walkable):
            return
        for rank, (label, index) in enumerate(search(screen.trace, query)):
            yield Hit(1 / (rank + 2), Content(label), partial(screen.go, index), label, "go to the call")


def commands(screen: DOMNode) -> list[Command]:
    """The actions that can be taken now, those nearest to the screen's surface first; each once."""
    found: dict[tuple[DOMNode, str], Command] = {}
    app = screen.app
    for node in _nodes(screen):
        for _, binding in node._bindings:
            state = app._check_action_state(binding.action, node)
            if binding.id is None or not binding.description or state is False:
                continue
            known = found.get((node, binding.action))
            keys = app.get_key_display(binding)
            joined = keys if known is None else f"{known.keys} {keys}"
            found[node, binding.action] = Command(node, binding, joined)
    return list(found.values())


def _nodes(screen: DOMNode) -> Iterator[DOMNode]:
    yield screen
    for node in screen.walk_children(Widget):
        if node.display and node.is_on_screen:
            yield node
    yield screen.app
