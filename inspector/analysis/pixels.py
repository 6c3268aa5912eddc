"""Pictures as a model saw them, put back together from what its image processor made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from inspector.analysis.windows import Size

if TYPE_CHECKING:
    from torch import Tensor

LINE = (255, 220, 0)
"""What boundaries are drawn in."""


def unpatched(patches: Tensor, size: Size, *, patch: int, merge: int, still: bool = False) -> Tensor:
    """Frames from the patches of one picture or video: [frames, 3, height, width]; the first of each group if `still`,
    since a still picture fills a patch of several frames by itself.

    `patches` [frames × rows × columns of `size`, 3 × temporal × patch²] come merge block by merge block, as Qwen2-VL
    and its kin order them.
    """
    groups, rows, columns = size
    temporal = patches.shape[1] // (3 * patch * patch)
    blocks = patches.reshape(groups, rows // merge, columns // merge, merge, merge, 3, temporal, patch, patch)
    if still:
        blocks, temporal = blocks[..., :1, :, :], 1
    frames = blocks.permute(0, 6, 5, 1, 3, 7, 2, 4, 8)
    return frames.reshape(groups * temporal, 3, rows * patch, columns * patch)


def colours(frames: Tensor, settings: Mapping[str, Any]) -> Tensor:
    """u8 [frames, height, width, 3] of normalised frames [frames, 3, height, width]; what `settings` of an image
    processor did is undone.
    """
    import torch

    found = frames.to(torch.float32, copy=True)
    if settings.get("do_normalize", True) and settings.get("image_mean") is not None:
        mean, std = (torch.tensor(_three(settings[name]))[:, None, None] for name in ("image_mean", "image_std"))
        found.mul_(std).add_(mean)
    if settings.get("do_rescale", True):
        found.div_(float(settings.get("rescale_factor") or 1 / 255))
    return found.nan_to_num_(0).round_().clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def sheet(frames: Tensor, most: int = 6, gap: int = 4) -> Tensor:
    """Some of the frames side by side: u8 [height, width, 3]."""
    import torch

    count = min(most, len(frames))
    chosen = [round(place * (len(frames) - 1) / max(1, count - 1)) for place in range(count)]
    pieces: list[Tensor] = []
    for place, frame in enumerate(chosen):
        if place:
            pieces.append(torch.zeros(frames.shape[1], gap, 3, dtype=torch.uint8))
        pieces.append(frames[frame])
    return torch.cat(pieces, dim=1)


def ruled(picture: Tensor, rows: Sequence[int], columns: Sequence[int]) -> Tensor:
    """A copy of a picture u8 [height, width, 3] with lines before the pixels named."""
    import torch

    drawn = picture.clone()
    colour = torch.tensor(LINE, dtype=torch.uint8)
    for row in rows:
        if 0 < row < drawn.shape[0]:
            drawn[row] = colour
    for column in columns:
        if 0 < column < drawn.shape[1]:
            drawn[:, column] = colour
    return drawn


def framed(picture: Tensor, left: int, top: int, width: int, height: int) -> Tensor:
    """A copy of a picture u8 [height, width, 3] with a frame around a rectangle."""
    import torch

    drawn = picture.clone()
    colour = torch.tensor(LINE, dtype=torch.uint8)
    bottom, right = min(top + height, drawn.shape[0]) - 1, min(left + width, drawn.shape[1]) - 1
    for row in {top, bottom}:
        drawn[row, left : right + 1] = colour
    for column in {left, right}:
        drawn[top : bottom + 1, column] = colour
    return drawn


def _three(numbers: Any) -> list[float]:
    return [float(number) for number in numbers] if isinstance(numbers, (list, tuple)) else [float(numbers)] * 3
