"""A small Qwen2.5-VL: the real architecture with windows, M-RoPE and grouped-query heads, in two million parameters."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from inspector_plugins.qwen2_5_vl import preset

from . import attention, checkpoint
from .auxiliary import AuxiliaryHeads, labels
from .lessons import Lesson
from .packing import IGNORED, Block, Packer
from .tokenizer import train as train_tokenizer

TOKEN = 28
"""Pixels of an image token a side: two patches of 14."""

SIZES = tuple(
    (columns * TOKEN, rows * TOKEN)
    for columns, rows in ((4, 4), (4, 3), (3, 4), (3, 3), (5, 4), (4, 5), (5, 3), (3, 5), (6, 3), (3, 6))
)
"""Width and height of the pictures that it learns from: all that the image processor makes of usual pictures."""

PUBLISHED = preset("3B")

IMAGE_SETTINGS: dict[str, Any] = {
    **(PUBLISHED.image_processor or {}),
    "size": {"shortest_edge": 9 * TOKEN**2, "longest_edge": 22 * TOKEN**2},
}
VIDEO_SETTINGS = {
    **IMAGE_SETTINGS,
    "video_processor_type": "Qwen2VLVideoProcessor",
    "size": {"shortest_edge": 16 * TOKEN**2, "longest_edge": 22 * TOKEN**2},
    "fps": 2.0,
    "min_frames": 4,
    "max_frames": 8,
}
del VIDEO_SETTINGS["image_processor_type"]


def config(tokenizer: Any) -> Any:
    """The configuration for a tokenizer."""
    from transformers import Qwen2_5_VLConfig

    ids = tokenizer.convert_tokens_to_ids
    return Qwen2_5_VLConfig(
        text_config={
            "bos_token_id": ids("<|endoftext|>"),
            "eos_token_id": ids("<|im_end|>"),
            "head_dim": 32,
            "hidden_size": 128,
            "intermediate_size": 384,
            "max_position_embeddings": 4096,
            "max_window_layers": 6,
            "num_attention_heads": 4,
            "num_hidden_layers": 6,
            "num_key_value_heads": 2,
            "pad_token_id": ids("<|endoftext|>"),
            "rope_parameters": {"rope_type": "default", "rope_theta": 10.0, "mrope_section": [4, 6, 6]},
            "vocab_size": len(tokenizer),
        },
        vision_config={
            "depth": 4,
            "fullatt_block_indexes": [1, 3],
            "hidden_size": 96,
            "intermediate_size": 256,
            "num_heads": 4,
            "out_hidden_size": 128,
            "patch_size": 14,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "tokens_per_second": 2,
            "window_size": 56,
        },
        image_token_id=ids("<|image_pad|>"),
        video_token_id=ids("<|video_pad|>"),
        vision_start_token_id=ids("<|vision_start|>"),
        vision_end_token_id=ids("<|vision_end|>"),
        tie_word_embeddings=True,
    )


class TinyQwen2_5_VL:  # noqa: N801 - the model's name
    """The model with all that its training needs; see `loop.Trainee`."""

    sizes = SIZES
    clips = (4, 4, 6, 8)
    settings: Mapping[str, Any] = MappingProxyType({})

    def __init__(self) -> None:
        from transformers import Qwen2_5_VLForConditionalGeneration

        template = files("inspector_plugins") / "qwen2_5_vl.jinja"
        self.tokenizer = train_tokenizer(template.read_text(encoding="utf-8"))
        self.packer = Packer(self.tokenizer)
        self.model: Any = Qwen2_5_VLForConditionalGeneration(config(self.tokenizer))
        self.width: int = self.model.config.text_config.hidden_size
        mean, std = (torch.tensor(IMAGE_SETTINGS[name])[:, None, None] for name in ("image_mean", "image_std"))
        self._mean, self._std = mean, std

    @attention.fast
    def losses(self, batch: list[Lesson], heads: AuxiliaryHeads) -> tuple[Tensor, Tensor]:
        """The loss of the answers, and what the states of image tokens after the second layer are asked."""
        device = self.model.device
        grid = self.grid(batch[0])
        packed = self.packer.pack(batch, self.block(grid, still=len(batch[0].frames) == 1))
        pixels = torch.cat([self.patches(lesson) for lesson in batch])
        grids = torch.tensor([grid] * len(batch))
        images = self.model.model.visual(pixels.to(device), grids.to(device)).pooler_output
        embedded = self.model.get_input_embeddings()(packed.ids.to(device))
        inside = slice(packed.place.start + 1, packed.place.stop - 1)
        embedded = embedded.clone()
        embedded[:, inside] = images.view(len(batch), -1, self.width).to(embedded.dtype)
        output = self.model.model.language_model(
            inputs_embeds=embedded,
            attention_mask=torch.where(packed.visible.to(device), 0.0, -1e9).to(images.dtype),
            position_ids=packed.positions.to(device),
            use_cache=False,
            output_hidden_states=True,
        )
        targets = packed.targets.to(device)
        counted = targets != IGNORED
        logits = self.model.lm_head(output.last_hidden_state[counted]).float()
        asked = labels(batch, grid[0], grid[1] // 2, grid[2] // 2).to(device)
        return self.packer.loss(logits, targets[counted]), heads(output.hidden_states[2][:, inside], asked)

    def grid(self, lesson: Lesson) -> tuple[int, int, int]:
        """Patches in time, down and across."""
        width, height = lesson.frames[0].size
        return -(-len(lesson.frames) // 2), height // 14, width // 14

    def block(self, grid: tuple[int, int, int], still: bool) -> Block:
        """The tokens of a picture between those that begin and end it, and their positions on three axes."""
        ids = self.tokenizer.convert_tokens_to_ids
        times, rows, columns = grid[0], grid[1] // 2, grid[2] // 2
        pad = ids("<|image_pad|>" if still else "<|video_pad|>")
        seconds = 0 if still else self.model.config.vision_config.tokens_per_second
        axes = torch.meshgrid(torch.arange(times) * seconds, torch.arange(rows), torch.arange(columns), indexing="ij")
        inner = torch.stack([axis.flatten() for axis in axes]) + 1
        last = int(inner.max()) + 1 if still else max(rows, columns) + 1
        ends = torch.tensor([0]), torch.tensor([last])
        positions = torch.cat([ends[0].expand(3, 1), inner, ends[1].expand(3, 1)], dim=1)
        all_ids = [ids("<|vision_start|>"), *[pad] * inner.shape[1], ids("<|vision_end|>")]
        return Block(all_ids, positions, last + 1)

    def patches(self, lesson: Lesson) -> Tensor:
        """The patches of a picture or clip as the image processor makes them: f32 [patches, 3 × 2 × 14 × 14]."""
        times, rows, columns = self.grid(lesson)
        frames = [_pixels(frame) for frame in lesson.frames]
        frames += frames[-1:] * (2 * times - len(frames))
        pixels = (torch.stack(frames) - self._mean) / self._std  # [frames, 3, height, width]
        blocks = pixels.view(times, 2, 3, rows // 2, 2, 14, columns // 2, 2, 14)
        return blocks.permute(0, 3, 6, 4, 7, 2, 1, 5, 8).reshape(times * rows * columns, -1)

    def save(self, directory: Path) -> None:
        """Write the checkpoint, with the generation settings as published."""
        end = [self.tokenizer.eos_token_id, self.tokenizer.pad_token_id]
        stops = {"bos_token_id": end[1], "eos_token_id": end, "pad_token_id": end[1]}
        checkpoint.write(
            directory,
            self.model,
            self.tokenizer,
            generation_config={**PUBLISHED.generation, **stops},
            preprocessor_config=IMAGE_SETTINGS,
            video_preprocessor_config=VIDEO_SETTINGS,
        )


def _pixels(image: Any) -> Tensor:
    """f32 [3, height, width] from 0 to 1."""
    flat: Tensor = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    return flat.view(image.height, image.width, 3).permute(2, 0, 1).float() / 255
