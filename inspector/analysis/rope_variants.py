"""The variants of rotary embeddings that transformers names by `rope_type`, each as the formula of its paper."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

VARIANTS = {
    "default": "one base for all pairs",
    "linear": "positions divided by a factor",
    "dynamic": "a base that grows with the sequence once it is longer than the trained context (NTK)",
    "yarn": "slow pairs interpolated, fast ones left alone, a ramp between them; cos and sin scaled",
    "longrope": "a factor of its own for each pair, another set of them beyond the trained context; cos and sin scaled",
    "llama3": "pairs slower than the trained context divided by a factor, fast ones left alone, a ramp between them",
    "proportional": "the fastest part of the pairs turns, the rest stands still",
    "axial": "the first half of the pairs turns by the row, the second by the column",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a variant is worked out from: the rotary `parameters`, the text configuration around them, how many
    dimensions turn, which part of the head that is, and the longest sequence so far.
    """

    parameters: Mapping[str, Any]
    text: Mapping[str, Any]
    dim: int
    partial: float
    length: int

    @property
    def base(self) -> float | None:
        value = self.parameters.get("rope_theta", self.text.get("rope_theta"))
        return None if value is None else float(value)

    @property
    def context(self) -> int:
        return int(self.text.get("max_position_embeddings") or 0)

    @property
    def trained(self) -> int:
        """The context before it was extended."""
        own = self.parameters.get("original_max_position_embeddings")
        return int(own or self.text.get("original_max_position_embeddings") or self.context)

    @property
    def factor(self) -> float:
        given = self.parameters.get("factor")
        return float(given) if given is not None else self.context / self.trained

    def plain(self, base: float | None = None) -> list[float]:
        """One over base^(2i/dim)."""
        power = (self.base or 1.0) if base is None else base
        return [power ** (-2 * pair / self.dim) for pair in range((self.dim + 1) // 2)]


Frequencies = tuple[list[float], float]
"""Inverse frequencies, and what cos and sin are multiplied with."""


def _default(asked: Asked) -> Frequencies:
    return asked.plain(), 1.0


def _linear(asked: Asked) -> Frequencies:
    return [value / asked.factor for value in asked.plain()], 1.0


def _dynamic(asked: Asked) -> Frequencies:
    stretch = asked.factor * max(asked.length, asked.context) / asked.context - (asked.factor - 1)
    return asked.plain((asked.base or 1.0) * stretch ** (asked.dim / (asked.dim - 2))), 1.0


def _yarn(asked: Asked) -> Frequencies:
    given, dim, base = asked.parameters, asked.dim, asked.base or 1.0

    def pair_that_turns(times: float) -> float:
        """The pair, as a real number, that makes so many turns within the trained context."""
        return dim * math.log(asked.trained / (times * 2 * math.pi)) / (2 * math.log(base))

    low, high = pair_that_turns(given.get("beta_fast") or 32), pair_that_turns(given.get("beta_slow") or 1)
    if given.get("truncate", True):
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, dim - 1)
    width = (high - low) or 0.001
    inv_freq = []
    for pair, value in enumerate(asked.plain()):
        slow = min(1.0, max(0.0, (pair - low) / width))
        inv_freq.append(value / asked.factor * slow + value * (1 - slow))
    return inv_freq, _yarn_scaling(given, asked.factor)


def _yarn_scaling(given: Mapping[str, Any], factor: float) -> float:
    if given.get("attention_factor") is not None:
        return float(given["attention_factor"])

    def scale(weight: float) -> float:
        return 1.0 if factor <= 1 else 0.1 * weight * math.log(factor) + 1.0

    if given.get("mscale") and given.get("mscale_all_dim"):
        return scale(given["mscale"]) / scale(given["mscale_all_dim"])
    return scale(1.0)


def _longrope(asked: Asked) -> Frequencies:
    given, factor = asked.parameters, asked.factor
    factors = given["long_factor" if asked.length > asked.trained else "short_factor"]
    inv_freq = [value / own for value, own in zip(asked.plain(), factors, strict=False)]
    if given.get("attention_factor") is not None:
        return inv_freq, float(given["attention_factor"])
    return inv_freq, 1.0 if factor <= 1 else math.sqrt(1 + math.log(factor) / math.log(asked.trained))


def _llama3(asked: Asked) -> Frequencies:
    low, high = asked.parameters["low_freq_factor"], asked.parameters["high_freq_factor"]
    inv_freq = []
    for value in asked.plain():
        turns = asked.trained * value / (2 * math.pi)  # within the trained context
        fast = min(1.0, max(0.0, (turns - low) / (high - low)))
        inv_freq.append((1 - fast) * value / asked.factor + fast * value)
    return inv_freq, 1.0


def _proportional(asked: Asked) -> Frequencies:
    turning = int(asked.partial * asked.dim // 2)
    values = asked.plain()[:turning] + [0.0] * (asked.dim // 2 - turning)
    return [value / float(asked.parameters.get("factor") or 1.0) for value in values], 1.0


FREQUENCIES: dict[str, Callable[[Asked], Frequencies]] = {
    "default": _default,
    "linear": _linear,
    "dynamic": _dynamic,
    "yarn": _yarn,
    "longrope": _longrope,
    "llama3": _llama3,
    "proportional": _proportional,
}
