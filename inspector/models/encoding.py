"""From text, pictures and videos to the forward's arguments, through the model's own processor where it has one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from torch import Tensor

from inspector.errors import InputError
from inspector.models import mediums
from inspector.models.conversations import Reader, Row
from inspector.models.images import Picture
from inspector.models.inputs import Inputs, Request
from inspector.models.processors import Processor, quiet
from inspector.models.sampling import UNTIMED, Sampling
from inspector.models.videos import Video


def encode(
    request: Request,
    processor: Processor,
    placeholders: Sequence[str],
    accepted: Collection[str],
    video_placeholders: Sequence[str] = (),
) -> Inputs:
    """A request as inputs, padded on the left.

    `placeholders` are the words that stand for a picture in a prompt, the usual one first, `video_placeholders` those
    for a video. `accepted` are the parameters of the forward: what a processor makes beside them is left out, unless it
    is empty. Raises `InputError`.
    """
    if processor.tokenizer is None:
        raise InputError(
            "This model has no tokenizer, so nothing can be encoded. "
            + " ".join(processor.notices or ["Give the forward's own arguments instead (inputs=…)."])
        )
    media = [
        mediums.images(placeholders, _refusal(processor, accepted)),
        mediums.videos(video_placeholders, _no_videos(processor, accepted), sampling(request, processor)),
    ]
    reader = Reader(processor.tokenizer, media)
    rows = reader.rows(request)
    if not video_placeholders:
        _refuse_videos(rows, processor.model_processor)
    if processor.model_processor is None:
        tensors = _text(rows, processor.tokenizer, templated=reader.templated(request))
    else:
        tensors = _text_and_media(rows, processor, templated=reader.templated(request))
    if accepted:
        tensors = {name: tensor for name, tensor in tensors.items() if name in accepted}
    texts = [row.text for row in rows]
    if any(row.pictures or row.videos for row in rows):
        texts = _expanded(tensors, processor.tokenizer)
    notices = [*reader.notices, *(notice for row in rows for video in row.videos for notice in video.notices)]
    return Inputs(tensors, texts, _media(rows), notices, {"conversations": [_told(row, media) for row in rows]})


def sampling(request: Request, processor: Processor) -> Sampling:
    """Which frames of a video are taken: as the request asks, else as the model's video processor is set."""
    if request.fps is not None and request.frames is not None:
        raise InputError("--fps and --frames are two ways to choose frames; give one of them.")
    for name, value in (("--fps", request.fps), ("--frames", request.frames)):
        if value is not None and not value > 0:
            raise InputError(f"{name} {value}: a number above 0 was expected.")
    own = processor.video_processor
    asked = request.fps is not None or request.frames is not None
    fps = request.fps if asked else getattr(own, "fps", None)
    frames = request.frames if asked else getattr(own, "num_frames", None)
    return Sampling(
        fps=fps,
        frames=frames,
        least=getattr(own, "min_frames", None) or 4,
        most=getattr(own, "max_frames", None) or 768,
        temporal=getattr(own, "temporal_patch_size", None) or 1,
        by="request" if asked else "default" if fps is None and frames is None else "processor",
    )


def _refusal(processor: Processor, accepted: Collection[str]) -> str:
    """What a picture is answered where none can be encoded."""
    if "pixel_values" not in accepted:
        return "This model reads text alone; it takes no pictures."
    reasons = processor.notices or ["Its checkpoint has no image processor (preprocessor_config.json)."]
    return "Pictures cannot be encoded for this model. " + " ".join(reasons)


def _no_videos(processor: Processor, accepted: Collection[str]) -> str:
    """What a video is answered where none can be encoded."""
    if "pixel_values_videos" not in accepted:
        return "This model takes no videos."
    why = "its checkpoint has no processor for them, or transformers' own needs torchvision (pip install torchvision)."
    return "Videos cannot be encoded for this model: " + " ".join([why, *processor.notices])


def _refuse_videos(rows: Sequence[Row], model_processor: Any) -> None:
    word = getattr(model_processor, "video_token", None)
    for row in rows:
        if word and str(word) in row.text:
            raise InputError(
                f"{row.name} has a placeholder for a video ({word}), and videos cannot be encoded for this model."
            )


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


def _text_and_media(rows: Sequence[Row], processor: Processor, *, templated: bool) -> dict[str, Tensor]:
    tokenizer, model_processor = processor.tokenizer, processor.model_processor
    pictures = [[picture.image for picture in row.pictures] for row in rows]
    videos = [video for row in rows for video in row.videos]
    texts = [row.text for row in rows]
    options: dict[str, Any] = {"padding": True, "padding_side": "left", "return_tensors": "pt"}
    bos = getattr(tokenizer, "bos_token", None)
    if templated and (bos is None or texts[0].startswith(bos)):
        options["add_special_tokens"] = False
    if videos:
        options |= {"videos": [video.frames for video in videos], "video_metadata": list(map(_metadata, videos))}
        options["do_sample_frames"] = False
    try:
        with quiet():
            encoded = model_processor(images=pictures if any(pictures) else None, text=texts, **options)
    except InputError:
        raise
    except Exception as error:  # whatever a model's processor raises about its input
        _name_culprit([picture for row in rows for picture in row.pictures], processor.image_processor)
        raise InputError(f"{type(model_processor).__name__} cannot encode this: {error}") from error
    return {name: value for name, value in encoded.items() if isinstance(value, Tensor)}


def _metadata(video: Video) -> Any:
    """What transformers' processors want to know of a video: they work out its seconds from that."""
    from transformers.video_utils import VideoMetadata

    width, height = video.size
    return VideoMetadata(
        total_num_frames=video.total,
        fps=video.rate or UNTIMED,
        width=width,
        height=height,
        duration=video.total / video.rate if video.rate else None,
        frames_indices=list(video.indices),
    )


def _name_culprit(pictures: Sequence[Picture], image_processor: Any) -> None:
    """Raise for the picture that the image processor refuses by itself, if there is one."""
    for picture in pictures:
        try:
            with quiet():
                image_processor([picture.image], return_tensors="pt")
        except Exception as error:
            raise InputError(f"{picture} cannot be processed for this model: {error}.") from error


def _media(rows: Sequence[Row]) -> list[Any]:
    """Pictures and videos in the order of the batch, each with its row."""
    found = []
    for number, row in enumerate(rows):
        found += [picture.media(number) for picture in row.pictures]
        found += [video.media(number) for video in row.videos]
    return found


def _told(row: Row, media: Sequence[mediums.Medium]) -> dict[str, Any]:
    """A row as the trace tells of it: messages, the text before placeholders were written out, how many it has."""
    return {
        "messages": row.messages,
        "rendered": row.text,
        "placeholders": {medium.kind: medium.count(row.text) for medium in media if medium.words},
        "words": {medium.kind: medium.word for medium in media if medium.words},
    }


def _expanded(tensors: Mapping[str, Tensor], tokenizer: Any) -> list[str]:
    """The text of each row with every placeholder written out, without the padding."""
    ids, mask = tensors["input_ids"], tensors["attention_mask"].bool()
    return [
        tokenizer.decode(row[kept], clean_up_tokenization_spaces=False) for row, kept in zip(ids, mask, strict=True)
    ]
