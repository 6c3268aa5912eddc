"""The tokens that one row of the steps chose, as they stand in a strip of text. No drawing.

A character may be spread over several tokens: each is shown as its bytes, and the one that completes the character says
which it is.
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from collections.abc import Sequence
from dataclasses import dataclass

from inspector.trace.steps import Beam, Step, StepRow
from inspector.tui.widgets.cells import visible

BYTE = re.compile("<0x([0-9A-F]{2})>")
"""How a record writes a byte that is no whole character."""

FORCED, COMPLETES, ENDED = "»", "→", "·"
"""The signs before a token that was forced, before a character that is complete now, and for a step of an ended row."""


@dataclass(frozen=True, slots=True)
class StripToken:
    """A chosen token. `row` is the one of the step's rows that chose it, `shown` what stands in the strip.

    `completes` is the character whose last bytes it holds; `is_open` says that a character goes on in the next token.
    The probability is the final one, the entropy that of the model's own distribution, in nats.
    """

    row: int
    text: str
    shown: str
    probability: float
    entropy: float
    rank: int
    is_forced: bool = False
    is_greedy: bool = True
    has_ended: bool = False
    completes: str = ""
    is_open: bool = False

    @property
    def begins_word(self) -> bool:
        return self.text[:1].isspace() or self.has_ended

    def value(self, measure: str) -> float:
        """What it is coloured by: `probability`, `entropy` or `rank`."""
        return float(getattr(self, measure))


class Reader:
    """Makes the tokens of one row after the other; it remembers the bytes of a character that is not complete."""

    def __init__(self) -> None:
        self._decoder = getincrementaldecoder("utf-8")(errors="replace")

    def read(self, taken: StepRow, row: int, beam: Beam | None = None) -> StripToken:
        """The token that a row chose, or that a beam added to it."""
        if taken.ended or (taken.chosen is None and beam is None):
            return StripToken(row, "", ENDED, 1.0, 0.0, 1, has_ended=True)
        id, text, probability, rank = _taken(taken, beam)
        choice = taken.chosen if beam is None else None
        before = self._decoder.getstate()[0]
        decoded = self._decode(text, after_bytes=bool(before))
        completes = decoded[:1] if before and decoded[:1] != "\ufffd" else ""
        shown = (visible(text) or f"‹{id}›") + (COMPLETES + visible(completes) if completes else "")
        is_forced = choice is not None and choice.forced
        return StripToken(
            row,
            text,
            _marked(shown) if is_forced else shown,
            probability,
            taken.processors[0].entropy,
            rank,
            is_forced=is_forced,
            is_greedy=rank == 1 if choice is None else choice.is_greedy,
            completes=completes,
            is_open=bool(self._decoder.getstate()[0]),
        )

    def _decode(self, text: str, *, after_bytes: bool) -> str:
        """The characters that are complete with `text`, in which bytes are written out."""
        if "<0x" not in text and not after_bytes:
            return ""
        raw = b""
        for place, part in enumerate(BYTE.split(text)):
            raw += bytes([int(part, 16)]) if place % 2 else part.encode()
        return self._decoder.decode(raw)


def _taken(taken: StepRow, beam: Beam | None) -> tuple[int, str, float, int]:
    """Id, text, final probability and rank of the token that a row chose or a beam added, as far as the record tells:
    a beam may add a token that stands in no table.
    """
    choice = taken.chosen
    if choice is not None and (beam is None or beam.id == choice.id):
        return choice.id, choice.text, choice.probability, choice.rank
    assert beam is not None
    final = taken.processors[-1]
    for stage in reversed(taken.processors):
        for rank, item in enumerate(stage.top, 1):
            if item.id == beam.id:
                return (
                    beam.id,
                    item.text,
                    *((item.probability, rank) if stage is final else (0.0, len(final.top) + 1)),
                )
    return beam.id, "", 0.0, len(final.top) + 1


def along_beam(steps: Sequence[Step], row: int) -> list[tuple[int, Beam]]:
    """What leads to the beam that is live in `row` after the last step, or to the best one where none is: for each step
    the beam that was taken up and the row that it continues.
    """
    found: list[tuple[int, Beam]] = []
    for step in reversed(steps):
        beams = [beam for line in step.rows for beam in line.beams]
        if not beams:
            return []
        best = max(beams, key=lambda beam: beam.score)
        beam = next((beam for beam in beams if beam.row == row and not beam.only_fills), best)
        found.append((beam.parent, beam))
        row = beam.parent
    return found[::-1]


def _marked(shown: str) -> str:
    """The sign of a forced token stands behind the blank that parts it from the word before."""
    return f" {FORCED}{shown[1:]}" if shown.startswith(" ") else FORCED + shown


def whole(text: str) -> str:
    """Text in which the bytes of characters that are complete are those characters."""

    def character(found: re.Match[str]) -> str:
        raw = bytes.fromhex(found[0].replace("<0x", "").replace(">", ""))
        decoded = raw.decode("utf-8", errors="replace")
        return found[0] if "\ufffd" in decoded else decoded

    return re.sub(f"(?:{BYTE.pattern})+", character, text)


def describe(number: int, token: StripToken) -> str:
    """A token of the strip in a few lines, for a tooltip."""
    if token.has_ended:
        return f"step {number}\nThis row had ended before; it only takes padding."
    lines = [f"step {number} · {visible(token.text, spaces=True)}"]
    lines.append(f"probability {token.probability:.2%} · rank {token.rank:,} · entropy {token.entropy:.3g} nats")
    lines += ["forced"] if token.is_forced else [] if token.is_greedy else ["A greedy choice would have been another."]
    lines += [f"Completes the character {visible(token.completes)}."] if token.completes else []
    lines += ["The character goes on in the next token."] if token.is_open else []
    return "\n".join(lines)
