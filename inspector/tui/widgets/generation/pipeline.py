"""The pipeline of one step as a table holds it: which tokens, which processors, where each token stands after each.

Pure lookups. A record has the first tokens of each stage and the chosen one; what it does not tell stays empty.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cached_property

from inspector.trace.stages import Stage, Stages, Standing, Top
from inspector.trace.steps import Choice
from inspector.views.generation import token_text

LEAST = -3.4e38
"""A token with a lower score, or none at all, is removed."""

REMOVED = Standing(-math.inf, -math.inf, 0)
"""Where a token stands that a processor took out."""


@dataclass(frozen=True)
class Asked:
    """A token that somebody asked for, with its standing after each processor, by the processor's name."""

    text: str
    standings: Mapping[str, Standing]


@dataclass(frozen=True)
class Line:
    """The stages of one row in order, and what is known of single tokens: the chosen one and those asked for."""

    stages: Stages
    choice: Choice | None = None
    asked: Mapping[int, Asked] = field(default_factory=dict)

    @cached_property
    def _ranks(self) -> list[dict[int, int]]:
        """For each stage the place of each token in its table, from 0. Stages in the same order have the same one."""
        found: list[dict[int, int]] = []
        before: Sequence[int] = ()
        for stage in self.stages:
            ids = ids_of(stage)
            found.append(found[-1] if found and ids == before else dict(zip(ids, range(len(ids)), strict=True)))
            before = ids
        return found

    def standing(self, place: int, token: int) -> Standing | None:
        """Where a token stands after the stage at `place`; None where the record does not tell."""
        stage = self.stages[place]
        if stage.chosen is not None and self.choice is not None and self.choice.id == token:
            return _unless_removed(stage.chosen)
        found = self._ranks[place].get(token)
        if found is not None:
            item = stage.top[found]
            return Standing(item.score, _log(item.probability), found + 1)
        if token in self.asked and stage.name in self.asked[token].standings:
            return _unless_removed(self.asked[token].standings[stage.name])
        return REMOVED if stage.kept <= len(stage.top) else None

    def text(self, token: int) -> str | None:
        """The text of a token that stands in a table, was chosen, or was asked for; None where it has none."""
        if self.choice is not None and self.choice.id == token:
            return self.choice.text or None
        for stage, ranks in zip(self.stages, self._ranks, strict=True):
            if token in ranks:
                return stage.top[ranks[token]].text or None
        return self.asked[token].text or None if token in self.asked else None

    def tokens(self) -> list[int]:
        """Those of the last table, then those that fell out on the way, then the chosen one and those asked for."""
        found: dict[int, int] = {}
        last = self._ranks[-1:]
        for ranks in (*last, *(ranks for ranks in self._ranks if ranks is not last[0])):
            found |= ranks
        chosen = {} if self.choice is None else {self.choice.id: 0}
        return list(found | chosen | dict.fromkeys(self.asked, 0))


@dataclass(frozen=True, slots=True)
class Pair:
    """A processor of the recorded pipeline and the same of a what-if, by their places; None where one lacks it."""

    mine: int | None
    other: int | None


def paired(mine: Stages, other: Stages | None) -> list[Pair]:
    """The processors of both pipelines in order, those of the same name together."""
    if other is None:
        return [Pair(place, None) for place in range(len(mine))]
    found: list[Pair] = []
    blocks = SequenceMatcher(None, mine.names, other.names, autojunk=False).get_opcodes()
    for kind, first, last, its_first, its_last in blocks:
        if kind == "equal":
            found += [Pair(first + place, its_first + place) for place in range(last - first)]
        else:
            found += [Pair(place, None) for place in range(first, last)]
            found += [Pair(None, place) for place in range(its_first, its_last)]
    return found


def tokens_of(mine: Line, other: Line | None) -> list[int]:
    """The tokens of a pipeline, and those that only a what-if has, in order."""
    return mine.tokens() if other is None else list(dict.fromkeys([*mine.tokens(), *other.tokens()]))


def ids_of(stage: Stage) -> Sequence[int]:
    """The tokens in a stage's table, most probable first."""
    return stage.top.ids if isinstance(stage.top, Top) else [item.id for item in stage.top]


def name_of(choice: Choice) -> str:
    """A chosen token as a reader sees it, one without text by its id."""
    return token_text(choice.text) or f"‹{choice.id}›"


def in_percent(probability: float) -> str:
    """`62.1`, `5.31`, `0.43`; small ones with a digit that is not 0: `0.04`, `2e-05`."""
    share = 100 * probability
    if share in (0, 100):
        return f"{share:.0f}"
    return f"{share:.1f}" if share >= 10 else f"{share:.2f}" if share >= 0.1 else f"{share:.1g}"


def percent(probability: float) -> str:
    """`62.1 %`."""
    return f"{in_percent(probability)} %"


def _unless_removed(standing: Standing) -> Standing:
    return standing if standing.score > LEAST else REMOVED


def _log(probability: float) -> float:
    return math.log(probability) if probability > 0 else -math.inf
