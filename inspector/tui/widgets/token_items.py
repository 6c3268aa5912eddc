"""Tokens as they are listed and as they flow: runs of placeholders gathered, texts broken into lines. No drawing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from inspector.trace import Token
from inspector.tui.widgets.cells import fit, visible, width_of

FOLDED = {"image", "video", "pad"}
"""Kinds of which a run of equal tokens is gathered into one item."""


@dataclass(frozen=True, slots=True)
class Item:
    """A token, or a run of equal ones from `token` to `end`."""

    token: Token
    end: Token

    @property
    def count(self) -> int:
        return self.end.index - self.token.index + 1

    @property
    def text(self) -> str:
        """What is shown of it, blanks and control characters visible."""
        shown = visible(self.token.text, spaces=True) or "∅"
        return f" {shown} ×{self.count:,} " if self.count > 1 else shown

    @property
    def index(self) -> str:
        return span(self.token.index, self.end.index)

    @property
    def position(self) -> tuple[str, ...]:
        """The position on each axis: `("7",)`, under M-RoPE `("3", "0–16", "0–22")` (time, height, width)."""
        return tuple(map(span, self.token.position or (), self.end.position or ()))


def folds(token: Token) -> bool:
    """Whether runs of such a token are gathered: placeholders, padding, and tokens of which nothing is known."""
    return token.kind in FOLDED or token.id < 0


def span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}–{last}"


def items(tokens: Sequence[Token], unfolded: Collection[int] = ()) -> list[Item]:
    """Tokens with each run of placeholders or padding as one item, but for runs that start at one of `unfolded`."""
    found: list[Item] = []
    start = 0
    while start < len(tokens):
        token, end = tokens[start], start + 1
        if folds(token):
            while end < len(tokens) and tokens[end].id == token.id and tokens[end].kind == token.kind:
                end += 1
        if token.index in unfolded:
            found += [Item(each, each) for each in tokens[start:end]]
        else:
            found.append(Item(token, tokens[end - 1]))
        start = end
    return found


def run_of(tokens: Sequence[Token], index: int) -> int:
    """Where the run of equal placeholders that holds token `index` starts."""
    token = tokens[index]
    while folds(token) and index and (tokens[index - 1].id, tokens[index - 1].kind) == (token.id, token.kind):
        index -= 1
    return index


def in_run(tokens: Sequence[Token], index: int) -> bool:
    """Whether token `index` stands beside another one that it is gathered with."""
    token = tokens[index]
    beside = [tokens[at] for at in (index - 1, index + 1) if 0 <= at < len(tokens)]
    return folds(token) and any((other.id, other.kind) == (token.id, token.kind) for other in beside)


def matches(item: Item, terms: Sequence[str]) -> bool:
    """Whether text, id and kind of an item hold every one of the lower-case `terms`."""
    words = f"{item.token.text}\n{item.text}\n{item.token.id}\n{item.token.kind}".lower()
    return all(term in words for term in terms)


@dataclass(frozen=True, slots=True)
class Piece:
    """An item on a line of the flow: `number` among the items, from cell `start`, as `text`."""

    number: int
    start: int
    text: str


def lines(flow: Sequence[Item], width: int) -> list[list[Piece]]:
    """Items one after the other in lines of at most `width` cells. A line ends after a token with a line break."""
    found: list[list[Piece]] = [[]]
    used = 0
    for number, item in enumerate(flow):
        text = item.text
        length = width_of(text)
        if length > width:
            text, length = fit(text, width), width
        if used + length > width and found[-1]:
            found.append([])
            used = 0
        found[-1].append(Piece(number, used, text))
        used += length
        if "\n" in item.token.text:
            found.append([])
            used = 0
    return found if found[-1] else found[:-1]


def counted(tokens: Sequence[Token]) -> Iterator[tuple[str, int]]:
    """How many tokens there are of each kind, in the order of first appearance."""
    found: dict[str, int] = {}
    for token in tokens:
        found[token.kind] = found.get(token.kind, 0) + 1
    yield from found.items()
