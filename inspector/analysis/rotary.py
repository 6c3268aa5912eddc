"""The rotary embeddings of a run: what the model held, beside what its configuration asks for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from inspector.analysis.checks import Check, counted
from inspector.analysis.forwards import Forward, vision_towers, within
from inspector.analysis.rope import TOLERANCE, Rope, ropes
from inspector.analysis.wording import number
from inspector.trace import Trace


@dataclass(frozen=True, slots=True)
class Rotary:
    """One rotary embedding. `held` are the model's inverse frequencies, empty where they are not known; `asked` is what
    the configuration asks for, None for a kind that is not known here.
    """

    path: str
    layer_type: str
    held: tuple[float, ...]
    scaling: float
    asked: Rope | None
    vision: bool

    @property
    def inv_freq(self) -> tuple[float, ...]:
        """Those that the model turned by, as far as they are known."""
        return self.held or (self.asked.inv_freq if self.asked is not None else ())

    @property
    def axes(self) -> list[int]:
        """The axis of each pair."""
        return self.asked.axes() if self.asked is not None else [0] * len(self.held)

    @property
    def effective_base(self) -> float:
        """The base with which a plain rotary embedding of as many pairs would end at the slowest pair's wavelength."""
        turning = [value for value in self.inv_freq if value > 0]
        return turning[-1] ** (-len(turning) / (len(turning) - 1)) if len(turning) > 1 else math.nan

    def differs(self, pair: int) -> bool:
        """Whether the model holds another frequency for a pair than the configuration asks for."""
        if self.asked is None or pair >= len(self.held) or pair >= len(self.asked.inv_freq):
            return False
        return not math.isclose(self.held[pair], self.asked.inv_freq[pair], rel_tol=TOLERANCE)


def rotaries(trace: Trace, forwards: Sequence[Forward] = ()) -> list[Rotary]:
    """The rotary embeddings of a trace; those of the decoder first."""
    towers = vision_towers(trace)
    asked = ropes(trace.config, _length(trace, forwards))
    found = []
    for fact in trace.facts.get("rotary", ()):
        vision = within(fact["path"], towers)
        own = None if vision else asked.get(fact["layer_type"], asked.get("") if not fact["layer_type"] else None)
        found.append(Rotary(fact["path"], fact["layer_type"], tuple(fact["inv_freq"]), fact["scaling"], own, vision))
    if not any(not item.vision for item in found):
        found += [Rotary("", name, (), rope.scaling, rope, False) for name, rope in asked.items()]
    return sorted(found, key=lambda item: item.vision)


def rotary_checks(rotary: Rotary) -> Iterator[Check]:
    """Sections that cover the pairs, and frequencies as the configuration asks for them."""
    asked = rotary.asked
    if asked is None:
        return
    if asked.sections:
        yield _sections(asked)
    if not rotary.held:
        return
    name = f"inverse frequencies{f' of {rotary.layer_type}' if rotary.layer_type else ''}"
    if len(rotary.held) != len(asked.inv_freq):
        text = f"The model holds {len(rotary.held)}, its configuration asks for {len(asked.inv_freq)}."
        yield Check(name, False, text)
        return
    wrong = [pair for pair in range(len(rotary.held)) if rotary.differs(pair)]
    if wrong:
        pair = wrong[0]
        held, wanted = number(rotary.held[pair], 6), number(asked.inv_freq[pair], 6)
        text = f"{counted(len(wrong), 'pair')} of {len(rotary.held)} differ, first {pair}: {held} held, {wanted} asked."
        yield Check(name, False, text)
    else:
        yield Check(name, True, f"All {counted(len(rotary.held), 'pair')} as {asked.type!r} makes them.")
    if not math.isclose(rotary.scaling, asked.scaling, rel_tol=TOLERANCE):
        text = f"cos and sin are multiplied by {number(rotary.scaling)}, the configuration asks for "
        yield Check("rotary scaling", False, text + f"{number(asked.scaling)}.")


def _sections(asked: Rope) -> Check:
    total, pairs = sum(asked.sections), len(asked.inv_freq)
    sizes = " + ".join(map(str, asked.sections))
    text = f"{sizes} = {total}, and half of the {asked.dim} dimensions that turn is {pairs}."
    dealt = [asked.axes().count(axis) for axis in range(len(asked.sections))]
    if total == pairs and dealt != list(asked.sections):
        text += f" Dealt out in turn, the axes get {', '.join(map(str, dealt))} instead."
    return Check("mrope_section", total == pairs and dealt == list(asked.sections), text)


def _length(trace: Trace, forwards: Sequence[Forward]) -> int:
    """The sequence length on which the frequencies after the last forward depend."""
    lengths = [int(item.positions.max()) + 1 for item in forwards if item.positions is not None]
    if not lengths:
        return 0
    plain = ropes(trace.config)
    if any(rope.type == "dynamic" for rope in plain.values()):
        context = int((trace.config.get("text_config") or trace.config).get("max_position_embeddings") or 0)
        return max(lengths) if lengths[-1] >= context else lengths[-1]
    return lengths[-1]
