"""Probability, entropy and rank in five levels each, from what was expected to what surprises: a colour for each, and a
bar that says the same without colour.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

LEVELS = 5


@dataclass(frozen=True, slots=True)
class Measure:
    """How sure the model was of a token, in one of three senses. `limits` are the greatest values of all levels but the
    last, `words` and `bars` stand for the levels in the legend.
    """

    name: str
    limits: tuple[float, ...]
    words: tuple[str, ...]
    bars: str
    help: str

    def level(self, value: float) -> int:
        """0 for what was expected, 4 for what surprises."""
        return bisect_left(self.limits, -value if self.name == "probability" else value)


MEASURES = {
    measure.name: measure
    for measure in (
        Measure(
            "probability",
            (-0.9, -0.5, -0.2, -0.05),
            ("≥90%", "≥50", "≥20", "≥5", "<5"),
            "▆▅▃▂▁",
            "How probable the chosen token was in the final scores",
        ),
        Measure(
            "entropy",
            (0.5, 1, 2, 4),
            ("≤½", "≤1", "≤2", "≤4", ">4"),
            "▁▂▃▅▆",
            "The entropy of the model's own distribution, in nats",
        ),
        Measure(
            "rank",
            (1, 3, 10, 100),
            ("1", "≤3", "≤10", "≤100", ">100"),
            "▁▂▃▅▆",
            "The place of the chosen token in the final scores",
        ),
    )
}
"""What a strip of tokens can be coloured by, by name."""
