"""A mask as a heatmap reads it: cells are drawn from runs of keys, so that a mask of any size is never written out.

numpy is imported when a mask is there to be drawn, not with the screen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inspector.tui.widgets.planes import Cells

if TYPE_CHECKING:
    from inspector.analysis.spans import Bools, Spans
    from inspector.analysis.tensors import Reduction

SEEN, HIDDEN = 1.0, 0.0
NOBODY = -0.5
"""Stands for keys that no query sees: padding, as a rule."""

BLIND = math.nan
"""Stands for queries that see no key although they are no padding."""

FAINTEST = 0.05
"""The least that a cell shows of which anything is seen: a thin diagonal must not fade away."""


@dataclass(frozen=True, eq=False)
class MaskPlane:
    """The spans of a mask; `blind` is bool [queries], True for those that see nothing and should.

    A cell is the share of what it covers that is seen, and where that is little, a little more.
    """

    spans: Spans
    blind: Bools

    @property
    def rows(self) -> int:
        return self.spans.queries

    @property
    def columns(self) -> int:
        return self.spans.keys

    def cells(self, rows: Sequence[int], columns: Sequence[int], how: Reduction) -> Cells:
        import numpy as np

        shares = np.asarray(self.spans.cells(rows, columns))
        shares = np.where(shares > 0, np.maximum(shares, FAINTEST), HIDDEN)
        if self.spans.visible is not None:
            nobody = np.diff(self.spans.below()[np.asarray(columns)]) == 0
            shares[:, nobody] = NOBODY
        blind = np.concatenate([[0], np.cumsum(self.blind)])
        shares[np.diff(blind[np.asarray(rows)]) > 0] = BLIND
        found: Cells = shares.tolist()
        return found

    def values(self, rows: range, columns: range) -> list[list[Any]]:
        found: list[list[Any]] = self.spans.part(rows, columns).astype(int).tolist()
        return found

    def sample(self) -> list[float]:
        """The two ends of the scale."""
        return [HIDDEN, SEEN]

    def where(self, row: int | str, column: int | str) -> str:
        return f"[{row}, {column}]"
