"""Which placeholders of a batch are whose, for models whose pictures have no grid.

Pictures come in the order of the batch, and nothing says which row each belongs to. Told apart are those whose features
(or sizes) account for the placeholders exactly, and those that stand in runs of their own. All others stay together:
nothing is averaged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from inspector.analysis.forwards import Forward
from inspector.analysis.positions import Span, SpanKind


@dataclass(frozen=True, slots=True)
class Pictures:
    """What is known of the pictures of a forward, each None where it is not.

    `count` is how many there are, `rows` how many each row of the batch has, `tokens` how many each of them takes, and
    `total` how many all of them take.
    """

    count: int | None = None
    rows: Sequence[int] | None = None
    tokens: Sequence[int] | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """The placeholders of one picture in a row, or of all its pictures `together`, which cannot be told apart.

    `number` counts pictures of the batch from 0, of several the first; `expected` are the tokens that it takes, `start`
    the placeholders of the row before its own.
    """

    number: int
    found: int
    expected: int | None
    start: int
    together: bool = False

    def span(self, spans: Sequence[Span]) -> Span | None:
        """Its tokens, if they follow each other. `spans` are the runs of placeholders of its row."""
        skipped = self.start
        for span in spans:
            if skipped + self.found <= span.count and self.found:
                start = span.start + skipped
                return Span(span.kind, start, start + self.found, span.first + skipped, after=span.after)
            skipped -= span.count
            if skipped < 0:
                return None
        return None


def shares(
    forward: Forward, known: dict[int, str], kind: SpanKind, pictures: Pictures, copies: int
) -> list[list[Share]]:
    """The shares of each row. Rows stand in `copies`, as beams do, that share their pictures."""
    every = [_runs(forward.kinds(row, known), kind) for row in range(forward.batch)]
    originals = every[::copies]
    dealt = _dealt(originals, pictures)
    alone = sum(bool(runs) for runs in originals) == 1
    found: list[list[Share]] = []
    number = 0
    for row, (runs, counts) in enumerate(zip(originals, dealt, strict=True)):
        if counts is None:
            has = pictures.rows[row] if pictures.rows is not None else None
            own = None if pictures.tokens is None or has is None else sum(pictures.tokens[number : number + has])
            expected = pictures.total if alone and runs else own
            together = [Share(number, sum(runs), expected, 0, together=True)]
            found.append(together if runs or has else [])
            number += has or 0
        else:
            found.append(list(_told(counts, number, pictures.tokens)))
            number += len(counts)
    return [found[row // copies] for row in range(len(every))]


def _told(counts: Sequence[int], first: int, tokens: Sequence[int] | None) -> Iterator[Share]:
    start = 0
    for number, count in enumerate(counts, start=first):
        yield Share(number, count, tokens[number] if tokens is not None and number < len(tokens) else None, start)
        start += count


def _runs(kinds: Sequence[str], wanted: str) -> list[int]:
    """How many placeholders follow each other, run by run."""
    return [sum(1 for _ in run) for kind, run in groupby(kinds) if kind == wanted]


def _dealt(rows: Sequence[Sequence[int]], pictures: Pictures) -> list[list[int] | None]:
    """The placeholders of each picture, row by row; None for a row whose pictures cannot be told apart."""
    if pictures.rows is None:
        return _dealt_blindly(rows, pictures)
    dealt: list[list[int] | None] = []
    first = 0
    for runs, count in zip(rows, pictures.rows, strict=False):
        own = None if pictures.tokens is None else list(pictures.tokens[first : first + count])
        if own is not None and sum(own) == sum(runs):
            dealt.append(own)
        elif len(runs) == count:
            dealt.append(list(runs))
        else:
            dealt.append([sum(runs)] if count == 1 else None)
        first += count
    return dealt


def _dealt_blindly(rows: Sequence[Sequence[int]], pictures: Pictures) -> list[list[int] | None]:
    """The same where nobody says which row has which pictures."""
    exact = None if pictures.tokens is None else _exactly(rows, pictures.tokens)
    if exact is not None:
        return list(exact)
    if pictures.count == sum(map(len, rows)):
        return [list(runs) for runs in rows]
    if pictures.count == 1 and sum(map(bool, rows)) == 1:
        return [[sum(runs)] if runs else [] for runs in rows]
    return [None if runs else [] for runs in rows]


def _exactly(rows: Sequence[Sequence[int]], tokens: Sequence[int]) -> list[list[int]] | None:
    """Pictures dealt to rows so that each row's placeholders are theirs; None where that does not come out even."""
    left, dealt = list(tokens), []
    for runs in rows:
        count, own = sum(runs), list[int]()
        while left and sum(own) < count:
            own.append(left.pop(0))
        if sum(own) != count:
            return None
        dealt.append(own)
    return None if left else dealt
