"""A picture without a grid among the tokens of a row: as many tokens as its tower has patches, in a square."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from inspector.trace import Trace

if TYPE_CHECKING:
    from inspector.analysis.conversation import Conversation, Standing
    from inspector.analysis.ledger import Entry
    from inspector.analysis.regions import Region
    from inspector.tui.widgets.positions.picture import Place


@dataclass(frozen=True)
class SquareLook:
    """One picture. `entry` is its account; `note` says what became of a class token, empty where there is none."""

    trace: Trace
    talk: Conversation
    region: Region
    entry: Entry | None
    title: str
    note: str

    @property
    def rows(self) -> int:
        return self.region.rows

    @property
    def columns(self) -> int:
        return self.region.columns

    @property
    def shape(self) -> str:
        return f"{self.rows}×{self.columns} tokens{self.note}"

    def token(self, row: int, column: int) -> int | None:
        """The index of a token in its row."""
        return self.region.keys[row * self.columns + column]

    def holds(self, standing: Standing) -> Place | None:
        """Row and column of a token; None where it stands elsewhere."""
        keys = self.region.keys
        return divmod(keys.index(standing.index), self.columns) if standing.index in keys else None

    @cached_property
    def labels(self) -> list[list[str]]:
        """Each token's index; a mark where it stands elsewhere than it should."""
        wrong = {index for index in self.region.keys if (at := self.talk.at(index)) is not None and at.wrong}
        texts = ["≠" if index in wrong else str(index) for index in self.region.keys]
        return [texts[start : start + self.columns] for start in range(0, len(texts), self.columns)]

    @cached_property
    def image(self) -> Any:
        """The picture u8 [height, width, 3] as the model saw it, or from its file; None where neither is at hand."""
        from inspector.tui.widgets.positions.picture import image_of

        return image_of(self.trace, self.region)

    @property
    def tower(self) -> SquareTower | None:
        """Its patches in the vision tower, where each became one token."""
        patches = None if self.entry is None else self.entry.patches
        return SquareTower(self) if patches == self.rows * self.columns else None


@dataclass(frozen=True)
class SquareTower:
    """The patches of one picture in a vision tower that makes a token of each."""

    grid: SquareLook
    merge = 1
    side = 0

    @property
    def rows(self) -> int:
        return self.grid.rows

    @property
    def columns(self) -> int:
        return self.grid.columns

    @property
    def shape(self) -> str:
        return f"{self.rows}×{self.columns} patches{self.grid.note}"

    @cached_property
    def labels(self) -> list[list[str]]:
        """The number of each patch."""
        numbers = range(self.rows * self.columns)
        return [[str(number) for number in numbers[row * self.columns :][: self.columns]] for row in range(self.rows)]

    @property
    def image(self) -> Any:
        return self.grid.image

    def words(self, row: int, column: int) -> str:
        """What is known of a patch, in a sentence or two."""
        resized = None if self.grid.entry is None else self.grid.entry.resized
        pixels = ""
        if resized is not None:
            wide, high = resized[0] // self.columns, resized[1] // self.rows
            across = f"{column * wide}–{(column + 1) * wide - 1}"
            pixels = f", pixels {across}, {row * high}–{(row + 1) * high - 1} after resizing"
        number = row * self.columns + column
        return f"Patch {number} at row {row}, column {column}{pixels}. It became token {self.grid.token(row, column)}."


def squares(trace: Trace, talk: Conversation) -> Iterator[SquareLook]:
    """The pictures without a grid among the tokens of a row."""
    from inspector.analysis.ledger import entries
    from inspector.analysis.regions import token_regions
    from inspector.views.place_words import class_note
    from inspector.views.position_words import numbered

    found = {entry.number: entry for placement in talk.placements for entry in entries(trace, [placement])}
    for region in token_regions(trace, talk.row, talk.sequenced):
        title = numbered(trace, region.kind, region.number)
        yield SquareLook(trace, talk, region, found.get(region.number), title, class_note(trace))
