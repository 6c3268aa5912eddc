"""The tokens of a trace, read from what the model really received: ids, padding mask and positions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from inspector.trace import Call, TensorInfo, Token, Trace

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

    from inspector.models import Family


def read_tokens(
    trace: Trace, family: Family, config: Any, tokenizer: PreTrainedTokenizerBase | None
) -> list[list[Token]]:
    """The tokens of the first forward, a list a row; none when it was not given any ids.

    Where a module splices features into the sequence (role `splice`), these are the tokens of what it made.
    """
    root = next((call for call in trace.calls if call.parent is None and "input.input_ids" in call.inputs), None)
    ids = None if root is None else _kept(trace, root, "input.input_ids")
    if root is None or ids is None or ids.ndim != 2:
        return []
    mask = _kept(trace, root, "input.attention_mask")
    spliced = next((call for call in trace.calls if call.role == "splice" and call.step == root.step), None)
    if spliced is not None and (longer := _kept(trace, spliced, "output.input_ids")) is not None:
        ids, mask = longer, _kept(trace, spliced, "output.attention_mask")
    kinds = family.token_kinds(ids, mask if mask is not None and mask.shape == ids.shape else None, config, tokenizer)
    positions = _positions(trace, family, *ids.shape)
    texts: dict[int, str] = {}
    rows = []
    for row, row_ids in enumerate(ids.tolist()):
        places = positions[row % len(positions)] if positions else [None] * len(row_ids)
        rows.append(
            [
                Token(index, token, _text(token, texts, tokenizer), kind, place)
                for index, (token, kind, place) in enumerate(zip(row_ids, kinds[row], places, strict=True))
            ]
        )
    return rows


def _text(token: int, known: dict[int, str], tokenizer: PreTrainedTokenizerBase | None) -> str:
    if token not in known:
        known[token] = "" if tokenizer is None else str(tokenizer.decode([token]))
    return known[token]


def _positions(trace: Trace, family: Family, batch: int, tokens: int) -> Sequence[Sequence[tuple[int, ...] | None]]:
    """From the first rotary embedding, layer or embedding of the decoder that was given positions for every token."""
    for call in trace.calls:
        info = call.inputs.get("input.position_ids")
        if isinstance(info, TensorInfo) and info.shape[-1] == tokens and info.shape[-2:-1] in ((batch,), (1,)):
            ids = _kept(trace, call, "input.position_ids")
            if ids is not None and call.parent is not None:
                return family.positions(ids)
    return []


def _kept(trace: Trace, call: Call, port: str) -> Tensor | None:
    info = call.inputs.get(port, call.outputs.get(port))
    return trace.values[info.value] if isinstance(info, TensorInfo) and info.value is not None else None
