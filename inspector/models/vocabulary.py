"""Tokenizers for models that come without one: a byte-level stand-in, and a place to keep what took long to convert."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platformdirs import user_cache_path

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

CACHE_DIRECTORY = "INSPECTOR_CACHE_DIR"
"""Environment variable: where files that can be made again are kept, instead of the user's own cache."""

STAND_IN = (
    "The vocabulary is a stand-in: one token for each byte of the text. Token counts and ids are not the model's own; "
    "shapes along the sequence follow from them."
)


def byte_tokenizer(special: Mapping[str, int], chat_template: str | None = None) -> PreTrainedTokenizerBase:
    """A tokenizer whose id n is byte n, and whose `special` tokens have the ids of the real vocabulary.

    The first special token pads and ends a text.
    """
    from tokenizers import Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import BPE
    from transformers import PreTrainedTokenizerFast
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    characters = {character: byte for byte, character in bytes_to_unicode().items()}
    backend = Tokenizer(BPE({**characters, **special}, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(list(special))
    first = next(iter(special), None)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token=first, eos_token=first, chat_template=chat_template, padding_side="left"
    )
    return tokenizer


def special_tokens(config: Any) -> dict[str, int]:
    """The special ids that a configuration tells of, each under a name made of its key: `<|eos|>`, `<|image|>`."""
    names: dict[int, str] = {}
    for part in (config, getattr(config, "text_config", None)):
        for name, token in _token_ids(part):
            names.setdefault(token, f"<|{name}|>")
    return {name: token for token, name in names.items() if token > 255}


def cache_directory() -> Path:
    """Where Inspector keeps files that it can make again; it may not exist yet."""
    chosen = os.environ.get(CACHE_DIRECTORY)
    return Path(chosen) if chosen else user_cache_path("inspector", appauthor=False)


def cached_file(name: str, make: Callable[[], str]) -> Path:
    """A file in the cache directory; where it is missing, it is written first, whole, with what `make` returns.

    `name` carries a digest of whatever the text depends on. Raises `OSError` where it cannot be written.
    """
    file = cache_directory() / name
    if not file.is_file():
        _write_whole(file, make())
    return file


def _write_whole(file: Path, text: str) -> None:
    """Write a file whole or not at all, and its directory if that is missing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f"{file.stem}-", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            opened.write(text)
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _token_ids(config: Any) -> Iterator[tuple[str, int]]:
    for name, value in sorted(vars(config).items()) if config is not None else ():
        if name.endswith("_token_id") and isinstance(value, int):
            yield name.removesuffix("_token_id"), value
        elif name.endswith("_token_id") and isinstance(value, (list, tuple)) and value:
            yield name.removesuffix("_token_id"), value[0]
