"""Options of views, as the strings in which they arrive, made into what they name."""

from __future__ import annotations

from inspector.errors import InputError


def whole(text: str, name: str, count: int, what: str) -> int:
    """A number from 0 to below `count`. Raises `InputError` that says what there is: `what` in the plural."""
    if not text.isdecimal() or int(text) >= count:
        there_are = f"there are {count:,} {what}, counted from 0" if count else f"there are no {what}"
        raise InputError(f"--{name} {text}: {there_are}.")
    return int(text)


def ordinal(text: str, name: str, count: int, what: str) -> int:
    """A number from 1 to `count`, as an index from 0. Raises `InputError`."""
    if not text.isdecimal() or not 1 <= int(text) <= count:
        there_are = f"there are {count:,} {what}, counted from 1" if count else f"there are no {what}"
        raise InputError(f"--{name} {text}: {there_are}.")
    return int(text) - 1
