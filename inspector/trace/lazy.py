"""Sequences whose items are made when they are looked at, so that a file of many opens at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TypeVar, overload

T = TypeVar("T")


class Lazy(Sequence[T]):
    """A subclass says how many items there are, and makes one. A slice is a list of those in it."""

    __slots__ = ()

    @abstractmethod
    def made(self, index: int) -> T:
        """The item at `index`, which counts from the end where it is negative. Raises `IndexError`."""

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self.made(place) for place in range(*index.indices(len(self)))]
        return self.made(index)
