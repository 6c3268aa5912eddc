"""Where picture features went: ids before, placeholders cut, features spliced in, and each position's origin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inspector import Column, InputError, Part, Table, Text, Trace, View

from ..reading import Forward, chosen, kept, number  # noqa: TID252 - the package has another name here

if TYPE_CHECKING:
    from torch import Tensor

PICTURES = (
    Column("picture", "right"),
    Column("row", "right"),
    Column("placeholder at", "right"),
    Column("features", "right", "count"),
    Column("from", "right"),
    Column("to", "right"),
)
ROWS = (
    Column("row", "right"),
    Column("ids", "right", "count"),
    Column("placeholders cut", "right", "count"),
    Column("features", "right", "count"),
    Column("padding in front", "right", "count"),
    Column("merged length", "right", "count"),
)
POSITIONS = (
    Column("index", "right"),
    Column("origin"),
    Column("column of the ids", "right"),
    Column("id", "right"),
    Column("text"),
    Column("picture", "right"),
    Column("patch row", "right"),
    Column("patch column", "right"),
    Column("position", "right"),
)


@dataclass(frozen=True)
class Merge:
    """What became of the ids. `columns` and `features` i64 [batch, merged length] are those of `merge.Splice`; `length`
    is that of a picture. `in_place` says that the ids had room for the features already, as in a Llava.
    """

    ids: Tensor
    columns: Tensor
    features: Tensor
    length: int
    in_place: bool


def read(forward: Forward) -> Merge | None:
    """The merge of a forward; None where no picture was given. Raises `InputError` where too little was kept."""
    if not forward.pictures:
        return None
    if forward.ids is None:
        raise InputError("The ids of this forward were not kept: there are too many of them.")
    if forward.merge is None:
        return _in_place(forward)
    parts = [kept(forward.trace, forward.merge, f"output.{name}") for name in ("columns", "features")]
    info = forward.merge.inputs["input.image_features"]
    if parts[0] is None or parts[1] is None:
        raise InputError("The merge of this forward was not kept: it failed, or is too large.")
    return Merge(forward.ids, parts[0], parts[1], info.shape[1], in_place=False)  # type: ignore[union-attr]


def show(trace: Trace, *, row: str = "", step: str = "") -> Sequence[Part]:
    forward = chosen(trace, step)
    found = read(forward)
    if found is None:
        return [Text("Merge", "No picture was given in this forward, so the decoder was given the ids as they are.")]
    index = number("row", row, len(found.ids))
    return [_words(found), _rows(found), _pictures(found), _positions(forward, found, index)]


def _in_place(forward: Forward) -> Merge | None:
    ids, token = forward.ids, forward.image_token_id
    if ids is None or token is None:
        return None
    here = ids == token
    numbers = (here.flatten().cumsum(0) - 1).view_as(ids)
    columns = ids.new_ones(ids.shape).cumsum(1) - 1
    length = int(here.sum()) // max(forward.pictures, 1)
    return Merge(ids, columns, numbers.masked_fill(~here, -1), length, in_place=True)


def _words(found: Merge) -> Text:
    if found.in_place:
        text = (
            f"Each picture has {found.length:,} placeholders in the ids; the features take their place one by one, and "
            "the sequence keeps its length."
        )
    else:
        before, after = found.ids.shape[1], found.columns.shape[1]
        text = (
            f"Each placeholder is cut out of the ids and {found.length:,} features are spliced in where it stood: "
            f"{before:,} ids become a sequence of {after:,}."
        )
    return Text("Merge", text)


def _rows(found: Merge) -> Table:
    rows = []
    for row, (columns, features) in enumerate(zip(found.columns, found.features, strict=True)):
        spliced, padding = int((features >= 0).sum()), int((columns < 0).sum())
        cut = 0 if found.in_place else spliced // found.length
        rows.append((row, found.ids.shape[1], cut, spliced, padding, found.columns.shape[1]))
    return Table("Rows", ROWS, rows)


def _pictures(found: Merge) -> Table:
    rows = []
    for row, (columns, features) in enumerate(zip(found.columns.tolist(), found.features.tolist(), strict=True)):
        starts = [index for index, feature in enumerate(features) if feature >= 0 and feature % found.length == 0]
        rows += [
            (features[start] // found.length, row, columns[start], found.length, start, start + found.length - 1)
            for start in starts
        ]
    note = "`from` and `to` count in the merged sequence; each picture has one feature a patch, row by row."
    return Table("Pictures", PICTURES, rows, note)


def _positions(forward: Forward, found: Merge, row: int) -> Table:
    texts = {token.index: token.text for token in forward.trace.tokens[row]} if forward.trace.tokens else {}
    side = round(found.length**0.5)
    positions = forward.positions
    places = [None] * found.columns.shape[1] if positions is None else positions[row % len(positions)].tolist()
    rows: list[tuple[Any, ...]] = []
    whole = zip(found.columns[row].tolist(), found.features[row].tolist(), places, strict=True)
    kept_ids = _unmasked(forward, row)
    for index, (column, feature, place) in enumerate(whole):
        if column < 0:
            rows.append((index, "padding", None, None, "", None, None, None, place))
        elif feature < 0:
            token, origin = int(found.ids[row, column]), "text" if kept_ids[column] else "padding"
            rows.append((index, origin, column, token, texts.get(index, ""), None, None, None, place))
        else:
            picture, patch = divmod(feature, found.length)
            rows.append((index, "picture", column, None, "", picture, patch // side, patch % side, place))
    note = "`position` is the row of the rotary table that was applied." if positions is not None else ""
    return Table(f"Positions of row {row}", POSITIONS, rows, note)


def _unmasked(forward: Forward, row: int) -> list[int]:
    """For each of the ids of a row, whether the mask lets it count."""
    ids, mask = forward.ids, forward.mask
    assert ids is not None
    return mask[row].tolist() if mask is not None and mask.shape == ids.shape else [1] * ids.shape[1]


VIEW = View(
    "merge",
    "Where picture features were spliced into the ids, and the origin of each position of the decoder's sequence",
    show,
    {"row": "The row of the batch whose positions are listed.", "step": "The forward, counted from 0."},
)
