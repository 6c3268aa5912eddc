"""Train one of the bundled demo models from scratch, or measure a checkpoint.

\b
    python examples/train_demo.py qwen2.5-vl --output somewhere
    python examples/train_demo.py qwen2.5-vl --evaluate demo:qwen2.5-vl

It takes 39 minutes of CPU time on one thread, or 8 minutes on a GPU. The data follow from the seed.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import importlib
import platform
import sys
from pathlib import Path
from typing import Any

import click
import torch
from demo_training.evaluation import evaluate, table
from demo_training.loop import Settings, thinned, train
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from inspector import InspectorError

TRAINEES = {"qwen2.5-vl": ("qwen2_5_vl", "TinyQwen2_5_VL"), "clip-qwen": ("clip_qwen", "TinyClipQwen")}
"""By name of the model, the module and class that know how it is built."""


@click.command(help=__doc__)
@click.argument("name", type=click.Choice(list(TRAINEES)))
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), help="Where the checkpoint goes.")
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    help="CPU time on a CPU, time by the clock on a GPU.  [default: 39, or 8 on a GPU]",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, …")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the data and the first weights.")
@click.option("--evaluate", "measured", metavar="MODEL", help="Train nothing; print the table of this checkpoint.")
@click.option(
    "--questions", type=click.IntRange(min=1), default=200, show_default=True, help="Of each kind, in the evaluation."
)
def main(
    name: str, output: Path | None, minutes: float | None, device: str, seed: int, measured: str | None, questions: int
) -> None:
    if not output and not measured:
        raise click.UsageError("Give --output, the directory for the checkpoint, or --evaluate, a checkpoint.")
    console = Console(stderr=True)
    module, kind = TRAINEES[name]
    trainee = getattr(importlib.import_module(f"demo_training.{module}"), kind)
    if output:
        device = chosen(device)
        minutes = minutes or (39 if device == "cpu" else 8)
        settings = Settings(minutes * 60, seed=seed, device=device, **trainee.settings)
        torch.manual_seed(seed)
        learn(trainee(), settings, output, console)
    try:
        rows = evaluate(measured or output or "", trainee.sizes, bool(trainee.clips), questions, console.log)
    except InspectorError as error:
        raise click.ClickException(str(error)) from error
    click.echo(table(rows))


def learn(trainee: Any, settings: Settings, output: Path, console: Console) -> None:
    """Train, and write a checkpoint after every tenth of the time. Raises `click.ClickException` when stopped."""
    if settings.device == "cpu":
        torch.set_num_threads(1)
    output.mkdir(parents=True, exist_ok=True)
    saved = 0
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=console) as progress:
            bar = progress.add_task("training", total=1.0)
            for report in thinned(train(trainee, settings), 50, console.log):
                progress.update(bar, completed=report.done)
                if int(report.done * 10) > saved:
                    saved = int(report.done * 10)
                    trainee.save(output)
    except KeyboardInterrupt:
        raise click.ClickException(stopped(saved, output)) from None
    machine = torch.cuda.get_device_name() if settings.device == "cuda" else platform.processor() or platform.machine()
    console.log(f"{report.step} steps in {report.seconds / 60:.1f} minutes on {settings.device} ({machine}): {output}")


def stopped(saved: int, output: Path) -> str:
    """What is left of a training that was stopped after so many checkpoints, and how to have more."""
    again = "It cannot be taken up again; with fewer --minutes it learns less, and comes to an end."
    if saved:
        return f"Stopped. {output} holds the checkpoint at {saved * 10} % of the time. {again}"
    return f"Stopped before the first checkpoint, which comes at 10 % of the time: {output} holds nothing. {again}"


def chosen(device: str) -> str:
    """The device that is meant by auto."""
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"


if __name__ == "__main__":
    sys.exit(main())
