"""CLIP, a projector and a decoder from their directories, as one model."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import CLIPConfig, CLIPVisionConfig, LlavaConfig, LlavaProcessor, Qwen2ForCausalLM

from inspector import Assembly, ModelError, Piece, Processor

from .adapter import CONFIG, SETTINGS, Lora, check_projector, read_json, read_projector
from .configuration import ClipQwenConfig
from .decoder import QwenForCausalLM
from .processor import combined, image_processor
from .published import IMAGE_TOKEN_ID
from .tokens import QWEN1_IDS, STOPS, chat_template
from .weights import ALONE, CLIP_QWEN, LLAVA, Places, vision_weight

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

    from inspector import Options, Source

IMAGE_PAD = "<|image_pad|>"
"""What stands for picture features in Qwen2's vocabulary."""

RANDOM = (
    "NO PROJECTOR was given, so it is RANDOM: what the decoder sees of a picture is noise. --adapter DIR takes the "
    "directory with other_params.bin or other_params.safetensors."
)


class Adapter:
    """The directory that a training left behind."""

    def __init__(self, directory: Path | None) -> None:
        """Raises `ModelError` for a directory that holds none of what is looked for."""
        self.directory = directory
        if directory is not None and not directory.is_dir():
            raise ModelError(f"There is no directory {directory} (--adapter).")
        self.settings = {} if directory is None else read_json(directory / SETTINGS) or {}
        self.projector = {} if directory is None else read_projector(directory)
        self.lora = Lora(directory) if directory is not None and (directory / CONFIG).is_file() else None
        if directory is not None and not self.projector and self.lora is None:
            raise ModelError(f"{directory} (--adapter) holds neither {CONFIG} nor other_params.bin or .safetensors.")

    def finish(self, model: PreTrainedModel, places: Places) -> None:
        """Put the LoRA into the decoder of a model, and let a chat model end where a turn does."""
        if self.lora is not None:
            self.lora.inject(model.get_submodule(places.lora), places.strip)
        if getattr(model.generation_config, "chat_format", None) == "chatml":
            model.generation_config.eos_token_id = [QWEN1_IDS[token] for token in STOPS]


def assemble_whole(config: ClipQwenConfig, options: Options, source: Source) -> Assembly | None:
    """A model that was saved as one, or a preset; None where nothing is to be changed."""
    if options.vision is not None:
        raise ModelError(f"{source.reference} has a vision tower; --vision is for a decoder alone.")
    adapter = Adapter(options.adapter)
    if options.adapter is None and not options.faithful:
        return None
    vision, text = config.vision_config, config.text_config
    if adapter.projector:
        check_projector(adapter.projector, Path(options.adapter or ""), vision.hidden_size, text.hidden_size)
        config.projector_hidden_size = adapter.projector["linear_1.weight"].shape[0]
    _check_lora(adapter, QwenForCausalLM, text)
    text.faithful = text.faithful or options.faithful
    pieces = (Piece(source.path, lambda name: name),) if source.path is not None and source.has_weights else ()
    tensors = _projector(adapter, CLIP_QWEN)
    return Assembly(config, pieces if tensors else (), tensors, finish=partial(adapter.finish, places=CLIP_QWEN))


def assemble_decoder(config: PreTrainedConfig, options: Options) -> Assembly:
    """A decoder of the first generation without a vision tower."""
    adapter = Adapter(options.adapter)
    _check_lora(adapter, QwenForCausalLM, config)
    config.faithful = config.faithful or options.faithful
    notices = ["The projector of the adapter is left out: there is no vision tower (--vision)."]
    return Assembly(config, finish=partial(adapter.finish, places=ALONE), notices=notices if adapter.projector else [])


def assemble_clip_qwen(
    config: PreTrainedConfig, options: Options, source: Source, tokenizer: Any, told: list[str]
) -> Assembly:
    """CLIP and a decoder of the first generation. `told` are the tokenizer's notices. Raises `ModelError`."""
    assert options.vision is not None
    vision, adapter = vision_config(options.vision), Adapter(options.adapter)
    config.faithful = config.faithful or options.faithful
    whole = ClipQwenConfig(
        vision_config=vision,
        text_config=config,
        image_token_id=adapter.settings.get("replace_token_id", IMAGE_TOKEN_ID),
        projector_hidden_size=_middle(adapter, config),
        image_seq_length=_features(adapter, vision, options.vision),
    )
    images = image_processor(_image_settings(options.vision), vision.image_size, faithful=whole.text_config.faithful)
    processor = combined(images, tokenizer, whole.image_token_id, told)
    return _put_together(whole, QwenForCausalLM, CLIP_QWEN, options, source, adapter, processor)


