"""Tokens broken into lines of a width, a word at a time. No drawing."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.tui.widgets.cells import fit, width_of
from inspector.tui.widgets.generation.strip_tokens import StripToken
from inspector.tui.widgets.token_items import Piece

LONGEST_WORD = 20
"""Cells of a word that is not broken at the end of a line where it consists of several tokens."""


class Lines:
    """Tokens broken into lines of `width` cells, one after the other; a word of several tokens stays whole if it can.

    A line ends after a token with a line break.
    """

    def __init__(self, tokens: Sequence[StripToken], width: int) -> None:
        self._tokens = tokens
        self.width = width
        self.lines: list[list[Piece]] = []
        self.starts: list[int] = []
        self._used = 0
        self._is_full = True

    def extend(self) -> None:
        """Put in every token that has come since."""
        for number in range(self._next, len(self._tokens)):
            self._add(number)

    @property
    def _next(self) -> int:
        return self.lines[-1][-1].number + 1 if self.lines else 0

    def _add(self, number: int) -> None:
        token = self._tokens[number]
        text = token.shown
        length = width_of(text)
        if length > self.width:
            text, length = fit(text, self.width), self.width
        if self._is_full or self._used + length > self.width:
            self._break(number, [] if self._is_full or token.begins_word else self._word())
        self.lines[-1].append(Piece(number, self._used, text))
        self._used += length
        self._is_full = "\n" in token.text

    def _word(self) -> list[Piece]:
        """Take the word at the end of the last line off it, unless it is all of the line or a long one."""
        line = self.lines[-1]
        start = next((place for place in reversed(range(len(line))) if self._tokens[line[place].number].begins_word), 0)
        if not start or self._used - line[start].start > min(LONGEST_WORD, self.width // 2):
            return []
        word = line[start:]
        del line[start:]
        return word

    def _break(self, number: int, word: Sequence[Piece]) -> None:
        first = word[0].start if word else 0
        moved = [Piece(piece.number, piece.start - first, piece.text) for piece in word]
        self._used = self._used - first if word else 0
        self.lines.append(moved)
        self.starts.append(moved[0].number if moved else number)
