"""Where picture features go: each placeholder is cut out of the ids and the features of its picture are spliced in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from transformers.utils import ModelOutput

from .configuration import ClipQwenConfig


class Splice(NamedTuple):
    """The plan of a merge, all i64; S is the merged length.

    `columns` [batch, S]: the column of the ids that a position comes from, a picture's positions from its placeholder,
    -1 for padding in front of rows with fewer pictures. `features` [batch, S]: the row among the features of all
    pictures, -1 for text. `placeholders` [pictures, 2]: row and column of each.
    """

    columns: Tensor
    features: Tensor
    placeholders: Tensor


@dataclass
class MergeOutput(ModelOutput):  # type: ignore[misc]
    """The decoder's input [batch, S, hidden_size], its mask i64 [batch, cached tokens + S] (None where there is no
    padding), and how it came about. `input_ids` i64 [batch, S] repeat a placeholder for each feature of its picture.
    """

    inputs_embeds: Tensor | None = None
    input_ids: Tensor | None = None
    attention_mask: Tensor | None = None
    columns: Tensor | None = None
    features: Tensor | None = None
    placeholders: Tensor | None = None


def splice(input_ids: Tensor, image_token_id: int, pictures: int, length: int) -> Splice:
    """Features of `length` rows for each placeholder in `input_ids` [batch, tokens]; the first picture belongs to the
    first placeholder, row by row. Rows with fewer pictures get padding in front.

    Raises `ValueError` unless there are as many placeholders as pictures.
    """
    is_placeholder = input_ids == image_token_id
    placeholders = is_placeholder.nonzero()
    if len(placeholders) != pictures:
        raise ValueError(
            f"There are {pictures} pictures and {len(placeholders)} placeholders (token {image_token_id}): "
            f"{is_placeholder.sum(1).tolist()} in the rows of the batch. Every picture needs one."
        )
    widths = torch.where(is_placeholder, length, 1)
    lengths = widths.sum(1)
    merged = int(lengths.max())
    ends = widths.cumsum(1) + (merged - lengths)[:, None]
    positions = torch.arange(merged, device=input_ids.device).expand(len(input_ids), -1).contiguous()
    columns = torch.searchsorted(ends, positions, right=True)
    offsets = positions - (ends - widths).gather(1, columns)
    numbers = is_placeholder.flatten().cumsum(0).view_as(input_ids) - 1
    features = torch.where(is_placeholder.gather(1, columns), numbers.gather(1, columns) * length + offsets, -1)
    return Splice(torch.where(offsets < 0, -1, columns), torch.where(offsets < 0, -1, features), placeholders)


def splice_in_original_order(input_ids: Tensor, image_token_id: int, pictures: int, length: int) -> Splice:
    """As the original: of all placeholders in the batch, the k-th is taken for row k, wherever it stands.

    Raises `ValueError` where the original fails: fewer or more placeholders than rows or pictures.
    """
    rows, tokens = input_ids.shape
    places = (input_ids == image_token_id).nonzero()[:, 1]
    if not len(places) == rows == pictures:
        raise ValueError(
            f"The original takes one picture a row: there are {rows} rows, {pictures} pictures and {len(places)} "
            f"placeholders (token {image_token_id})."
        )
    positions = torch.arange(tokens - 1 + length, device=input_ids.device).expand(rows, -1)
    offsets = positions - places[:, None]
    inside = (offsets >= 0) & (offsets < length)
    columns = torch.where(offsets < 0, positions, torch.where(inside, places[:, None], positions - length + 1))
    first = torch.arange(rows, device=input_ids.device)[:, None] * length
    placeholders = torch.stack([torch.arange(rows, device=input_ids.device), places], dim=1)
    return Splice(columns, torch.where(inside, first + offsets, -1), placeholders)


class ImageMerge(nn.Module):
    """Token embeddings and picture features to one sequence. Without parameters; a module so that it can be watched."""

    def __init__(self, config: ClipQwenConfig) -> None:
        super().__init__()
        self.config = config

    def forward(
        self, inputs_embeds: Tensor, input_ids: Tensor, image_features: Tensor, attention_mask: Tensor | None = None
    ) -> MergeOutput:
        """`inputs_embeds` [batch, tokens, hidden], `image_features` [pictures, features, hidden].

        `attention_mask` i64 covers the ids, with what is cached in front of them, or the merged sequence.
        """
        plan = splice_in_original_order if self.config.text_config.faithful else splice
        pictures, length, hidden = image_features.shape
        spliced = plan(input_ids, self.config.image_token_id, pictures, length)
        batch, tokens = input_ids.shape
        rows = torch.arange(batch, device=input_ids.device)[:, None] * tokens
        source = torch.where(
            spliced.features < 0, rows + spliced.columns.clamp(min=0), batch * tokens + spliced.features
        )
        features = image_features.to(inputs_embeds)
        table = torch.cat([inputs_embeds.reshape(-1, hidden), features.reshape(-1, hidden)])
        mask = widen(attention_mask, spliced.columns, tokens)
        merged = table[source.to(table.device)]
        ids = input_ids.gather(1, spliced.columns.clamp(min=0)).masked_fill(spliced.columns < 0, 0)
        return MergeOutput(merged, ids, mask, spliced.columns, spliced.features, spliced.placeholders)


def widen(mask: Tensor | None, columns: Tensor, tokens: int) -> Tensor | None:
    """The mask of the merged sequence, from that of the ids; what it says of cached tokens in front stays.

    A mask that is longer than the merged sequence without its cache is taken to be that of the merged sequence.
    """
    padding = columns < 0
    if mask is None:
        return (~padding).long() if bool(padding.any()) else None
    merged = columns.shape[1]
    past = mask.shape[1] - tokens
    if mask.shape[1] == merged:
        return mask
    if past < 0:
        raise ValueError(
            f"The attention mask covers {mask.shape[1]} tokens; {tokens} were expected, or {merged} with the pictures."
        )
    widened = mask[:, past:].gather(1, columns.clamp(min=0)).masked_fill(padding, 0)
    return torch.cat([mask[:, :past], widened], dim=1)
