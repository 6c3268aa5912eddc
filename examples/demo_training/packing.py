"""Lessons as rows of tokens: one row holds the system text, a picture and every turn about it.

The turns of a row do not see each other, which a mask of four dimensions says, and each is counted from the position
after the picture. To the model it is as if each were asked in a conversation of its own, at the price of one picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from .lessons import Lesson, Turn
from .questions import NUMBERS
from .scenes import CELLS, COLORS, SHAPES

IGNORED = -100
"""A target that does not count."""

CONTENT = 3.0
"""How much more a word counts that says what is seen than one that only words the answer."""

PREFIX, PICTURE, FIRST_TURN, PADDING = 0, 1, 2, -1000
"""Segments of a row: what all see, what turns about the picture see; turns without it are numbered from -1 down."""


@dataclass(frozen=True, slots=True)
class Block:
    """What stands for a picture in a row. `positions` i64 [axes, tokens] count from where it begins; `after` is the
    position of what follows it.
    """

    ids: list[int]
    positions: Tensor
    after: int


@dataclass(slots=True)
class Packed:
    """A batch: `ids`, `targets` (the next token where it is part of an answer, else `IGNORED`) and `segments` i64
    [rows, tokens], `positions` i64 [axes, rows, tokens], `visible` bool [rows, 1, tokens, tokens]. The picture's block
    stands at the same `place` in each row.
    """

    ids: Tensor
    targets: Tensor
    segments: Tensor
    positions: Tensor
    visible: Tensor
    place: slice


class Packer:
    """Packs lessons in the format that a tokenizer's chat template writes."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        mark = "\u2026"
        text = tokenizer.apply_chat_template(
            [{"role": "user", "content": [{"type": "text", "text": mark}]}], tokenize=False, add_generation_prompt=True
        )
        before, between = text.split(mark)
        self.encode = lru_cache(1 << 16)(self._encode)
        self.before, self.between = self.encode(before), self.encode(between)
        self.end = tokenizer.eos_token_id
        self.weights = torch.ones(len(tokenizer))
        for word in words_of_content():
            for written in (f" {word}", word, word.capitalize()):
                if len(ids := self.encode(written)) == 1:
                    self.weights[ids] = CONTENT

    def _encode(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]  # type: ignore[no-any-return]

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The mean loss of tokens of answers: `logits` f32 [tokens, vocabulary], `targets` i64 [tokens]."""
        return nn.functional.cross_entropy(logits, targets, self.weights.to(logits.device))

    def pack(self, lessons: Sequence[Lesson], block: Block) -> Packed:
        """Rows, padded on the right."""
        rows = [self._row(lesson, block) for lesson in lessons]
        longest = max(len(row.ids) for row in rows)
        ids = torch.full((len(rows), longest), self.tokenizer.pad_token_id)
        targets = torch.full_like(ids, IGNORED)
        segments = torch.full_like(ids, PADDING)
        positions = torch.zeros(block.positions.shape[0], *ids.shape, dtype=torch.long)
        for number, row in enumerate(rows):
            length = len(row.ids)
            ids[number, :length] = torch.tensor(row.ids)
            targets[number, :length] = torch.tensor(row.targets)
            segments[number, :length] = torch.tensor(row.segments)
            positions[:, number, :length] = torch.tensor(row.positions)
            positions[:, number, row.begin : row.begin + len(block.ids)] = block.positions + row.begin
        place = slice(len(self.before), len(self.before) + len(block.ids))
        return Packed(ids, targets, segments, positions, visible(segments), place)

    def _row(self, lesson: Lesson, block: Block) -> Row:
        row = Row([], [], [], [], len(self.before))
        row.add(self.before, PREFIX, 0)
        row.add(block.ids, PICTURE, 0)
        for number, turn in enumerate(lesson.asked):
            self._add(row, turn, FIRST_TURN + number, len(self.before) + block.after)
        for number, turn in enumerate(lesson.chatted):
            self._add(row, turn, -1 - number, len(self.before))
        return row

    def _add(self, row: Row, turn: Turn, segment: int, position: int) -> None:
        question = [*self.encode(turn[0]), *self.between]
        answer = [*self.encode(turn[1]), self.end]
        targets = [*[IGNORED] * (len(question) - 1), *answer, IGNORED]
        row.add([*question, *answer], segment, position, targets)


@dataclass(slots=True)
class Row:
    """One row as it grows; the picture's block begins at `begin`."""

    ids: list[int]
    targets: list[int]
    segments: list[int]
    positions: list[int]
    begin: int

    def add(self, ids: list[int], segment: int, position: int, targets: list[int] | None = None) -> None:
        self.ids += ids
        self.targets += targets or [IGNORED] * len(ids)
        self.segments += [segment] * len(ids)
        self.positions += range(position, position + len(ids))


def words_of_content() -> set[str]:
    """Colours, shapes, parts of the names of places, numbers, yes and no."""
    parts = {part for cell in CELLS for part in cell.split()}
    return {*COLORS, *SHAPES, *parts, *NUMBERS, "yes", "no", "nothing"}


def visible(segments: Tensor) -> Tensor:
    """Which token sees which: bool [rows, 1, tokens, tokens]. Padding sees itself, so that no row of it is empty."""
    seeing, seen = segments[:, :, None], segments[:, None, :]
    known = (seeing == seen) | ((seen == PREFIX) & (seeing != PADDING)) | ((seen == PICTURE) & (seeing >= PICTURE))
    return known.tril()[:, None]
