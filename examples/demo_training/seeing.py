"""What happens inside: where the attention of a caption's colour words falls, and when the answer is decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from .asking import Case, batches, encoded
from .drawing import corners
from .scenes import Thing

Head = tuple[int, int]

SOME = 5
"""A token counts where more than so many of 255 parts of it show the thing."""

FINAL_NORMS = ("language_model.norm", "transformer.ln_f")
"""How the norm before the head is called."""


@torch.no_grad()
def heads_on_things(session: Any, found: Sequence[Case]) -> dict[Head, float]:
    """For each head, the share of colour words in right captions whose most attended image token lies on the thing.

    The query is the colour word itself, which the shape follows; words that fit two things are left out.
    """
    hits: Counter[Head] = Counter()
    words = 0
    for batch in batches(found):
        ids, inputs = _answered(session, batch)
        attentions = _forward(session, inputs, ids, output_attentions=True).attentions
        for row, case in enumerate(batch):
            own = _written_out(session, ids[row])
            start = len(own) - ids.shape[1] + inputs["input_ids"].shape[1]
            for place, thing in _color_words(session, case, own, start):
                words += 1
                image = (own == session.config.image_token_id).nonzero().flatten()
                for layer, weights in enumerate(attentions):  # [rows, heads, tokens, tokens]
                    tops = weights[row, :, place, image].argmax(-1)
                    hits.update((layer, head) for head, top in enumerate(tops.tolist()) if top in thing)
    return {head: count / max(words, 1) for head, count in hits.items()}


@torch.no_grad()
def lens_agreement(session: Any, found: Sequence[Case]) -> list[float]:
    """For the embedding and each layer: how often the logits of its state put first what those of the last do, over
    all tokens of the answers.
    """
    agreed: list[Tensor] = []
    for batch in batches(found):
        ids, inputs = _answered(session, batch)
        new = ids.shape[1] - inputs["input_ids"].shape[1]
        output = _forward(session, inputs, ids, output_hidden_states=True)
        answered = ids[:, -new:] != session.processor.tokenizer.pad_token_id
        final = output.logits[:, -new - 1 : -1].argmax(-1)
        tops = [_read(session, state, last=state is output.hidden_states[-1]) for state in output.hidden_states]
        agreed.append(torch.stack([(top[:, -new - 1 : -1] == final)[answered] for top in tops]))
    return [float(share) for share in torch.cat(agreed, 1).float().mean(1)]


def _read(session: Any, state: Tensor, *, last: bool) -> Tensor:
    """The tokens that a state would give: i64 [rows, tokens]. The last state comes with the norm applied."""
    model = session.model
    norm = next(module for name, module in model.named_modules() if name.endswith(FINAL_NORMS))
    found: Tensor = model.get_output_embeddings()(state if last else norm(state)).argmax(-1)
    return found


def _written_out(session: Any, ids: Tensor) -> Tensor:
    """The ids of a row with as many placeholders as a picture has tokens, for a model that is given one alone."""
    features = getattr(session.config, "image_seq_length", None) or 1
    return ids.repeat_interleave(torch.where(ids == session.config.image_token_id, features, 1))


def _grid(config: Any, width: int, height: int) -> tuple[int, int]:
    """Rows and columns of the image tokens of a picture."""
    vision = config.vision_config
    if hasattr(vision, "image_size"):
        return vision.image_size // vision.patch_size, vision.image_size // vision.patch_size
    side = vision.patch_size * vision.spatial_merge_size
    return height // side, width // side


def _answered(session: Any, batch: Sequence[Case]) -> tuple[Tensor, dict[str, Tensor]]:
    """The ids of prompts and greedy answers, and the inputs of the prompts."""
    inputs = encoded(session, batch)
    options = {"do_sample": False, "temperature": None, "repetition_penalty": 1.0, "max_new_tokens": 40}
    return session.model.generate(**inputs, **options), inputs


def _forward(session: Any, inputs: dict[str, Tensor], ids: Tensor, **options: bool) -> Any:
    """One forward over prompts and answers, in eager attention, which gives its weights."""
    new = ids.shape[1] - inputs["input_ids"].shape[1]
    grown = {**inputs, "input_ids": ids}
    grown["attention_mask"] = torch.nn.functional.pad(inputs["attention_mask"], (0, new), value=1)
    if "mm_token_type_ids" in inputs:
        grown["mm_token_type_ids"] = torch.nn.functional.pad(inputs["mm_token_type_ids"], (0, new))
    before = session.config._attn_implementation
    session.model.set_attn_implementation("eager")
    try:
        return session.model(**grown, use_cache=False, **options)
    finally:
        session.model.set_attn_implementation(before)


def _color_words(session: Any, case: Case, ids: Tensor, start: int) -> list[tuple[int, set[int]]]:
    """The place of each colour word in a right caption, with the image tokens of the thing that it means."""
    words = [session.processor.tokenizer.decode([token]).strip() for token in ids[start:].tolist()]
    colors = [thing.color for thing in case.scene.things]
    if session.processor.tokenizer.decode(ids[start:], skip_special_tokens=True) not in case.question.answers:
        return []
    things = {thing.color: thing for thing in case.scene.things if colors.count(thing.color) == 1}
    grid = _grid(session.config, *case.frames[0].size)
    return [
        (start + number, tokens_of(things[word], case.frames[0].size, grid))
        for number, word in enumerate(words)
        if word in things
    ]


def tokens_of(thing: Thing, size: tuple[int, int], grid: tuple[int, int]) -> set[int]:
    """The image tokens, row by row of a `grid` of rows and columns, in whose part of a picture of this width and height
    some of the thing is drawn.
    """
    shape = Image.new("L", size)
    ImageDraw.Draw(shape).polygon(corners(thing, *size), fill=255)
    shares = shape.resize(grid[::-1], Image.Resampling.BOX).tobytes()
    return {token for token, share in enumerate(shares) if share > SOME}
