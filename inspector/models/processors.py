"""Tokenizer, image processor and the model's own processor, each loaded by itself.

transformers builds a processor only when every part of it can be built; the video part of many needs torchvision. Here
the parts that are missing are left out, so that text and pictures work without it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

    from inspector.models.sources import Source


@dataclass(slots=True)
class Processor:
    """Tokenizer and image processor, loaded separately, so that torchvision stays optional.

    Either is None where the checkpoint has none. `model_processor` is transformers' own processor of the model, which
    puts both together, with the `video_processor` where there is one. `notices` are sentences that the user must see.
    """

    tokenizer: PreTrainedTokenizerBase | None
    image_processor: Any = None
    notices: list[str] = field(default_factory=list)
    model_processor: Any = None
    video_processor: Any = None


VOCABULARIES = (
    *("tokenizer.json", "tokenizer.model", "tekken.json", "vocab.json", "vocab.txt", "spiece.model"),
    *("sentencepiece.bpe.model", "tokenization.json", "tiktoken.model", "qwen.tiktoken"),
)
"""Files that hold a vocabulary; without any of them transformers would make up an empty tokenizer."""

IMAGE_SETTINGS = "preprocessor_config.json"
VIDEO_SETTINGS = "video_preprocessor_config.json"
PROCESSOR_SETTINGS = "processor_config.json"


def load_tokenizer(source: Source, notices: list[str]) -> PreTrainedTokenizerBase | None:
    """The tokenizer of a checkpoint; None, with a notice, where there is none or it cannot be loaded."""
    from transformers import AutoTokenizer

    directory = source.directory()
    if directory is None:
        return None
    if source.gguf is None and not any((directory / name).is_file() for name in VOCABULARIES):
        notices.append(f"{source.reference} has no tokenizer: prompts cannot be encoded, and tokens have no text.")
        return None
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(
                directory,
                trust_remote_code=source.trust_remote_code,
                **({"gguf_file": source.gguf} if source.gguf else {}),
            )
    except Exception as error:  # a damaged file, or a package that this tokenizer needs
        notices.append(f"The tokenizer of {source.reference} cannot be loaded: {_first_line(error)}")
        return None
    if tokenizer.chat_template is None:
        tokenizer.chat_template = (source.json("chat_template.json") or {}).get("chat_template")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_image_processor(source: Source, notices: list[str]) -> Any:
    """The image processor of a checkpoint or preset, on torchvision where it is installed and on Pillow elsewhere.

    None where there is none, or with a notice where it cannot be loaded.
    """
    # Not from `transformers`: 5.17 hands out a placeholder there when torchvision is missing.
    from transformers.models.auto.image_processing_auto import AutoImageProcessor
    from transformers.utils import is_torchvision_available

    settings = (source.json(PROCESSOR_SETTINGS) or {}).get("image_processor") or source.json(IMAGE_SETTINGS)
    if not settings:
        return None
    backend = "torchvision" if is_torchvision_available() else "pil"
    try:
        with quiet(), _directory_of(source, settings) as directory:
            return AutoImageProcessor.from_pretrained(
                directory, backend=backend, trust_remote_code=source.trust_remote_code
            )
    except Exception as error:  # an unknown class, or a package that it needs
        notices.append(f"The image processor of {source.reference} cannot be loaded: {_first_line(error)}")
        return None


def load_video_processor(source: Source, notices: list[str]) -> Any:
    """The video processor of a checkpoint, which needs torchvision; None where either is missing."""
    from transformers.models.auto.video_processing_auto import AutoVideoProcessor
    from transformers.utils import is_torchvision_available

    directory = source.directory()
    settings = (source.json(PROCESSOR_SETTINGS) or {}).get("video_processor") or source.json(VIDEO_SETTINGS)
    if directory is None or not settings or not is_torchvision_available():
        return None
    try:
        with quiet():
            return AutoVideoProcessor.from_pretrained(directory, trust_remote_code=source.trust_remote_code)
    except Exception as error:  # an unknown class, or a package that it needs
        notices.append(f"The video processor of {source.reference} cannot be loaded: {_first_line(error)}")
        return None


def video_settings(source: Source) -> dict[str, Any]:
    """The settings of a checkpoint's video processor, from where transformers looks for them: a file of its own, else
    that of the image processor.
    """
    own = (source.json(PROCESSOR_SETTINGS) or {}).get("video_processor")
    return own or source.json(VIDEO_SETTINGS) or source.json(IMAGE_SETTINGS) or {}


def load_model_processor(
    source: Source,
    config: PreTrainedConfig,
    tokenizer: Any,
    image_processor: Any,
    notices: list[str],
    video_processor: Any = None,
) -> Any:
    """The model's own processor, which knows what a picture becomes in the text; None where there is none."""
    if tokenizer is None or image_processor is None:
        return None
    settings = source.json(PROCESSOR_SETTINGS) or {}
    kind = _processor_class(source, settings, config)
    if kind is None:
        return None
    parts = {"tokenizer": tokenizer, "image_processor": image_processor, "video_processor": video_processor}
    try:
        with quiet():
            arguments = [parts.get(name) for name in kind.get_attributes()]
            settings["chat_template"] = tokenizer.chat_template
            return without_checks(kind).from_args_and_dict(arguments, settings)
    except Exception as error:  # a package that it needs, a token that the tokenizer lacks
        notices.append(f"{kind.__name__} cannot be built, so pictures cannot be encoded: {_first_line(error)}")
        return None


def without_checks(kind: type[Any]) -> type[Any]:
    """A processor's class that can be built with parts missing."""
    return type(kind.__name__, (kind,), {"check_argument_for_proper_class": lambda *_: None})


def _processor_class(source: Source, settings: dict[str, Any], config: PreTrainedConfig) -> Any:
    import transformers
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

    for data in (settings, source.json(IMAGE_SETTINGS), source.json("tokenizer_config.json")):
        kind = getattr(transformers, (data or {}).get("processor_class") or "", None)
        if kind is not None:
            return kind
    return PROCESSOR_MAPPING.get(type(config), None)


@contextmanager
def quiet() -> Iterator[None]:
    """transformers' own remarks (backends that are missing, keys that moved) held back; errors pass."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)


@contextmanager
def _directory_of(source: Source, settings: dict[str, Any]) -> Iterator[Path]:
    """A directory with the image processor's settings: the checkpoint's own, or one made for a preset."""
    directory = source.directory()
    if directory is not None:
        yield directory
        return
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / IMAGE_SETTINGS).write_text(json.dumps(settings), encoding="utf-8")
        yield Path(name)


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__).strip()
