"""Qwen2 and Qwen2.5, the text models, with the published configurations of Qwen2.5 Instruct."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from inspector import Family, Preset, hookimpl

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

    from inspector import Source

SHAPES = {
    # size: hidden, intermediate, layers, heads, key-value heads, tied embeddings
    "0.5B": (896, 4864, 24, 14, 2, True),
    "1.5B": (1536, 8960, 28, 12, 2, True),
    "3B": (2048, 11008, 36, 16, 2, True),
    "7B": (3584, 18944, 28, 28, 4, False),
    "14B": (5120, 13824, 48, 40, 8, False),
    "32B": (5120, 27648, 64, 40, 8, False),
    "72B": (8192, 29568, 80, 64, 8, False),
}
"""What the sizes of Qwen2.5 differ in. The language models of Qwen2.5-VL have the same."""

WINDOW_LAYERS = {"0.5B": 21, "1.5B": 21, "7B": 28}
"""`max_window_layers` where it is not 70. Sliding windows are off in all of them."""


class Qwen2(Family):
    """Qwen2 and Qwen2.5."""

    name = "qwen2"
    template = "qwen2.jinja"

    def matches(self, config: PreTrainedConfig) -> bool:
        return bool(config.model_type == "qwen2")

    def tokenizer(self, source: Source, config: PreTrainedConfig, notices: list[str]) -> PreTrainedTokenizerBase | None:
        """The checkpoint's own; for a preset of Qwen's, the published vocabulary and chat template."""
        if source.preset is None or source.preset.tokenizer != "qwen":
            return super().tokenizer(source, config, notices)
        from .qwen_vocabulary import qwen_tokenizer

        return qwen_tokenizer((files("inspector_plugins") / self.template).read_text(encoding="utf-8"), notices)


def text_config(size: str) -> dict[str, Any]:
    """What `config.json` says of a language model of Qwen2.5, in the words of transformers 5."""
    hidden, intermediate, layers, heads, key_value_heads, tied = SHAPES[size]
    return {
        "attention_dropout": 0.0,
        "bos_token_id": 151643,
        "dtype": "bfloat16",
        "eos_token_id": 151645,
        "hidden_act": "silu",
        "hidden_size": hidden,
        "initializer_range": 0.02,
        "intermediate_size": intermediate,
        "max_position_embeddings": 32768,
        "max_window_layers": WINDOW_LAYERS.get(size, 70),
        "num_attention_heads": heads,
        "num_hidden_layers": layers,
        "num_key_value_heads": key_value_heads,
        "rms_norm_eps": 1e-06,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0},
        "sliding_window": 32768 if tied else 131072,
        "tie_word_embeddings": tied,
        "use_cache": True,
        "use_sliding_window": False,
        "vocab_size": 151936 if tied else 152064,
    }


def preset(size: str) -> Preset:
    return Preset(
        name=f"Qwen2.5-{size}",
        config={"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", **text_config(size)},
        generation={
            "bos_token_id": 151643,
            "do_sample": True,
            "eos_token_id": [151645, 151643],
            "pad_token_id": 151643,
            "repetition_penalty": 1.1 if size in ("0.5B", "1.5B") else 1.05,
            "temperature": 0.7,
            "top_k": 20,
            "top_p": 0.8,
        },
        source=f"Qwen/Qwen2.5-{size}-Instruct",
    )


@hookimpl
def inspector_families() -> Sequence[Family]:
    return [Qwen2()]


@hookimpl
def inspector_presets() -> Sequence[Preset]:
    return [preset(size) for size in SHAPES]
