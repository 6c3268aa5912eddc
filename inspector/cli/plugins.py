"""`inspector plugins`: what is installed, and what is wrong with it."""

from __future__ import annotations

import logging

import click

from inspector.cli.options import formats
from inspector.cli.output import put, put_text
from inspector.cli.running import installed
from inspector.parts import Column, Part, Table, Text
from inspector.plugins import Plugins


@click.command()
@click.option("--traceback", is_flag=True, help="Show where a plugin raised.")
@formats("text", "json")
@click.pass_context
def command(ctx: click.Context, traceback: bool, form: str) -> None:
    """List the plugins with their hooks and problems. The exit code is 1 when there are problems."""
    logging.getLogger("inspector.plugins").disabled = True  # the problems are listed here
    plugins = installed()
    ask_everything(plugins)
    if form == "json":
        put(as_json(plugins, traceback=traceback))
    else:
        put_text(as_parts(plugins, traceback=traceback))
    ctx.exit(1 if plugins.problems else 0)


def ask_everything(plugins: Plugins) -> None:
    """Call every hook, so that the problems of all of them are known."""
    for offered in (plugins.families, plugins.presets, plugins.views, plugins.commands, plugins.screens):
        len(offered)


def as_parts(plugins: Plugins, *, traceback: bool) -> list[Part]:
    rows = [(found.name, found.distribution, found.version, ", ".join(found.hooks)) for found in plugins]
    columns = (Column("plugin"), Column("distribution"), Column("version"), Column("hooks"))
    parts: list[Part] = [Table("Plugins", columns, rows)]
    if plugins.problems:
        problems = [(problem.plugin, problem.message) for problem in plugins.problems]
        note = "" if traceback else "--traceback shows where."
        parts.append(Table("Problems", (Column("plugin"), Column("problem")), problems, note))
    if traceback:
        parts += [Text(problem.plugin, problem.details, "pytb") for problem in plugins.problems]
    return parts


def as_json(plugins: Plugins, *, traceback: bool) -> list[str]:
    from inspector import render

    found = [
        {"name": item.name, "distribution": item.distribution, "version": item.version, "hooks": list(item.hooks)}
        for item in plugins
    ]
    problems = [
        {"plugin": problem.plugin, "message": problem.message, **({"traceback": problem.details} if traceback else {})}
        for problem in plugins.problems
    ]
    return [render.encode({"plugins": found, "problems": problems}) + "\n"]
