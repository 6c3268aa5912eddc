"""Rows of a table that are made when they are looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar, overload

from inspector.parts import Cell

T = TypeVar("T")
Row = tuple[Cell, ...]


class Rows(Sequence[Row]):
    """One row for each of `items`, made by `row` when it is asked for."""

    def __init__(self, items: Sequence[T], row: Callable[[T], Row]) -> None:
        self._items = items
        self._row = row

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        if isinstance(index, slice):
            return Rows(self._items[index], self._row)
        return self._row(self._items[index])
