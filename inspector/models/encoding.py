"""From text and pictures to the forward's keyword arguments, through the model's own processor where it has one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from torch import Tensor

from inspector.errors import InputError
from inspector.models.conversations import Reader, Row
from inspector.models.images import Picture
from inspector.models.inputs import Inputs, Request
from inspector.models.processors import Processor, quiet


def encode(request: Request, processor: Processor, placeholders: Sequence[str], accepted: Collection[str]) -> Inputs:
    """A request as inputs, padded on the left.

    `placeholders` are the words that stand for a picture in a prompt, the usual one first. `accepted` are the
    parameters of the forward: what a processor makes beside them is left out, unless it is empty. Raises `InputError`.
    """
    if processor.tokenizer is None:
        raise InputError(
            "This model has no tokenizer, so nothing can be encoded. "
            + " ".join(processor.notices or ["Give the forward's own arguments instead (inputs=…)."])
        )
    reader = Reader(processor.tokenizer, placeholders, _refusal(processor, accepted))
    rows = reader.rows(request)
    _refuse_videos(rows, processor.model_processor)
    if processor.model_processor is None:
        tensors = _text(rows, processor.tokenizer, templated=reader.templated(request))
    else:
        tensors = _text_and_pictures(rows, processor, templated=reader.templated(request))
    if accepted:
        tensors = {name: tensor for name, tensor in tensors.items() if name in accepted}
    texts = [row.text for row in rows]
    if any(row.pictures for row in rows):
        texts = _expanded(tensors, processor.tokenizer)
    media = [picture.media() for row in rows for picture in row.pictures]
    return Inputs(tensors, texts, media, reader.notices)


def _refusal(processor: Processor, accepted: Collection[str]) -> str:
    """What a picture is answered where none can be encoded."""
    if "pixel_values" not in accepted:
        return "This model reads text alone; it takes no pictures."
    reasons = processor.notices or ["Its checkpoint has no image processor (preprocessor_config.json)."]
    return "Pictures cannot be encoded for this model. " + " ".join(reasons)


def _refuse_videos(rows: Sequence[Row], model_processor: Any) -> None:
    word = getattr(model_processor, "video_token", None)
    for row in rows:
        if word and str(word) in row.text:
            raise InputError(f"{row.name} has a placeholder for a video ({word}); Inspector reads text and images.")


def _text(rows: Sequence[Row], tokenizer: Any, *, templated: bool) -> dict[str, Tensor]:
    """Ids and mask; a chat template has written its special tokens itself."""
    texts = [row.text for row in rows]
    encoded = tokenizer(
        texts,
        padding=len(texts) > 1,
        padding_side="left",
        add_special_tokens=not templated,
        return_attention_mask=True,
        return_tensors="pt",
    )
    if encoded["input_ids"].shape[1] == 0:
        raise InputError("The tokenizer makes no token of this text; a longer prompt was expected.")
    return {"input_ids": encoded["input_ids"].long(), "attention_mask": encoded["attention_mask"]}


def _text_and_pictures(rows: Sequence[Row], processor: Processor, *, templated: bool) -> dict[str, Tensor]:
    tokenizer, model_processor = processor.tokenizer, processor.model_processor
    pictures = [[picture.image for picture in row.pictures] for row in rows]
    texts = [row.text for row in rows]
    options: dict[str, Any] = {"padding": True, "padding_side": "left", "return_tensors": "pt"}
    bos = getattr(tokenizer, "bos_token", None)
    if templated and (bos is None or texts[0].startswith(bos)):
        options["add_special_tokens"] = False
    try:
        with quiet():
            encoded = model_processor(images=pictures if any(pictures) else None, text=texts, **options)
    except Exception as error:  # whatever a model's processor raises about its input
        _name_culprit([picture for row in rows for picture in row.pictures], processor.image_processor)
        raise InputError(f"{type(model_processor).__name__} cannot encode this: {error}") from error
    return {name: value for name, value in encoded.items() if isinstance(value, Tensor)}


def _name_culprit(pictures: Sequence[Picture], image_processor: Any) -> None:
    """Raise for the picture that the image processor refuses by itself, if there is one."""
    for picture in pictures:
        try:
            with quiet():
                image_processor([picture.image], return_tensors="pt")
        except Exception as error:
            raise InputError(f"{picture} cannot be processed for this model: {error}.") from error


def _expanded(tensors: Mapping[str, Tensor], tokenizer: Any) -> list[str]:
    """The text of each row with every placeholder written out, without the padding."""
    ids, mask = tensors["input_ids"], tensors["attention_mask"].bool()
    return [
        tokenizer.decode(row[kept], clean_up_tokenization_spaces=False) for row, kept in zip(ids, mask, strict=True)
    ]
