"""Turning queries and keys by their positions, written out pair by pair, to compare with what a model did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

Pairing = Literal["halves", "neighbours"]
PAIRINGS: dict[Pairing, str] = {
    "halves": "dimension i turns with i + d/2 (rotate_half)",
    "neighbours": "dimension 2i turns with 2i + 1",
}


def angles(positions: Tensor, inv_freq: Sequence[float], axes: Sequence[int]) -> Tensor:
    """The angle of each pair: f32 [tokens, pairs]. `positions` i64 [axes, tokens]; `axes` names one for each pair."""
    import torch

    own = positions.float()[torch.tensor(axes, dtype=torch.long).clamp(max=positions.shape[0] - 1)]  # [pairs, tokens]
    return (own * torch.tensor(inv_freq, dtype=torch.float32)[:, None]).T


def pair_dims(pair: int, pairs: int, pairing: Pairing) -> tuple[int, int]:
    """The two dimensions of a head that make up a pair."""
    return (pair, pair + pairs) if pairing == "halves" else (2 * pair, 2 * pair + 1)


def turned(vector: Tensor, angle: Tensor, pairing: Pairing, scaling: float = 1.0) -> Tensor:
    """`vector` [tokens, dims] with each pair turned by its `angle` [tokens, pairs], in float32.

    Dimensions beyond twice the pairs pass through.
    """
    import torch

    pairs = angle.shape[-1]
    first, second = zip(*(pair_dims(pair, pairs, pairing) for pair in range(pairs)), strict=True)
    first_at, second_at = torch.tensor(first), torch.tensor(second)
    cos, sin = angle.cos() * scaling, angle.sin() * scaling
    result = vector.float().clone()
    x, y = result[..., first_at], result[..., second_at]
    result[..., first_at], result[..., second_at] = x * cos - y * sin, y * cos + x * sin
    return result


@dataclass(frozen=True, slots=True)
class Fit:
    """What leads from vectors before to vectors after: turning in pairs, perhaps `backwards`, or nothing (`still`).

    `pairing` is None where no way fits, or where no position turns far enough to tell; `gap` is the largest difference
    from what fits best.
    """

    pairing: Pairing | None
    gap: float
    still: bool = False
    backwards: bool = False


def fit_of(before: Tensor, after: Tensor, angle: Tensor, scaling: float = 1.0) -> Fit:
    """How a model turned vectors [tokens, dims] by angles [tokens, pairs], told from before and after.

    Vectors that became longer or shorter on the way (a norm behind the rotation) are compared by their direction.
    """
    if not bool(angle.any()):
        return Fit(None, _gap(before.float(), after.float()))
    most = _tolerance(after) * (float(after.float().abs().max()) or 1.0)
    gaps = {
        (pairing, sign): _gap(turned(before, sign * angle, pairing, scaling), after.float())
        for sign in (1, -1)
        for pairing in PAIRINGS
    }
    best = min(gaps, key=lambda way: gaps[way])
    gap, still = gaps[best], _gap(before.float(), after.float())
    if still <= min(most, gap):
        return Fit(None, still, still=True)
    several = angle.shape[-1] > 1 and all(gaps[pairing, best[1]] == gap for pairing in PAIRINGS)
    if gap > most or several:
        return Fit(None, gap)
    return Fit(best[0], gap, backwards=best[1] < 0)


def as_long_as(vector: Tensor, other: Tensor) -> Tensor:
    """Each vector [tokens, dims] made as long as its counterpart, where the two differ by more than rounding."""
    import torch

    length, wanted = torch.linalg.vector_norm(vector, dim=-1), torch.linalg.vector_norm(other, dim=-1)
    ratio = wanted / length.clamp(min=1e-30)
    return vector * torch.where((ratio - 1).abs() > 0.03, ratio, 1.0)[..., None]


def _gap(expected: Tensor, found: Tensor) -> float:
    return float((as_long_as(expected, found) - found).abs().max())


def _tolerance(tensor: Tensor) -> float:
    """Relative to the largest value: what rounding in the tensor's dtype leaves."""
    import torch

    return {torch.float32: 1e-4, torch.float64: 1e-4, torch.float16: 4e-3}.get(tensor.dtype, 3e-2)
