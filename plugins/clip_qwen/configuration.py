"""Configurations of the first-generation Qwen decoder (`qwen`) and of CLIP with it (`clip_qwen`).

The names are those of the published `config.json` files, so that they read as they stand.
"""

from __future__ import annotations

from typing import Any

from transformers import CLIPVisionConfig, PreTrainedConfig

from .published import IMAGE_TOKEN_ID, VIT_L_14


class QwenConfig(PreTrainedConfig):  # type: ignore[misc]
    """Qwen-7B, Qwen-1_8B and their chat models, of 2023.

    `intermediate_size` is twice the width of the MLP, `kv_channels` the size of a head. Beyond `seq_length` tokens the
    rotary base grows (`use_dynamic_ntk`) and queries are scaled (`use_logn_attn`). `use_cache_quantization` keeps keys
    and values in 8 bits. `faithful` computes what the original computes also where that is unsound (`inspector view
    quirks` says where).
    """

    model_type = "qwen"
    keys_to_ignore_at_inference = ("past_key_values",)

    vocab_size: int = 151936
    hidden_size: int = 4096
    intermediate_size: int = 22016
    num_hidden_layers: int = 32
    num_attention_heads: int = 32
    kv_channels: int = 128
    seq_length: int = 8192
    max_position_embeddings: int = 8192
    rotary_emb_base: float = 10000.0
    rotary_pct: float = 1.0
    use_dynamic_ntk: bool = True
    use_logn_attn: bool = True
    use_cache: bool = True
    use_cache_quantization: bool = False
    layer_norm_epsilon: float = 1e-6
    initializer_range: float = 0.02
    emb_dropout_prob: float = 0.0
    attn_dropout_prob: float = 0.0
    no_bias: bool = True
    tie_word_embeddings: bool = False
    bos_token_id: int | None = None
    eos_token_id: int | list[int] | None = None
    pad_token_id: int | None = None
    faithful: bool = False

    @property
    def head_dim(self) -> int:
        return self.kv_channels

    @property
    def num_key_value_heads(self) -> int:
        return self.num_attention_heads

    @property
    def rotary_dim(self) -> int:
        """How many dimensions of a head are rotated; the rest passes through."""
        return int(self.kv_channels * self.rotary_pct)


class ClipQwenConfig(PreTrainedConfig):  # type: ignore[misc]
    """A CLIP vision tower, a projector of two layers and a Qwen decoder.

    In the prompt one `image_token_id` stands for a picture; `image_seq_length` features take its place in the decoder,
    one for each patch of the vision tower.
    """

    model_type = "clip_qwen"
    sub_configs = {"vision_config": CLIPVisionConfig, "text_config": QwenConfig}  # noqa: RUF012 - transformers' own form

    vision_config: Any = None
    text_config: Any = None
    image_token_id: int = IMAGE_TOKEN_ID
    image_seq_length: int | None = None
    projector_hidden_size: Any = None
    tie_word_embeddings: bool = False

    def __post_init__(self, **kwargs: Any) -> None:
        if not isinstance(self.vision_config, PreTrainedConfig):
            self.vision_config = CLIPVisionConfig(**(self.vision_config or VIT_L_14))
        if not isinstance(self.text_config, PreTrainedConfig):
            self.text_config = QwenConfig(**(self.text_config or {}))
        if self.projector_hidden_size is None:
            self.projector_hidden_size = self.text_config.hidden_size
        if self.image_seq_length is None:
            self.image_seq_length = self.patches
        super().__post_init__(**kwargs)
        if self.image_seq_length != self.patches:
            raise ValueError(
                f"image_seq_length is {self.image_seq_length}, and the vision tower makes {self.patches} features of a "
                f"picture of {self.vision_config.image_size} pixels a side, one for each patch of "
                f"{self.vision_config.patch_size}."
            )

    @property
    def patches(self) -> int:
        """How many patches the vision tower cuts a picture into."""
        side: int = self.vision_config.image_size // self.vision_config.patch_size
        return side * side
