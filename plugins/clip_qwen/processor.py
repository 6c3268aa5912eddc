"""Text and pictures to the model's inputs. A picture stays one placeholder in the ids; the model makes room for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import BatchFeature, ProcessorMixin
from transformers.image_processing_utils import ImageProcessingMixin

from inspector import Processor

from .published import CLIP_SETTINGS
from .tokens import PLACEHOLDER

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class ClipQwenProcessor(ProcessorMixin):  # type: ignore[misc]
    """Tokenizer and image processor of the model together."""

    def __init__(
        self,
        image_processor: Any = None,
        tokenizer: Any = None,
        chat_template: str | None = None,
        image_token: str = PLACEHOLDER,
        **kwargs: Any,
    ) -> None:
        self.image_token = image_token
        self.image_token_id = tokenizer.convert_tokens_to_ids(image_token)
        super().__init__(image_processor, tokenizer, chat_template=chat_template)

    def __call__(self, images: Any = None, text: str | Sequence[str] | None = None, **kwargs: Any) -> BatchFeature:
        """`text` holds a placeholder for each of `images`, which may be nested by row. `kwargs` go to the tokenizer.

        Returns input_ids and attention_mask i64 [batch, tokens], pixel_values f32 [pictures, 3, side, side]. Raises
        `ValueError` where a row of nested pictures, or the whole, has another number of placeholders than pictures.
        """
        rows = [text] if isinstance(text, str) else list(text or ())
        encoded = self.tokenizer(rows, **{"return_tensors": "pt", **kwargs})
        placeholders = [row.count(self.image_token_id) for row in map(list, encoded["input_ids"])]
        pictures, counts = _flat(images)
        if (counts != placeholders) if counts is not None else (len(pictures) != sum(placeholders)):
            raise ValueError(
                f"There are {counts if counts is not None else len(pictures)} pictures and {placeholders} placeholders "
                f"({self.image_token}) in the rows of the batch."
            )
        data = dict(encoded)
        if pictures:
            data["pixel_values"] = self.image_processor(pictures, return_tensors="pt")["pixel_values"]
        return BatchFeature(data)


class OriginalTestPictures(ImageProcessingMixin):  # type: ignore[misc]
    """What the original does to a picture when it is asked, not trained: other mean and std, and no crop, so that the
    picture is squeezed into a square.
    """

    model_input_names = ("pixel_values",)

    def __init__(self, side: int = 224, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.side = side

    def __call__(self, images: Any, return_tensors: str = "pt", **kwargs: Any) -> BatchFeature:
        """pixel_values f32 [pictures, 3, side, side] of PIL pictures."""
        pictures = images if isinstance(images, (list, tuple)) else [images]
        return BatchFeature({"pixel_values": torch.stack([self._one(picture) for picture in pictures])})

    def _one(self, picture: Any) -> Tensor:
        """To [0, 1], normalised, then resized with antialiasing, in this order."""
        width, height = picture.size
        pixels = torch.frombuffer(bytearray(picture.convert("RGB").tobytes()), dtype=torch.uint8)
        pixels = pixels.view(height, width, 3).permute(2, 0, 1).float() / 255
        mean, std = torch.tensor(IMAGENET_MEAN)[:, None, None], torch.tensor(IMAGENET_STD)[:, None, None]
        resized: Tensor = torch.nn.functional.interpolate(
            ((pixels - mean) / std)[None], size=(self.side, self.side), mode="bilinear", antialias=True
        )
        return resized[0]


def image_processor(settings: Mapping[str, Any] | None, side: int, *, faithful: bool) -> Any:
    """What makes pixels of a picture, `side` pixels wide: CLIP's processor as its settings say, on Pillow, which gives
    what the original got in training; for `faithful` the original's way at test time.
    """
    if faithful:
        return OriginalTestPictures(side)
    from transformers import CLIPImageProcessorPil

    given = dict(settings or CLIP_SETTINGS)
    if not settings:
        given |= {"crop_size": {"height": side, "width": side}, "size": {"shortest_edge": side}}
    return CLIPImageProcessorPil.from_dict(given)


def combined(images: Any, tokenizer: Any, image_token_id: int, notices: list[str]) -> Processor:
    """What encodes the inputs of a model. Without a token for pictures, of which `notices` then tells, text alone."""
    word = None if tokenizer is None else tokenizer.convert_ids_to_tokens(image_token_id)
    if tokenizer is None or word is None:
        if tokenizer is not None:
            notices.append(
                f"The tokenizer has no token {image_token_id}, which stands for pictures: none can be given."
            )
        return Processor(tokenizer, images, notices)
    both = ClipQwenProcessor(images, tokenizer, tokenizer.chat_template, str(word))
    return Processor(tokenizer, images, notices, both)


def _flat(images: Any) -> tuple[list[Any], list[int] | None]:
    """The pictures in one list; how many each row has, where they came nested by row."""
    if images is None:
        return [], None
    if not isinstance(images, (list, tuple)):
        return [images], None
    if any(isinstance(row, (list, tuple)) for row in images):
        return [picture for row in images for picture in row], [len(row) for row in images]
    return list(images), None
