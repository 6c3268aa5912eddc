"""The tokens that the keys of a step stand for: the prompt and what was decoded, in the order of the cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from inspector.analysis.forwards import Forward, forwards, placeholders
from inspector.analysis.kernels import Kernel
from inspector.trace import Token, TokenKind, Trace

UNKNOWN = -1
"""The id of a token that was not kept."""


@dataclass(frozen=True, slots=True)
class Place:
    """A token by its index in the row, padding included. `text` is empty where it is not known."""

    index: int
    id: int
    text: str
    kind: TokenKind


@dataclass(frozen=True, slots=True)
class Sequenced:
    """The tokens of a row up to a step. `first` is the index of the step's first query; `forwards` are those that
    filled the cache, behind the tokens `before` the trace: of these nothing is known but that the cache held them, and
    what they were where the trace keeps them.
    """

    places: Sequence[Place]
    first: int
    forwards: Sequence[Forward] = field(default=())
    before: int = 0

    def at(self, index: int) -> Place | None:
        return self.places[index] if 0 <= index < len(self.places) else None


def sequence(trace: Trace, step: int, row: int) -> Sequenced:
    """The tokens of a row that a step's keys stand for: those of its own forward and of all before it in the cache."""
    found = forwards(trace)
    chain = _chain(found, step)
    known = {**generated(trace), **{token.id: token for line in trace.tokens for token in line}}
    kept = trace.tokens[row] if row < len(trace.tokens) else []
    kinds = placeholders(trace)
    before = (chain[0].past or 0) if chain else 0
    told = before if chain and len(kept) >= before + chain[0].tokens else 0  # of a step that was run again by itself
    places = [Place(at, each.id, each.text, each.kind) for at, each in enumerate(kept[:told])]
    places += [Place(index, UNKNOWN, "", "text") for index in range(told, before)]
    first = before
    for forward in chain:
        first = len(places)
        is_prompt = bool(chain) and forward.step == found[0].step  # whose tokens the trace keeps with their text
        ids = [UNKNOWN] * forward.tokens if forward.ids is None else forward.ids[row % forward.ids.shape[0]].tolist()
        for at, id in enumerate(ids[: forward.tokens]):
            own = kept[told + at] if is_prompt and told + at < len(kept) and kept[told + at].id == id else None
            token = own or known.get(id)
            kind: TokenKind = "text" if token is None else token.kind
            if own is None and kind == "pad":  # the token that pads also ends a text
                kind = "special"
            places.append(Place(len(places), id, token.text if token else "", _kind(kinds.get(id)) or kind))
    return Sequenced(places, first, tuple(chain), before)


def generated(trace: Trace) -> dict[int, Token]:
    """The tokens that a generation chose, by id; one that a family has no text for is left out."""
    if trace.generation is None:
        return {}
    rows = (row for branch in trace.generation.branches.values() for step in branch.steps for row in step.rows)
    chosen = (row.chosen for row in rows if row.chosen is not None)
    return {each.id: Token(0, each.id, each.text, "text") for each in chosen if each.text}


def _kind(name: str | None) -> TokenKind | None:
    return "image" if name == "image" else "video" if name == "video" else None


def _chain(found: Sequence[Forward], step: int) -> list[Forward]:
    """The forward of a step, after those whose keys it found in the cache."""
    chain: list[Forward] = []
    for forward in found:
        if forward.step > step:
            break
        before = (chain[0].past or 0) if chain else 0
        length = before + sum(known.tokens for known in chain)
        if not forward.past:
            chain = []
        elif chain and forward.past < length:  # the cache was cropped: this forward goes on from an earlier place
            chain = _cropped(chain, forward.past - before)
        chain.append(forward)
    return chain


def _cropped(chain: list[Forward], length: int) -> list[Forward]:
    kept: list[Forward] = []
    for forward in chain:
        if length <= 0:
            break
        ids = None if forward.ids is None else forward.ids[:, :length]
        kept.append(replace(forward, tokens=min(forward.tokens, length), ids=ids))
        length -= forward.tokens
    return kept


def key_offset(kernel: Kernel, places: Sequenced) -> int:
    """The index of the token that the first key stands for: above 0 where a window has slid over the cache."""
    return max(0, len(places.places) - kernel.keys)
