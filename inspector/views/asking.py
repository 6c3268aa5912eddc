"""Options of views, as the strings in which they arrive, made into what they name."""

from __future__ import annotations

from inspector.errors import InputError


def whole(text: str, name: str, count: int, what: str) -> int:
    """A number from 0 to below `count`. Raises `InputError` that says what there is: `what` in the plural."""
    if not text.isdecimal() or int(text) >= count:
        raise InputError(f"--{name} {text}: {_there_are(count, what, 0)}.")
    return int(text)


def ordinal(text: str, name: str, count: int, what: str) -> int:
    """A number from 1 to `count`, as an index from 0. Raises `InputError`."""
    if not text.isdecimal() or not 1 <= int(text) <= count:
        raise InputError(f"--{name} {text}: {_there_are(count, what, 1)}.")
    return int(text) - 1


def span(text: str, name: str, count: int, what: str) -> range:
    """Numbers from 0 to below `count`: one, or `start:stop` as in Python; all where nothing is asked.

    Raises `InputError`.
    """
    if not text:
        return range(count)
    start, colon, stop = text.partition(":")
    if not colon:
        one = whole(text, name, count, what)
        return range(one, one + 1)
    if not all(side == "" or side.removeprefix("-").isdecimal() for side in (start, stop)):
        raise InputError(f"--{name} {text} cannot be read; write one of the {what}, or start:stop.")
    found = range(count)[slice(*(int(side) if side else None for side in (start, stop)))]
    if not found:
        raise InputError(f"--{name} {text} is empty: {_there_are(count, what, 0)}.")
    return found


def _there_are(count: int, what: str, first: int) -> str:
    if count == 1:
        return f"of the {what} there is only number {first}"
    return f"there are {count:,} {what}, counted from {first}" if count else f"there are no {what}"
