"""`inspector tour`: five minutes with the bundled model, from the forward pass to a branch of a generation."""

from __future__ import annotations

import click


@click.command()
@click.pass_context
def command(ctx: click.Context) -> None:
    """Walk through the screens with the bundled model, in about five minutes. It can be left at any stop."""
    from inspector.cli.open import run

    ctx.exit(run(None, tour=True))
