"""Find, load, isolate and list plugins.

pluggy keeps the registry; this file adds what it leaves out: an entry point that fails to import stops nobody else, a
misspelled hook is reported, and plugins are called one at a time, so that one that raises does not take the rest along.
"""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

import pluggy

from inspector import hookspecs
from inspector.errors import PluginError, near

if TYPE_CHECKING:
    import click

    from inspector.generation.offers import NamedLogitsProcessor
    from inspector.models import Family, Preset
    from inspector.parts import Tab, View
    from inspector.recording import Probe

GROUP = "inspector"
DISABLED = "INSPECTOR_DISABLE_PLUGINS"
"""Environment variable: names of plugins, separated by commas, that are not to be loaded."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong with a plugin, and where; `details` is the traceback."""

    plugin: str
    message: str
    details: str


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin that was found: its distribution with version, the hooks that it implements."""

    name: str
    distribution: str
    version: str
    hooks: tuple[str, ...]


class Plugins:
    """The plugins of this process. What they offer is asked for once, when it is first needed."""

    def __init__(self, *modules: Any) -> None:
        """Empty but for `modules`, objects with hook implementations; `Plugins.installed()` finds what is installed."""
        self.problems: list[Problem] = []
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(hookspecs)
        self._found: list[Plugin] = []
        for module in modules:
            self.register(module, getattr(module, "__name__", repr(module)))

    @classmethod
    def installed(cls, *modules: Any) -> Plugins:
        """Every installed plugin, outsiders' before those that ship, and `modules` before both."""
        plugins = cls(*modules)
        disabled = {name.strip() for name in os.environ.get(DISABLED, "").split(",")}
        points = sorted(
            entry_points(group=GROUP), key=lambda point: (_distribution(point)[0] == "inspector", point.name)
        )
        for point in points:
            if point.name not in disabled:
                plugins._load(point)
        return plugins

    def register(self, module: Any, name: str, distribution: str = "", version: str = "") -> None:
        """Add a plugin. A name that looks like a hook and is none is reported, the rest of the plugin works."""
        try:
            self._manager.register(module, name)
        except (ValueError, pluggy.PluginValidationError) as error:
            self._report(name, error)
            return
        known = [hook for hook in dir(hookspecs) if hook.startswith("inspector_")]
        for hook in [attribute for attribute in dir(module) if attribute.startswith("inspector_")]:
            if hook not in known:
                self._report(name, PluginError(f"There is no hook {hook!r}.{near(hook, known)}"))
        hooks = tuple(caller.name for caller in self._manager.get_hookcallers(module) or ())
        self._found.append(Plugin(name, distribution, version, tuple(hook for hook in hooks if hook in known)))

    def __iter__(self) -> Iterator[Plugin]:
        return iter(self._found)

    @cached_property
    def families(self) -> Sequence[Family]:
        return self._collect("inspector_families")

    @cached_property
    def presets(self) -> dict[str, Preset]:
        return _by_name(self._collect("inspector_presets"))

    @cached_property
    def probes(self) -> Sequence[Probe]:
        return self._collect("inspector_probes")

    @cached_property
    def logits_processors(self) -> dict[str, NamedLogitsProcessor]:
        return _by_name(self._collect("inspector_logits_processors"))

    @cached_property
    def views(self) -> dict[str, View]:
        return _by_name(self._collect("inspector_views"))

    @cached_property
    def commands(self) -> dict[str, click.Command]:
        return _by_name(self._collect("inspector_commands"))

    @cached_property
    def screens(self) -> Sequence[Tab]:
        return self._collect("inspector_screens")

    def _load(self, point: EntryPoint) -> None:
        distribution, version = _distribution(point)
        try:
            module = point.load()
        except Exception as error:  # whatever a plugin raises on import is its own affair
            self._report(point.name, error)
            return
        self.register(module, point.name, distribution, version)

    def _collect(self, hook: str) -> list[Any]:
        """What plugins return for a hook, in the order of registration; one that raises is reported, and left out."""
        gathered: list[Any] = []
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            try:
                gathered.extend(implementation.function())
            except Exception as error:
                self._report(implementation.plugin_name, error, f"{hook}: ")
        return gathered

    def _report(self, name: str, error: Exception, where: str = "") -> None:
        message = f"{where}{type(error).__name__}: {error}"
        self.problems.append(Problem(name, message, "".join(traceback.format_exception(error))))
        log.warning("plugin %s: %s", name, message)


def _distribution(point: EntryPoint) -> tuple[str, str]:
    return (point.dist.name, point.dist.version) if point.dist else ("", "")


def _by_name(things: Sequence[Any]) -> dict[str, Any]:
    """By name, in the order in which they were offered; the first plugin to offer a name keeps it."""
    named: dict[str, Any] = {}
    for thing in things:
        named.setdefault(thing.name, thing)
    return named
