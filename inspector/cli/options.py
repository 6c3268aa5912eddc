"""The options that several commands share, and what is made of them. Nothing here imports torch."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from inspector.errors import InputError

if TYPE_CHECKING:
    from inspector.models import Options, Request

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

SIZE = re.compile(r"(\d+(?:\.\d*)?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)


def size(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """A number of bytes from `500MB`, `2GB`, `1.5GiB` or `1048576`."""
    if value is None:
        return None
    match = SIZE.fullmatch(value.strip())
    if match is None:
        raise click.BadParameter(f"{value!r} is no size; write a number of bytes such as 500MB, 2GB or 1.5GiB.")
    base = 1024 if match[3] else 1000
    return int(float(match[1]) * base ** " kmgt".index(match[2].lower() or " "))


INPUTS = (
    click.option("--prompt", "prompts", multiple=True, metavar="TEXT", help="The question; again for a batch."),
    click.option("--image", "images", multiple=True, metavar="FILE", help="A picture; again for several."),
    click.option("--video", "videos", multiple=True, metavar="FILE", help="A video, or a directory of frames; again."),
    click.option(
        "--fps", type=float, metavar="N", help="Frames a second to take of a video (of a directory: there are)."
    ),
    click.option("--frames", type=int, metavar="N", help="Frames to take of a video, evenly spread."),
    click.option(
        "--messages",
        type=click.Path(path_type=Path),
        metavar="FILE.json",
        help="A conversation, or a list of them, in place of --prompt.",
    ),
    click.option("--system", metavar="TEXT", help="The system text of the chat template."),
    click.option("--raw", is_flag=True, help="Leave the chat template out."),
)

INPUT_NAMES = ("prompts", "images", "videos", "fps", "frames", "messages", "system", "raw")
"""The arguments that the options above become."""

MODEL = (
    click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1, mps …"),
    click.option("--dtype", default="auto", show_default=True, help="float32, bfloat16, float16."),
    click.option("--attn", "attention", metavar="NAME", help="sdpa, eager, flash_attention_2."),
    click.option("--shape-only", is_flag=True, help="Run without weights: shapes, and integers for real."),
    click.option("--random-weights", is_flag=True, help="Build the architecture with random weights."),
    click.option("--vision", type=click.Path(path_type=Path), metavar="DIR", help="Vision tower of a composite."),
    click.option("--adapter", type=click.Path(path_type=Path), metavar="DIR", help="Adapter of a composite."),
    click.option("--faithful", is_flag=True, help="Compute what the original computes, also where that is unsound."),
    click.option("--trust-remote-code", is_flag=True, help="Run code that comes with the checkpoint."),
)

MODEL_NAMES = (
    *("device", "dtype", "attention", "shape_only", "random_weights", "vision", "adapter", "faithful"),
    "trust_remote_code",
)
"""The arguments that the options above become: those of `inspector.load`."""

KEPT = (
    click.option(
        "--values",
        multiple=True,
        metavar="GLOB",
        help="Keep the tensors of modules whose path (or path:port) matches; again for several.",
    ),
    click.option("--budget", callback=size, metavar="SIZE", help="Values beyond this size go to disk, such as 2GB."),
)
STATS = click.option("--stats", is_flag=True, help="Minimum, maximum, mean, std, nan and inf of every tensor.")


def options(*groups: tuple[Decorator, ...]) -> Decorator:
    """All options of the groups on one command, in their order."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed([option for group in groups for option in group]):
            function = option(function)
        return function

    return decorate


def formats(*names: str) -> Decorator:
    """The `--format` option with the formats that make sense for a command."""
    kinds = click.Choice(names)
    return click.option(
        "--format", "form", type=kinds, default=names[0], show_default=True, help="How the data is written."
    )


def has_inputs(given: Mapping[str, Any]) -> bool:
    """Whether any of the input options was given."""
    return any(given.get(name) for name in INPUT_NAMES)


def request_of(given: Mapping[str, Any]) -> Request:
    """What the input options ask. Raises `InputError` where nothing, or too much, is asked."""
    from inspector.models import Request
    from inspector.models.message_files import read_messages

    if given["prompts"] and given["messages"]:
        raise InputError("--prompt and --messages are two ways to ask; give one of them.")
    if not given["prompts"] and not given["messages"]:
        raise InputError('Nothing was asked: give --prompt "TEXT" (again for a batch) or --messages FILE.json.')
    return Request(
        prompts=tuple(given["prompts"]),
        images=tuple(given["images"]),
        videos=tuple(given["videos"]),
        fps=given["fps"],
        frames=given["frames"],
        messages=() if given["messages"] is None else read_messages(given["messages"]),
        system=given["system"],
        raw=given["raw"],
    )


def options_of(given: Mapping[str, Any]) -> Options:
    """How the model options want a model loaded."""
    from inspector.models import Options

    return Options(**{name: given[name] for name in MODEL_NAMES})
