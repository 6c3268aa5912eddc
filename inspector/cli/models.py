"""`inspector models`: what can be opened here. Imports neither torch nor transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from inspector.cli.options import formats
from inspector.cli.output import put, put_text
from inspector.cli.running import installed


@click.command()
@click.argument("directories", nargs=-1, type=click.Path(path_type=Path, exists=True, file_okay=False))
@formats("text", "json", "jsonl", "csv")
def command(directories: tuple[Path, ...], form: str) -> None:
    """List the bundled checkpoints, the presets, the models of the Hugging Face cache, and those in DIRECTORIES."""
    from inspector import render
    from inspector.models import list_models
    from inspector.parts import Column, Table

    found = list_models(installed().presets, directories)
    rows = [(model.reference, model.kind, model.detail, model.bytes) for model in found]
    columns = (Column("reference"), Column("kind"), Column("detail"), Column("bytes", "right", "bytes"))
    table = Table("", columns, rows)
    if form == "json":
        names = [column.name for column in columns]
        entries: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in rows]
        put([render.encode({"models": entries}) + "\n"])
    elif form == "text":
        put_text([table])
    else:
        put(render.csv(table) if form == "csv" else render.jsonl(table))
