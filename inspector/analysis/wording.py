"""Numbers, tensors and tokens as a reader meets them, the same on the screen, in a table and in a message."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from inspector.trace import Stats, TensorInfo, Value

if TYPE_CHECKING:
    from torch import Tensor

ZERO_WIDTH_JOINER = "\u200d"
"""Left as it is: it holds emoji together."""

FEW = 10
"""A tensor of at most so many elements is written out beside its summary."""


def number(value: float, digits: int = 3) -> str:
    """A number in few characters: `1.02`, `-3.1`, `1.2e-05`; integers whole; `nan`, `inf` and `-inf` by name."""
    if isinstance(value, int):
        return str(value)
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    return f"{value:.{digits}g}"


def listed(numbers: Sequence[int]) -> str:
    """Ascending numbers with their runs as one: `0–6, 8–14, 16`."""
    cuts = [place for place, (one, next_one) in enumerate(pairwise(numbers), start=1) if next_one != one + 1]
    parts = [numbers[start:stop] for start, stop in pairwise([0, *cuts, len(numbers)])]
    return ", ".join(str(part[0]) if len(part) == 1 else f"{part[0]}–{part[-1]}" for part in parts)


def in_bytes(count: float) -> str:
    """A size in binary units: `512 B`, `1.5 MiB`, `141 GiB`."""
    size, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if abs(size) < 1023.5:
            break
        size, unit = size / 1024, larger
    whole = unit == "B" or abs(size) >= 999.5
    return f"{size:.0f} {unit}" if whole else f"{size:.3g} {unit}"


def in_seconds(seconds: float) -> str:
    """A duration: `12.1 ms`, `3.4 s`, `2 min 05 s`."""
    if seconds >= 60:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest:02} s"
    if seconds >= 1:
        return f"{seconds:.3g} s"
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} µs"


def in_short(count: float) -> str:
    """A large count: `896`, `1.9 K`, `8.29 B`."""
    size = float(count)
    for unit in ("", " K", " M", " B"):
        if abs(size) < 999.5:
            return f"{size:.0f}" if not unit else f"{size:.3g}{unit}"
        size /= 1000
    return f"{size:.3g} T"


def summary(info: TensorInfo, tensor: Tensor | None = None) -> str:
    """A tensor in one line, as lovely-tensors writes it: `f32[1,12,16] n=192 x∈[-3.1, 4.2] μ=0.01 σ=1.02 nan×2!`.

    `tensor` is its value where that is at hand; a few elements are written out.
    """
    words = [str(info)]
    if info.numel > 1:
        words.append(f"n={info.numel:,}")
    if info.stats is not None:
        words += _numbers(info.stats, info.numel)
    if tensor is not None and 0 < info.numel <= FEW:
        words.append(written_out(tensor))
    return " ".join(words if info.device == "cpu" else [*words, info.device])


def written_out(tensor: Tensor) -> str:
    """Every element, nested as in the tensor: `[[1, 4, 4]]`."""

    def write(item: object) -> str:
        if isinstance(item, list):
            return f"[{', '.join(write(inner) for inner in item)}]"
        return number(item) if isinstance(item, float) else str(item)

    return write(tensor.tolist())


def value_text(value: Value) -> str:
    """What stands at a port, in a word: `f32[1,12,16]`, `None`, `True`, `0.125`, or the description as it is."""
    return number(value) if isinstance(value, float) else str(value)


def visible(text: str, *, spaces: bool = False) -> str:
    """`text` without anything that moves a cursor or hides: controls as their pictures (`␊`, `␛`), format characters
    and line separators as escapes (`\\u200b`); with `spaces`, a space as `·`. What a terminal is safe to print.
    """
    if not spaces and text.isascii() and text.isprintable():
        return text
    return "".join(_visible(character, spaces) for character in text)


def _visible(character: str, spaces: bool) -> str:
    code = ord(character)
    if character == " ":
        return "·" if spaces else " "
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    category = unicodedata.category(character)
    if character == ZERO_WIDTH_JOINER or category == "Co" or not category.startswith(("C", "Z")):
        return character
    if category == "Zs" and not spaces:
        return character
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _numbers(stats: Stats, count: int) -> list[str]:
    words = []
    if stats.min is not None and stats.max is not None:
        extent = f"x∈[{number(stats.min)}, {number(stats.max)}]"
        words.append(extent if count > 1 else f"x={number(stats.min)}")
    if count > 1 and stats.mean is not None and stats.std is not None:
        words += [f"μ={number(stats.mean)}", f"σ={number(stats.std)}"]
    words += [f"nan×{stats.nan:,}!"] if stats.nan else []
    words += [f"inf×{stats.inf:,}!"] if stats.inf else []
    return words
