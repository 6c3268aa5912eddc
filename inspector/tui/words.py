"""Small texts of the screen: numbers, sizes and paths in few cells."""

from __future__ import annotations

UNITS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def parameters(count: int) -> str:
    """A number of parameters as people say it: 1.9 M, 7.6 B, 72.7 B."""
    for size, unit in UNITS:
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return str(count)


def duration(seconds: float | None) -> str:
    """Wall time in a unit that fits it; empty where it was not measured."""
    if seconds is None:
        return ""
    for size, unit in ((1.0, "s"), (1e-3, "ms")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"
