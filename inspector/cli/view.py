"""`inspector view`: any view of a trace, built in or from a plugin, with the options that the view itself names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from inspector.cli.narration import Narration
from inspector.cli.options import INPUTS, KEPT, MODEL, STATS, formats, has_inputs, options
from inspector.cli.output import put_text, put_view
from inspector.cli.running import Run, installed, load, modules_alone, question, runner, saved
from inspector.errors import InputError, PluginError, near
from inspector.parts import Column, Part, Table, View
from inspector.trace import Trace

PREFIX = "view_"
"""Before the names of a view's own options among a command's arguments, so that they do not meet the shared ones."""


class Views(click.Group):
    """Every view as a command of its own, made when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_views())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        view = _views().get(cmd_name)
        return None if view is None else make_command(view)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _views():
            there_are = ", ".join(_views())
            raise InputError(f"There is no view {args[0]!r}; there are {there_are}.{near(args[0], _views())}")
        return super().resolve_command(ctx, args)


@click.group(cls=Views, invoke_without_command=True, subcommand_metavar="NAME TARGET [OPTIONS]")
@click.option("--list", "listing", is_flag=True, help="List the views.")
@click.pass_context
def command(ctx: click.Context, listing: bool) -> None:
    """Show a view of TARGET: a saved trace, or a model with inputs, which is then run first."""
    if listing or ctx.invoked_subcommand is None:
        rows = [
            (view.name, " ".join([f"{view.help}.", *map("--{}".format, view.options)])) for view in _views().values()
        ]
        put_text([Table("", (Column("view"), Column("shows")), rows)])
        ctx.exit()


def make_command(view: View) -> click.Command:
    """The command of one view. Raises `PluginError` where a view's option has the name of one that is built in."""

    @click.command(view.name, help=f"{view.help}. TARGET is a saved trace, or a model with inputs.")
    @click.argument("target")
    @options(tuple(_own(view, name, text) for name, text in view.options.items()))
    @formats("text", "json", "jsonl", "csv", "svg")
    @click.option("--part", metavar="PART", help="Only this part of the view, by number or title.")
    @options(INPUTS, (STATS, *KEPT), MODEL)
    def show(target: str, form: str, part: str | None, **given: Any) -> None:
        own = {name.removeprefix(PREFIX): value for name, value in given.items() if name.startswith(PREFIX)}
        asked = {name: "yes" if value is True else value for name, value in own.items() if value}
        narration = Narration()
        trace = trace_of(view, asked, target, given, narration)
        narration.notices(trace.notices)
        put_view(view.name, parts_of(view, trace, asked), form, part)

    names = [name for parameter in show.params for name in parameter.opts]
    for name in view.options:
        if names.count(f"--{name}") > 1:
            raise PluginError(f"The view {view.name!r} has an option --{name}, which every view has; it needs another.")
    return show


def trace_of(
    view: View, asked: Mapping[str, str], target: str, given: Mapping[str, Any], narration: Narration
) -> Trace:
    """The trace that a view is to show: opened, or made with the values that the view reads."""
    trace = saved(target, given)
    if trace is not None:
        return trace
    if view.name == "modules" and not has_inputs(given):
        return modules_alone(load(target, given, narration))
    request = question(target, given)
    run = runner(load(target, given, narration), request, given, narration)
    needs = view.needs(**asked) if view.needs is not None else []
    return run([*given["values"], *view.values, *needs, *_values(view, asked, run)])


def parts_of(view: View, trace: Trace, asked: Mapping[str, str]) -> Sequence[Part]:
    """What the view returns. What a plugin's view raises becomes a `PluginError` with its name."""
    from inspector.errors import InspectorError
    from inspector.views import BUILT_IN

    if view.name in BUILT_IN:
        return view(trace, **asked)
    try:
        return view(trace, **asked)
    except InspectorError:
        raise
    except Exception as error:
        raise PluginError(f"The view {view.name!r} of a plugin raised {type(error).__name__}: {error}") from error


def _values(view: View, asked: Mapping[str, str], run: Run) -> list[str]:
    """What the tensor view will read. A call that is named by its index is looked up in a first run without values."""
    from inspector.views import tensor

    call, port = asked.get("call", ""), asked.get("port", "")
    if view.name != "tensor" or not call:
        return []
    if call.isdecimal():
        return [tensor.wanted(run([]), call, port)]
    return [f"{call}:{port or '*'}"]


def _views() -> Mapping[str, View]:
    from inspector.views import all_views

    return all_views(installed())


def _own(view: View, name: str, text: str) -> Any:
    if name in view.flags:
        return click.option(f"--{name}", f"{PREFIX}{name}", is_flag=True, help=text)
    return click.option(f"--{name}", f"{PREFIX}{name}", metavar=name.upper(), help=text)
