"""The rotary embeddings of a run: what the model held, beside what its configuration asks for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from inspector.analysis.checks import Check, counted, every
from inspector.analysis.forwards import Forward, vision_towers, within
from inspector.analysis.positions import AXES
from inspector.analysis.rope import TOLERANCE, Rope, ropes, text_config
from inspector.analysis.rotation import Pairing
from inspector.analysis.wording import number
from inspector.trace import Trace


@dataclass(frozen=True, slots=True)
class Rotary:
    """One rotary embedding in a step.

    `held` are the model's inverse frequencies, empty where those of this step are not known; `asked` is what the
    configuration asks for, None for a kind that is not known here. `pairing` is how the code of its layers pairs
    dimensions, and whether `backwards`; None where that was not read.
    """

    path: str
    layer_type: str
    held: tuple[float, ...]
    scaling: float
    asked: Rope | None
    vision: bool
    pairing: Pairing | None = None
    backwards: bool = False

    @property
    def reordered(self) -> bool:
        """Whether the model holds the frequencies that its configuration asks for in another order."""
        if self.asked is None or len(self.held) != len(self.asked.inv_freq) or not self.differing:
            return False
        both = zip(sorted(self.held), sorted(self.asked.inv_freq), strict=True)
        return all(math.isclose(held, asked, rel_tol=TOLERANCE) for held, asked in both)

    @property
    def inv_freq(self) -> tuple[float, ...]:
        """Those that the model turned by, as far as they are known."""
        if self.asked is not None and (not self.held or self.reordered):
            return self.asked.inv_freq
        return self.held

    @property
    def by_axis(self) -> bool:
        """Whether pairs turn by time, height and width, and it is known which by which."""
        return self.asked is not None and len(self.asked.sections) == len(AXES) and not self.reordered

    @property
    def axes(self) -> list[int]:
        """The axis of each pair; 0 throughout where there are no several, or where they are not known."""
        axes = self.asked.axes() if self.asked is not None and self.by_axis else []
        return [*axes, *[0] * (len(self.inv_freq) - len(axes))][: len(self.inv_freq)]

    @property
    def effective_base(self) -> float:
        """The base with which a plain rotary embedding of as many pairs would end at the slowest pair's wavelength."""
        turning = [value for value in self.inv_freq if value > 0]
        return turning[-1] ** (-len(turning) / (len(turning) - 1)) if len(turning) > 1 else math.nan

    @property
    def differing(self) -> list[int]:
        """The pairs for which the model holds another frequency than the configuration asks for."""
        asked = self.asked.inv_freq if self.asked is not None else ()
        both = enumerate(zip(self.held, asked, strict=False))
        return [pair for pair, (held, wanted) in both if not math.isclose(held, wanted, rel_tol=TOLERANCE)]

    def differs(self, pair: int) -> bool:
        """Whether the model turns a pair by another frequency than the configuration asks for."""
        return not self.reordered and pair in self.differing


def rotaries(trace: Trace, forwards: Sequence[Forward] = (), step: int | None = None) -> list[Rotary]:
    """The rotary embeddings of a trace in a step, by default the last; those of the decoder first.

    The trace holds what models turned by after the last forward. Of a step at which the configuration asks for other
    frequencies, because they depend on the length of the sequence, those are taken that it asks for.
    """
    towers = vision_towers(trace)
    last, here = _asked(trace, forwards, None), _asked(trace, forwards, step)
    found = []
    for fact in trace.facts.get("rotary", ()):
        vision = within(fact["path"], towers)
        name = fact["layer_type"]
        own = None if vision else here.get(name)
        same = own is None or own.inv_freq == last[name].inv_freq
        held, scaling = (tuple(fact["inv_freq"]), fact["scaling"]) if same or own is None else ((), own.scaling)
        pairing, backwards = fact.get("pairing") or None, bool(fact.get("backwards"))
        found.append(Rotary(fact["path"], fact["layer_type"], held, scaling, own, vision, pairing, backwards))
    if not any(not item.vision for item in found):
        found += [Rotary("", name, (), rope.scaling, rope, False) for name, rope in here.items()]
    return sorted(found, key=lambda item: item.vision)


def _asked(trace: Trace, forwards: Sequence[Forward], step: int | None) -> dict[str, Rope]:
    """What the configuration asks for in a step, by layer type."""
    plain = ropes(trace.config)
    return {name: ropes(trace.config, _length(trace, forwards, rope.type, step))[name] for name, rope in plain.items()}


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
    if rotary.reordered:
        text = "Not checked: the model holds those that its configuration asks for in an order of its own."
        yield Check(name, None, text)
    elif wrong := rotary.differing:
        pair = wrong[0]
        held, wanted = number(rotary.held[pair], 6), number(asked.inv_freq[pair], 6)
        text = f"{counted(len(wrong), 'pair')} of {len(rotary.held)} differ, first {pair}: {held} held, {wanted} asked."
        yield Check(name, False, text)
    else:
        yield Check(name, True, f"{every(len(rotary.held), 'pair', 'is', 'are')} as {asked.type!r} says.")
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


def _length(trace: Trace, forwards: Sequence[Forward], kind: str, step: int | None) -> int:
    """The sequence length on which the frequencies of a step depend: that of its own forward; for a dynamic base the
    longest since the last that was shorter than the context.
    """
    context = int(text_config(trace.config).get("max_position_embeddings") or 0)
    length = 0
    for forward in forwards:
        if step is not None and forward.step > step:
            break
        if forward.positions is not None and forward.positions.numel():
            own = int(forward.positions.max()) + 1
            length = max(length, own) if kind == "dynamic" and own >= context else own
    return length