def assemble_llava(
    config: PreTrainedConfig, options: Options, source: Source, tokenizer: Any, told: list[str]
) -> Assembly:
    """CLIP and Qwen2 or Qwen2.5, as transformers' Llava. Raises `ModelError`."""
    if options.vision is None or options.faithful:
        raise ModelError(f"There is no original that {source.reference} could be faithful to: leave --faithful out.")
    vision, adapter = vision_config(options.vision), Adapter(options.adapter)
    whole = LlavaConfig(
        vision_config=vision,
        text_config=config,
        image_token_index=_placeholder(tokenizer, config, source),
        image_seq_length=_features(adapter, vision, options.vision),
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        tie_word_embeddings=config.tie_word_embeddings,
    )
    if adapter.projector and _middle(adapter, config) != config.hidden_size:
        raise ModelError(f"Llava's projector has the decoder's width, {config.hidden_size}, also in its middle.")
    images = image_processor(_image_settings(options.vision), vision.image_size, faithful=False)
    both = tokenizer and LlavaProcessor(
        images,
        tokenizer,
        patch_size=vision.patch_size,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        image_token=IMAGE_PAD,
        chat_template=tokenizer.chat_template,
    )
    processor = Processor(tokenizer, images, told, both)
    return _put_together(whole, Qwen2ForCausalLM, LLAVA, options, source, adapter, processor)


def vision_config(directory: Path) -> CLIPVisionConfig:
    """The vision tower's configuration in a CLIP directory, of both towers or of one. Raises `ModelError`."""
    if not directory.is_dir():
        raise ModelError(f"There is no directory {directory} (--vision).")
    data = read_json(directory / "config.json")
    if data is None:
        raise ModelError(f"{directory} (--vision) has no config.json; a CLIP checkpoint was expected.")
    kind = data.get("model_type")
    if kind == "clip":
        return CLIPConfig.from_dict(data).vision_config
    if kind == "clip_vision_model":
        return CLIPVisionConfig.from_dict(data)
    raise ModelError(
        f"{directory} (--vision) holds a model of the type {kind!r}; clip or clip_vision_model was expected."
    )


def _put_together(
    config: Any,
    kind: type[Any],
    places: Places,
    options: Options,
    source: Source,
    adapter: Adapter,
    processor: Processor,
) -> Assembly:
    assert options.vision is not None
    text = config.text_config
    if getattr(text, "quantization_config", None) is not None:
        raise ModelError(f"{source.reference} is quantised; a vision tower goes with unquantised weights alone.")
    check_projector(adapter.projector, Path(options.adapter or ""), config.vision_config.hidden_size, text.hidden_size)
    _check_lora(adapter, kind, text)
    pieces = (
        ()
        if source.path is None or not source.has_weights
        else (
            Piece(source.path, places.decoder),
            Piece(options.vision, partial(vision_weight, prefix=places.vision)),
        )
    )
    notices = [] if adapter.projector else [RANDOM]
    finish = partial(adapter.finish, places=places)
    return Assembly(config, pieces, _projector(adapter, places), processor, finish, notices)


def _features(adapter: Adapter, vision: CLIPVisionConfig, directory: Path) -> int:
    """How many features a picture becomes. Raises `ModelError` where the training had another number."""
    patches = (vision.image_size // vision.patch_size) ** 2
    trained = adapter.settings.get("image_context_length", patches)
    if trained != patches:
        raise ModelError(
            f"{adapter.directory} was trained with {trained} features a picture (image_context_length in {SETTINGS}). "
            f"The CLIP in {directory} makes {patches}: {vision.image_size} pixels, patches of {vision.patch_size}."
        )
    return int(patches)


def _middle(adapter: Adapter, config: Any) -> int:
    """The width in the middle of the projector. Raises `ModelError` where it was trained for another decoder."""
    trained = adapter.settings.get("image_feature_hidden_size", config.hidden_size)
    if adapter.projector:
        return int(adapter.projector["linear_1.weight"].shape[0])
    if trained != config.hidden_size:
        raise ModelError(
            f"{adapter.directory} was trained for a decoder of the width {trained} (image_feature_hidden_size in "
            f"{SETTINGS}); this one has {config.hidden_size}."
        )
    return int(config.hidden_size)


def _projector(adapter: Adapter, places: Places) -> dict[str, torch.Tensor]:
    return {f"{places.projector}{name}": weight for name, weight in adapter.projector.items()}


def _check_lora(adapter: Adapter, kind: type[Any], config: Any) -> None:
    """Hold the LoRA against a decoder without weights, before any are read."""
    if adapter.lora is not None:
        with torch.device("meta"):
            adapter.lora.check(kind(config))


def _image_settings(directory: Path) -> dict[str, Any] | None:
    return read_json(directory / "preprocessor_config.json")


def _placeholder(tokenizer: Any, config: Any, source: Source) -> int:
    """The id that stands for picture features in Qwen2's vocabulary, which gets one where it has none."""
    if tokenizer is None:
        raise ModelError(f"{source.reference} has no tokenizer, so that no token can stand for a picture.")
    tokenizer.chat_template = chat_template(IMAGE_PAD)
    if IMAGE_PAD not in tokenizer.get_vocab():
        tokenizer.add_tokens([IMAGE_PAD], special_tokens=True)
    number = int(tokenizer.convert_tokens_to_ids(IMAGE_PAD))
    if number >= config.vocab_size:
        raise ModelError(f"{source.reference} embeds {config.vocab_size} tokens; there is no room for {IMAGE_PAD}.")
    return number
