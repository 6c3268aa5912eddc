"""Every hook that a plugin can implement. This file is the whole seam: start here to extend anything.

A plugin is a module registered under the entry point group `inspector`, with functions named as below and marked with
`inspector.hookimpl`. Each hook is called once, when what it returns is first needed. A plugin that fails to import, or
raises, is reported by name (`inspector plugins`), and everything else goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import click

    from inspector.generation.offers import NamedLogitsProcessor
    from inspector.models import Family, Preset
    from inspector.parts import Tab, View
    from inspector.recording import Probe

hookspec = pluggy.HookspecMarker("inspector")
hookimpl = pluggy.HookimplMarker("inspector")


@hookspec
def inspector_families() -> Sequence[Family]:
    """Kinds of model that the plugin knows. Called before a model is loaded; the first family whose `matches` answers
    True is taken, plugins of others before those that ship, the generic family last.

    Example: `return [MyFamily()]`
    """


@hookspec
def inspector_presets() -> Sequence[Preset]:
    """Published configurations that open as `preset:NAME`, without weights. Called when presets are listed or opened.

    Example: `return [Preset("My-7B", config={"model_type": "qwen2", ...})]`
    """


@hookspec
def inspector_probes() -> Sequence[Probe]:
    """What records during a forward, beside the calls of modules. Called before a model runs; a probe writes further
    ports on the calls that are running (see `inspector/recording/probes.py`).

    Example: `return [RouterProbe()]`
    """


@hookspec
def inspector_logits_processors() -> Sequence[NamedLogitsProcessor]:
    """Logits processors that a generation can take in by name (`generation.add("name", …)`, `--processor name`). Called
    before the first generation. What one of them does wrong is told with its name; the generation survives it.

    Example: `return [NamedLogitsProcessor("no-digits", "Removes every digit", NoDigits)]`
    """


@hookspec
def inspector_views() -> Sequence[View]:
    """Named ways to look at a trace. Called before a view is listed or shown, on the command line and on tab 8.

    Example: `return [View("norms", "The norm of every layer's output", show_norms)]`
    """


@hookspec
def inspector_commands() -> Sequence[click.Command]:
    """Commands that stand beside the built-in ones. Called when a command that is not built in is looked up or listed.

    Example: `return [click.Command("export", callback=export, help="Write the trace as a notebook")]`
    """


@hookspec
def inspector_screens() -> Sequence[Tab]:
    """Tabs of the terminal program. Called when a trace is opened on the screen; Textual may be imported in `widget`.

    Example: `return [Tab("probe", "Probe", lambda trace: ProbePane(trace))]`
    """
