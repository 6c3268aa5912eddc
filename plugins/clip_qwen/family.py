"""CLIP + Qwen, told to Inspector: which models these are, how they are put together, what their inputs are."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from inspector import Family, Inputs, Processor, Request

from .tokens import PLACEHOLDER, VOCABULARY, published_tokenizer

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

    from inspector import Assembly, Options, Source

ROLES = {"w1": "up_proj", "w2": "gate_proj", "merge": "splice", "lora_A": "lora", "lora_B": "lora"}
"""What goes by other names here: the gate of the MLP is `w2`."""


class ClipQwen(Family):
    """CLIP + the first-generation Qwen decoder, that decoder alone, and CLIP + Qwen2 or Qwen2.5 as a Llava."""

    name = "clip_qwen"

    def matches(self, config: PreTrainedConfig) -> bool:
        if config.model_type == "llava":
            return (config.vision_config.model_type, config.text_config.model_type) == ("clip_vision_model", "qwen2")
        return config.model_type in ("clip_qwen", "qwen")

    def register(self) -> None:
        from transformers import AutoConfig

        from .configuration import ClipQwenConfig, QwenConfig

        for kind in (QwenConfig, ClipQwenConfig):
            AutoConfig.register(kind.model_type, kind, exist_ok=True)

    def assemble(self, source: Source, config: PreTrainedConfig, options: Options) -> Assembly | None:
        """Decoder, `--vision` and `--adapter` as one; a saved whole where an option changes it."""
        kind = config.model_type
        if kind not in ("clip_qwen", "qwen") and not (kind == "qwen2" and options.vision):
            return None
        from . import assembling

        if kind == "clip_qwen":
            return assembling.assemble_whole(config, options, source)
        if options.vision is None:
            return assembling.assemble_decoder(config, options)
        notices: list[str] = []
        tokenizer = self.tokenizer(source, config, notices)
        build = assembling.assemble_clip_qwen if kind == "qwen" else assembling.assemble_llava
        return build(config, options, source, tokenizer, notices)

    def model_class(self, config: PreTrainedConfig) -> type[Any]:
        if config.model_type == "llava":
            from transformers import LlavaForConditionalGeneration

            return LlavaForConditionalGeneration  # type: ignore[no-any-return]
        from . import register

        register()
        from .decoder import QwenForCausalLM
        from .model import ClipQwenForConditionalGeneration

        return QwenForCausalLM if config.model_type == "qwen" else ClipQwenForConditionalGeneration

    def processor(self, source: Source, config: PreTrainedConfig) -> Processor:
        if config.model_type != "clip_qwen":
            return super().processor(source, config)
        from .processor import combined, image_processor

        notices: list[str] = []
        tokenizer = self.tokenizer(source, config, notices)
        settings = (source.json("processor_config.json") or {}).get("image_processor")
        settings = settings or source.json("preprocessor_config.json")
        images = image_processor(settings, config.vision_config.image_size, faithful=config.text_config.faithful)
        return combined(images, tokenizer, config.image_token_id, notices)

    def tokenizer(self, source: Source, config: PreTrainedConfig, notices: list[str]) -> PreTrainedTokenizerBase | None:
        """That of the checkpoint: a `tokenizer.json`, or the published `qwen.tiktoken`."""
        directory = source.directory()
        has_own = directory is not None and (directory / "tokenizer.json").is_file()
        published = directory is None or (directory / VOCABULARY).is_file()
        if config.model_type in ("clip_qwen", "qwen") and published and not has_own:
            return published_tokenizer(source, notices)
        return super().tokenizer(source, config, notices)

    def inputs(self, request: Request, processor: Processor, config: PreTrainedConfig) -> Inputs:
        """As the original asks: the picture's placeholder stands behind the question that names none."""
        words = self.placeholders(processor, config) if config.model_type == "clip_qwen" else []
        if words and request.images and not request.raw and not any(words[0] in prompt for prompt in request.prompts):
            each = len(request.images) if len(request.prompts) == 1 else 1
            if len(request.images) == each * len(request.prompts):
                request = replace(request, prompts=tuple(prompt + words[0] * each for prompt in request.prompts))
        return super().inputs(request, processor, config)

    def layout(self, config: PreTrainedConfig) -> Any:
        """The class token is left out, which the configuration does not say."""
        known = super().layout(config)
        return replace(known, select="default") if config.model_type == "clip_qwen" else known

    def role(self, path: str, module: nn.Module) -> str | None:
        """A layer with LoRA matrices beside it keeps its role, and so does the layer inside."""
        names = [name for name in re.sub(r"\.base_layer$", "", path).split(".") if name != "default"]
        return ROLES.get(names[-1]) or super().role(".".join(names), getattr(module, "base_layer", module))


__all__ = ["PLACEHOLDER", "ClipQwen"]
