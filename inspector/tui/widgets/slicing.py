"""Which two axes of a tensor are looked at, and where on the others. Integers only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations


@dataclass(frozen=True, slots=True)
class Slicing:
    """A plane of a tensor of `shape`, over the axes `rows` and `columns`, at `indices` of the others.

    `indices` has an entry for every axis; those of `rows` and `columns` do not count. `active` is the axis, of the
    others, along which one steps; None where there is none. A tensor of one axis is a row, one of none a single cell.
    """

    shape: tuple[int, ...]
    rows: int
    columns: int
    indices: tuple[int, ...]
    active: int | None

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> Slicing:
        """The last two axes, at the start of the others."""
        count = len(shape)
        others = [axis for axis in range(count - 2) if shape[axis] > 1]
        active = others[-1] if others else count - 3 if count > 2 else None
        return cls(shape, count - 2, count - 1, (0,) * count, active)

    @property
    def others(self) -> list[int]:
        """The axes that are not looked at."""
        return [axis for axis in range(len(self.shape)) if axis not in (self.rows, self.columns)]

    @property
    def at(self) -> tuple[int, ...]:
        """The indices of the other axes, in their order, as `analysis.tensors.plane` takes them."""
        return tuple(self.indices[axis] for axis in self.others)

    def stepped(self, by: int, axis: int | None = None) -> Slicing:
        """One further along the active axis, or along `axis`; from the last to the first."""
        axis = self.active if axis is None else axis
        if axis is None or not self.shape[axis]:
            return self
        indices = list(self.indices)
        indices[axis] = (indices[axis] + by) % self.shape[axis]
        return replace(self, indices=tuple(indices), active=axis)

    def forth(self) -> Slicing:
        return self.stepped(1)

    def back(self) -> Slicing:
        return self.stepped(-1)

    def next_active(self) -> Slicing:
        """Step along the next of the other axes from now on."""
        if self.active is None:
            return self
        others = self.others
        return replace(self, active=others[(others.index(self.active) + 1) % len(others)])

    def next_axes(self) -> Slicing:
        """Look at the next pair of axes."""
        pairs = list(combinations(range(len(self.shape)), 2))
        if len(pairs) < 2:
            return self
        here = pairs.index((min(self.rows, self.columns), max(self.rows, self.columns)))
        return self._looking(*pairs[(here - 1) % len(pairs)])

    def turned(self) -> Slicing:
        """Rows as columns, columns as rows."""
        return self if len(self.shape) < 2 else self._looking(self.columns, self.rows)

    def address(self, row: object, column: object) -> str:
        """How Python would write the element, or the part, at a row and a column of the plane."""
        fields: list[object] = list(self.indices)
        if len(self.shape) > 1:
            fields[self.rows] = row
        if self.shape:
            fields[self.columns] = column
        return f"[{', '.join(map(str, fields))}]"

    def _looking(self, rows: int, columns: int) -> Slicing:
        other = replace(self, rows=rows, columns=columns)
        if self.active in other.others or not other.others:
            return other
        return replace(other, active=other.others[-1])
