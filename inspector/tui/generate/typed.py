"""What is typed into the fields of the dialogs: generation options by name, processors with parameters, a number."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

NAMED = re.compile(r"(?<!\S)([A-Za-z_]\w*)\s*=")
"""The beginning of `name=value`."""

WORDS = {"none": None, "true": True, "false": False}


def value(text: str) -> Any:
    """A number, a list or an object as JSON, `none`, `true`, `false`; anything else as the text that it is.

    Raises `ValueError` for a list or an object that is not closed.
    """
    text = text.strip()
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    try:
        return json.loads(re.sub(r"^([+-]?)\.(?=\d)", r"\g<1>0.", text))
    except json.JSONDecodeError as error:
        if text[:1] in ("[", "{", '"'):
            raise ValueError(f"{text} is no JSON: {error.msg} at character {error.pos}.") from error
        return text


def options(text: str) -> dict[str, Any]:
    """`top_h=0.4 stop_strings=["a b"]` as names and values. Raises `ValueError` for what has no name."""
    starts = list(NAMED.finditer(text))
    before = text[: starts[0].start()] if starts else text
    if before.strip():
        raise ValueError(f"{before.strip()!r} has no name before it: options are written name=value.")
    given = {}
    for found, end in zip(starts, [*(found.start() for found in starts[1:]), len(text)], strict=False):
        written = text[found.end() : end].strip()
        if not written:
            raise ValueError(f"{found[1]}= has no value; none takes an option back.")
        given[found[1]] = value(written)
    return given


def processors(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """`favour token=66, plain` as names with parameters. Raises `ValueError`."""
    for part in re.split(r",(?![^\[{]*[\]}])", text):
        name, _, parameters = part.strip().partition(" ")
        if name:
            yield name, options(parameters)


def number(name: str, text: str) -> int | float | None:
    """A number, None for an empty field or `none`. Raises `ValueError`."""
    found = value(text) if text.strip() else None
    if found is None or (isinstance(found, int | float) and not isinstance(found, bool)):
        return found
    raise ValueError(f"{name} is {text.strip()!r}; a number was expected.")
