"""Qwen's vocabulary without a checkpoint: the one that Alibaba's `dashscope` package carries, or a stand-in.

The package's file lists byte sequences and ranks; turned into a tokenizer it gives the ids of every published Qwen2,
Qwen2.5 and Qwen2.5-VL tokenizer. Turning takes a second or two, so the result is kept in the cache directory.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspector import byte_tokenizer, cached_file

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

FIRST_SPECIAL = 151643
SPECIAL = (
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>"),
    *("<|box_start|>", "<|box_end|>", "<|quad_start|>", "<|quad_end|>"),
    *("<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"),
)
"""Control tokens, from `FIRST_SPECIAL` on."""

ADDED = (
    *("<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>"),
    *("<|repo_name|>", "<|file_sep|>"),
)
"""Tokens that follow them and count as text."""

PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How Qwen2 cuts a text before merging: every digit by itself."""

STAND_IN = (
    "The vocabulary is a stand-in, one token for each byte of the text: token counts are not Qwen's own. "
    "The real one comes with the extra `qwen` (pip install 'inspector[qwen]')."
)


@dataclass(frozen=True, slots=True)
class Kind:
    """What the generations of Qwen's tokenizer differ in: control tokens, then tokens that count as text."""

    special: tuple[str, ...] = SPECIAL
    added: tuple[str, ...] = ADDED
    eos: str = "<|im_end|>"
    length: int = 131072


QWEN2 = Kind()


def qwen_tokenizer(
    template: str, notices: list[str], kind: Kind = QWEN2, file: Path | None = None
) -> PreTrainedTokenizerBase:
    """A Qwen tokenizer with a chat template, from a `qwen.tiktoken` file or else from the extra `qwen`; without that a
    stand-in, of which `notices` then tells.
    """
    file = file or vocabulary_file()
    if file is None:
        notices.append(STAND_IN)
        ids = {token: FIRST_SPECIAL + place for place, token in enumerate((*kind.special, *kind.added))}
        tokenizer = byte_tokenizer(ids, template)
        tokenizer.eos_token = kind.eos
        return tokenizer
    return _kept(file, template, kind)


def vocabulary_file() -> Path | None:
    """Where the package keeps its vocabulary; it is found without importing it."""
    spec = find_spec("dashscope")
    for location in (spec.submodule_search_locations or ()) if spec else ():
        file = Path(location) / "resources" / "qwen.tiktoken"
        if file.is_file():
            return file
    return None


def _kept(file: Path, template: str, kind: Kind) -> PreTrainedTokenizerBase:
    """The real tokenizer: from the cache, or converted and put there."""
    data = file.read_bytes()
    recipe = repr((PATTERN, kind.special, kind.added)).encode()
    name = f"qwen-{hashlib.sha256(recipe + data).hexdigest()[:16]}.json"
    converted = cache(lambda: _convert(data, kind))
    try:
        return _fast(template, kind, tokenizer_file=str(cached_file(name, lambda: converted().to_str())))
    except Exception:  # a cache that cannot be written, or that is damaged: everything works without it
        return _fast(template, kind, tokenizer_object=converted())


def _fast(template: str, kind: Kind, **backend: Any) -> PreTrainedTokenizerBase:
    """The settings of the published `tokenizer_config.json` around the tokenizer itself."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        eos_token=kind.eos,
        pad_token="<|endoftext|>",
        model_max_length=kind.length,
        clean_up_tokenization_spaces=False,
        padding_side="left",
        chat_template=template,
        **backend,
    )


def _convert(data: bytes, kind: Kind) -> Any:
    from tokenizers import AddedToken, normalizers
    from transformers.convert_slow_tokenizer import TikTokenConverter

    class Converter(TikTokenConverter):  # type: ignore[misc]
        """transformers' converter, without its detour through the tiktoken package and that one's cache."""

        @staticmethod
        def load_tiktoken_bpe(tiktoken_url: str) -> dict[bytes, int]:
            pairs = (line.split() for line in data.splitlines() if line)
            return {base64.b64decode(token): int(rank) for token, rank in pairs}

    tokenizer = Converter(pattern=PATTERN).converted()
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in kind.special])
    tokenizer.add_tokens([AddedToken(token, normalized=False, special=False) for token in kind.added])
    return tokenizer
