"""The options of `inspector generate`, made from the documentation of transformers' generation configuration.

Its source is read as text, so that listing the commands imports neither transformers nor torch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

PREFIX = "generation_"
"""Before the names of generation options among a command's arguments, so that they do not meet the others."""

NUMBERS: Mapping[str, type] = {"int": int, "float": float}

ENTRY = re.compile(r"^ {8}(\w+):? ?\((.+?)\):\n((?: {12}.*\n|\n)+)", re.MULTILINE)
"""One argument in the class's documentation: name, type, description."""

NOT_HERE = frozenset(
    {
        *("output_attentions", "output_hidden_states", "output_logits", "output_scores", "return_dict_in_generate"),
        *("compile_config", "decoder_start_token_id", "disable_compile", "is_assistant"),
    }
)
"""Arguments for who calls `generate` from a program, for encoder-decoder models, and for compilation."""


MARKS = str.maketrans("", "", "`*")


@dataclass(frozen=True, slots=True)
class Option:
    """A generation option: its name, the types that its documentation names, and its first sentence."""

    name: str
    kinds: str
    help: str


UNDOCUMENTED = (
    Option("begin_suppress_tokens", "`list[int]`", "A list of tokens that cannot be the first generated one."),
    Option("prefill_chunk_size", "`int`", "Run the prompt in pieces of so many tokens."),
)
"""Options that generation configurations have and their documentation leaves out."""


@cache
def documented() -> tuple[Option, ...]:
    """Every option that the installed transformers documents, in its order."""
    spec = find_spec("transformers")
    if spec is None or spec.origin is None:
        return ()
    file = Path(spec.origin).parent / "generation" / "configuration_utils.py"
    source = file.read_text(encoding="utf-8")
    text = source[source.index("class GenerationConfig") :]
    text = text[: text.index("def __init__")]
    found = (Option(name, kinds.split("*optional*")[0], _sentence(words)) for name, kinds, words in ENTRY.findall(text))
    return (*found, *UNDOCUMENTED)


def generation_options() -> list[Callable[..., Any]]:
    """A click option for each; options that are not given stay out of the request."""
    return [_option(option) for option in documented() if option.name not in NOT_HERE]


def chosen(given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given, under transformers' names."""
    named = {name.removeprefix(PREFIX): value for name, value in given.items() if name.startswith(PREFIX)}
    return {name: value for name, value in named.items() if value is not None and value != ()}


def _option(option: Option) -> Callable[..., Any]:
    flag, name = f"--{option.name.replace('_', '-')}", f"{PREFIX}{option.name}"
    kind = option.kinds.strip(" ,`")
    if kind == "bool":
        return click.option(f"{flag}/--no-{flag[2:]}", name, default=None, help=option.help)
    if option.name == "stop_strings":
        return click.option(flag, name, multiple=True, metavar="TEXT", help=option.help)
    if kind in NUMBERS:
        return click.option(flag, name, type=NUMBERS[kind], help=option.help)
    if kind == "str":
        return click.option(flag, name, metavar="NAME", help=option.help)
    return click.option(flag, name, callback=_json, metavar="JSON", help=option.help)


def _json(context: click.Context, parameter: click.Parameter, value: str | None) -> Any:
    """A list, an object or a number as JSON; a bare word as itself."""
    if value is None:
        return None
    try:
        return json.loads(value)
    except json.JSONDecodeError as error:
        if value.strip()[:1] in ("[", "{"):
            raise click.BadParameter(f"{value!r} is no JSON: {error.msg} at character {error.pos}.") from error
        return value


def _sentence(words: str) -> str:
    """The first sentence of a description, without its marks."""
    text = " ".join(words.split())
    text = re.sub(r"\[`?([^`\]]+)`?\](?:\([^)]*\))?", r"\1", text).translate(MARKS)
    first = next(_sentences(text), text)
    return first if first.endswith(".") else f"{first}."


def _sentences(text: str) -> Iterator[str]:
    start = 0
    for match in re.finditer(r"(?<!e\.g)(?<!i\.e)\.\s|:\s", text):
        if match.start() - start > 20:
            yield text[start : match.start()]
            start = match.end()
