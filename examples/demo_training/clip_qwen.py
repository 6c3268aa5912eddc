"""A small CLIP + Qwen: the family's own model, with dynamic NTK and log-n beyond 128 tokens."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from inspector_plugins.clip_qwen.configuration import ClipQwenConfig
from inspector_plugins.clip_qwen.model import ClipQwenForConditionalGeneration
from inspector_plugins.clip_qwen.presets import preset
from inspector_plugins.clip_qwen.published import CLIP_SETTINGS
from inspector_plugins.clip_qwen.tokens import PLACEHOLDER, STOPS, SYSTEM, chat_template

from . import attention, checkpoint
from .auxiliary import AuxiliaryHeads, labels
from .clip_start import begin
from .lessons import Lesson
from .packing import FIRST_TURN, IGNORED, PICTURE, PREFIX, Block, Packer, Row
from .tokenizer import EVERYDAY
from .tokenizer import train as train_tokenizer

SIDE, PATCH = 112, 14
ROWS = SIDE // PATCH
"""Patches a side; each becomes a token."""

SIZES = (
    *((112, 112), (112, 84), (84, 112), (168, 112), (112, 168), (84, 84)),
    *((168, 84), (84, 168), (224, 224), (224, 168)),
)
"""Width and height of the pictures that it learns from. All are brought to `SIDE` × `SIDE`."""

QUESTION_FIRST = 0.85
"""So often the question stands before the picture, which is how the original asks."""

CONVERSATIONS = 0.1
"""The share of batches in which turns see those before them."""

LOOKING = 2200
"""So many batches the vision tower and the projector learn alone, as CLIP's did before a decoder saw it."""

END, NEXT_TURN = "<|im_end|>", "\n<|im_start|>user\n"

IMAGE_SETTINGS: dict[str, Any] = {**CLIP_SETTINGS, "do_center_crop": False, "size": {"height": SIDE, "width": SIDE}}
"""CLIP's, except that nothing of a picture is cut off: one that is no square is squeezed into it."""
del IMAGE_SETTINGS["crop_size"]


def config(tokenizer: Any) -> ClipQwenConfig:
    """The configuration for a tokenizer."""
    return ClipQwenConfig(
        vision_config={
            "hidden_size": 128,
            "image_size": SIDE,
            "intermediate_size": 384,
            "model_type": "clip_vision_model",
            "num_attention_heads": 4,
            "num_hidden_layers": 4,
            "patch_size": PATCH,
            "projection_dim": 128,
        },
        text_config={
            "hidden_size": 128,
            "intermediate_size": 768,
            "kv_channels": 32,
            "max_position_embeddings": 1024,
            "num_attention_heads": 4,
            "num_hidden_layers": 6,
            "seq_length": 128,
            "vocab_size": len(tokenizer),
        },
        image_token_id=tokenizer.convert_tokens_to_ids(PLACEHOLDER),
    )


class QuestionsFirst(Packer):
    """Rows whose first question stands before the picture, which is how the original asks.

    The other turns come as later ones of a conversation. In most batches none of them sees the answer of another, and
    each is counted from the picture; `is_conversation` makes rows of which every turn sees what came before. Those are
    long enough for dynamic NTK and log-n.
    """

    def __init__(self, tokenizer: Any, random: Random) -> None:
        super().__init__(tokenizer)
        self.is_conversation = False
        self._random = random

    def _row(self, lesson: Lesson, block: Block) -> Row:
        (asked, answer), *others = self._random.sample(lesson.asked, len(lesson.asked))
        leads = self._random.random() < QUESTION_FIRST
        question = self.encode(asked) if leads else []
        before = len(self.before)
        row = Row([], [], [], [], before + len(question))
        row.add(self.before, PREFIX, 0)
        row.add(question, PICTURE, before)
        row.add(block.ids, PICTURE, row.begin)
        opening = NEXT_TURN if self.is_conversation else END + NEXT_TURN
        turns = [("" if leads else asked, answer), *((opening + asked, answer) for asked, answer in others)]
        behind = len(row.ids)
        for number, turn in enumerate(turns):
            if self.is_conversation:
                self._add(row, turn, FIRST_TURN, len(row.ids))
            else:
                self._add(row, turn, FIRST_TURN + number, behind)
        for number, turn in enumerate(() if self.is_conversation else lesson.chatted):
            self._add(row, turn, -1 - number, before)
        return row


class TinyClipQwen:
    """The model with all that its training needs; see `loop.Trainee`."""

    sizes = SIZES
    clips = ()
    settings: Mapping[str, Any] = MappingProxyType({"pictures": 20, "adamw": 1.2e-3})

    def __init__(self) -> None:
        special = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", PLACEHOLDER)
        self.tokenizer = train_tokenizer(chat_template(), special, f"{EVERYDAY}\n{SYSTEM}\n")
        self._random = Random(0)
        self.packer = QuestionsFirst(self.tokenizer, self._random)
        self.model: Any = ClipQwenForConditionalGeneration(config(self.tokenizer))
        begin(self.model.vision_tower)
        self._batches = 0
        self.width: int = self.model.config.text_config.hidden_size
        tokens = ROWS * ROWS
        self.block = Block([self.model.config.image_token_id] * tokens, torch.arange(tokens)[None], tokens)

    @attention.fast
    def losses(self, batch: list[Lesson], heads: AuxiliaryHeads) -> tuple[Tensor, Tensor]:
        """The loss of the answers, and what the projector's outputs are asked."""
        device = self.model.device
        features = self.model.get_image_features(pixels(batch).to(device))
        seen = heads(features, labels(batch, 1, ROWS, ROWS).to(device))
        self._batches += 1
        if self._batches <= LOOKING:
            return seen.new_zeros(()), seen
        self.packer.is_conversation = self._random.random() < CONVERSATIONS
        packed = self.packer.pack(batch, self.block)
        ids, targets = packed.ids.to(device), packed.targets.to(device)
        embedded = self.model.get_input_embeddings()(ids)
        is_picture = (ids == self.model.config.image_token_id)[..., None]
        embedded = embedded.masked_scatter(is_picture, features.to(embedded.dtype))
        output = self.model.language_model.transformer(
            inputs_embeds=embedded,
            attention_mask=torch.where(packed.visible.to(device), 0.0, -1e9).to(features.dtype),
            position_ids=packed.positions[0].to(device),
        )
        counted = targets != IGNORED
        logits = self.model.language_model.lm_head(output.last_hidden_state[counted]).float()
        return self.packer.loss(logits, targets[counted]), seen

    def save(self, directory: Path) -> None:
        """Write the checkpoint, with the generation settings as published."""
        stops = self.tokenizer.convert_tokens_to_ids(list(STOPS))
        ends = {"eos_token_id": stops, "pad_token_id": self.tokenizer.pad_token_id}
        checkpoint.write(
            directory,
            self.model,
            self.tokenizer,
            generation_config={**preset("7B").generation, **ends},
            preprocessor_config=IMAGE_SETTINGS,
        )


def pixels(batch: list[Lesson]) -> Tensor:
    """f32 [pictures, 3, `SIDE`, `SIDE`], as the image processor makes them."""
    mean, std = (torch.tensor(IMAGE_SETTINGS[name])[:, None, None] for name in ("image_mean", "image_std"))
    squares = [lesson.frames[0].resize((SIDE, SIDE), Image.Resampling.BICUBIC).tobytes() for lesson in batch]
    flat = torch.frombuffer(bytearray(b"".join(squares)), dtype=torch.uint8)
    return (flat.view(-1, SIDE, SIDE, 3).permute(0, 3, 1, 2).float() / 255 - mean) / std
