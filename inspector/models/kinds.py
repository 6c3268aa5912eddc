"""What kind of token an id is: text, picture, video, padding or special, from the configuration and the tokenizer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from inspector.trace import TokenKind

IMAGE_IDS = ("image_token_id", "image_token_index")
VIDEO_IDS = ("video_token_id", "video_token_index")


def token_kinds(ids: Tensor, mask: Tensor | None, config: Any, tokenizer: Any) -> list[list[TokenKind]]:
    """A kind for each of `ids`, i64 [batch, tokens]. What `mask` leaves out is padding."""
    known = _known(config, tokenizer, padding=mask is None)
    rows: list[list[TokenKind]] = [[known.get(token, "text") for token in row] for row in ids.tolist()]
    if mask is not None:
        for row, kept in zip(rows, mask.tolist(), strict=True):
            row[:] = [kind if keep else "pad" for kind, keep in zip(row, kept, strict=True)]
    return rows


def image_token(config: Any, tokenizer: Any) -> str | None:
    """The token that stands for picture features in the ids of a model, as text; None where there is none."""
    for token in _ids(config, IMAGE_IDS):
        text = tokenizer.convert_ids_to_tokens(token)
        if text is not None:
            return str(text)
    return None


def _known(config: Any, tokenizer: Any, *, padding: bool) -> dict[int, TokenKind]:
    kinds: dict[int, TokenKind] = {}
    for part in _parts(config):
        for name, value in vars(part).items():
            if name.endswith("_token_id"):
                kinds.update(dict.fromkeys(_integers(value), "special"))
    if tokenizer is not None:
        added = getattr(tokenizer, "added_tokens_decoder", {})
        kinds.update({token: "special" for token, content in added.items() if content.special})
        kinds.update(dict.fromkeys(tokenizer.all_special_ids, "special"))
    if padding:
        ends = set(_ids(config, ("eos_token_id", "bos_token_id")))
        kinds.update({token: "pad" for token in _ids(config, ("pad_token_id",)) if token not in ends})
    kinds.update(dict.fromkeys(_ids(config, IMAGE_IDS), "image"))
    kinds.update(dict.fromkeys(_ids(config, VIDEO_IDS), "video"))
    return kinds


def _ids(config: Any, names: tuple[str, ...]) -> list[int]:
    return [token for part in _parts(config) for name in names for token in _integers(getattr(part, name, None))]


def _integers(value: Any) -> list[int]:
    values = value if isinstance(value, (list, tuple)) else [value]
    return [item for item in values if isinstance(item, int) and item >= 0]


def _parts(config: Any) -> Iterator[Any]:
    """A configuration and the one of its text model."""
    yield config
    text = getattr(config, "text_config", None)
    if text is not None and text is not config:
        yield text
