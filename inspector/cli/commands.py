"""The program's commands. Each is imported when it is asked for, those of plugins after the built-in ones."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version

import click

from inspector.cli.invocation import Invocation

BUILT_IN = ("open", "trace", "generate", "view", "models", "plugins", "tour")


class Commands(click.Group):
    """Built-in commands by module, plugins' commands by the hook `inspector_commands`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from inspector.cli.running import installed

        return [*BUILT_IN, *sorted(name for name in installed().commands if name not in BUILT_IN)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in BUILT_IN:
            command: click.Command = import_module(f"inspector.cli.{cmd_name}").command
            return command
        from inspector.cli.running import installed

        return installed().commands.get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from inspector.errors import near

        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            ctx.fail(f"There is no command {args[0]!r}.{near(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, invoke_without_command=True)
@click.version_option(version("inspector"), message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an unexpected error.")
@click.pass_context
def commands(ctx: click.Context, debug: bool) -> None:
    """See what happens inside the forward pass of a vision-language model.

    Without a command, the launcher opens.
    """
    ctx.ensure_object(Invocation).debug = debug
    if ctx.invoked_subcommand is None:
        from inspector.cli.open import run

        ctx.exit(run(None))
