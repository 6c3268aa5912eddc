"""Tokens as text, and text as a token."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from inspector.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BROKEN = "\ufffd"
"""What a decoder writes for bytes that are no whole character."""


class TokenTexts(dict[int, str]):
    """The text of a token, decoded when it is first asked for.

    A token that holds part of a character is written as its bytes, `<0xE4><0xBD>`.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase | None) -> None:
        super().__init__()
        self.tokenizer = tokenizer

    def __missing__(self, token: int) -> str:
        self[token] = text = self._decode(token)
        return text

    def join(self, tokens: Sequence[int]) -> str:
        """The text of several tokens together, special ones left out."""
        if self.tokenizer is None:
            return ""
        return str(self.tokenizer.decode(list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def _decode(self, token: int) -> str:
        if self.tokenizer is None:
            return ""
        text = str(self.tokenizer.decode([token], clean_up_tokenization_spaces=False))
        if BROKEN not in text:
            return text
        written = self.tokenizer.convert_ids_to_tokens(token)
        return as_bytes(written) if isinstance(written, str) else text


def as_bytes(written: str) -> str:
    """The bytes that a byte-level tokenizer writes as other characters; whole ones among them as themselves."""
    table = byte_characters()
    if any(character not in table for character in written):
        return written
    return "".join(_pieces(bytes(table[character] for character in written)))


def one_token(text: str, tokenizer: PreTrainedTokenizerBase | None) -> int:
    """The token that a text is. Raises `InputError` where it is several, and shows how it splits."""
    if tokenizer is None:
        raise InputError("This model has no tokenizer: name a token by its id.")
    found = tokenizer.convert_tokens_to_ids(text)
    if isinstance(found, int) and found != tokenizer.unk_token_id and text in tokenizer.all_special_tokens:
        return found
    ids = tokenizer.encode(text, add_special_tokens=False)
    if len(ids) == 1:
        return int(ids[0])
    texts = TokenTexts(tokenizer)
    split = ", ".join(f"{texts[token]!r} ({token})" for token in ids)
    raise InputError(
        f"{text!r} is not one token for this model but {len(ids)}: {split or 'none'}. Take one of them, or one after "
        "the other."
    )


def _pieces(raw: bytes) -> list[str]:
    """Whole characters as they are, other bytes as `<0x..>`."""
    text = raw.decode("utf-8", errors="surrogateescape")
    return [f"<0x{ord(letter) - 0xDC00:02X}>" if 0xDC80 <= ord(letter) <= 0xDCFF else letter for letter in text]


@lru_cache(maxsize=1)
def byte_characters() -> dict[str, int]:
    """The byte behind each character of a byte-level vocabulary (GPT-2's table, which all of them use)."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    return {character: byte for byte, character in bytes_to_unicode().items()}
